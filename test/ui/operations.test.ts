import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

describe('operations', { timeout: 60_000 }, () => {
  test('an operator sees which replicas serve, what came of refreshes, and what waits', async () => {
    const { page, goTo, look } = admin
    const { weft, fabrics, endpoint, serviceKey } = visitors.stack
    const path = `/fabrics/${fabrics[0]?.id}/serving-endpoints/${endpoint}/invocations`
    const headers = { authorization: `Bearer ${serviceKey}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ messages: [{ role: 'user', content: 'Hello' }] })
    expect((await fetch(weft + path, { method: 'POST', headers, body })).status).toBe(200)
    await goTo('/operations', 'Operations')
    await page.getByRole('heading', { name: '1 replica serves' }).waitFor()
    const replica = page.getByRole('list', { name: 'Replicas' }).getByRole('listitem')
    await replica.getByText('Ready', { exact: true }).waitFor()
    await replica.getByText(/^heard of (\d+ s ago|just now)$/).waitFor()
    const renewed = page.getByRole('row').filter({ hasText: 'Renewed' }).getByRole('cell').last()
    await expect
      .poll(async () => Number(await renewed.textContent()), { timeout: 20_000 })
      .toBeGreaterThan(0)
    await page.getByText(/of \d+ without a fault of Weft/).waitFor()
    const queues = page.getByRole('list', { name: 'Queues' })
    await queues.getByText('Records of calls').waitFor()
    await queues.getByText('None given up').first().waitFor()
    const webhooks = queues.getByRole('listitem').filter({ hasText: 'Events on their way' })
    await webhooks.getByText(/^(No receiver fails|\d+ receivers? do(es)? not answer)$/).waitFor()
    await look('operations-health')
  })

  test('an operator sees which key seals, and that no rotation is under way', async () => {
    const { page, look } = admin
    await page.getByRole('tab', { name: 'Keys' }).click()
    const [key] = await page.getByRole('list', { name: 'Key ring' }).getByRole('listitem').all()
    await key?.getByText('Seals', { exact: true }).waitFor()
    await page.getByText('No rotation is under way.').waitFor()
    await look('operations-keys')
  })

  test('an operator adds an organisation, suspends it and lets it work again', async () => {
    const { page, goTo, look } = admin
    const name = `Initech ${Date.now()}`
    await goTo('/operations', 'Operations')
    await page.getByRole('button', { name: 'Add an organisation' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(name)
    await dialog.getByLabel('Slug').fill('Not A Slug')
    await dialog.getByRole('button', { name: 'Add it' }).click()
    await dialog.getByRole('alert').waitFor()
    await dialog.getByLabel('Slug').fill(`initech-${Date.now()}`)
    await look('operations-new')
    await dialog.getByRole('button', { name: 'Add it' }).click()
    const row = page.getByRole('listitem').filter({ hasText: name })
    await row.waitFor()
    await row.getByRole('button', { name: 'Suspend' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Suspend' }).click()
    await row.getByText('Suspended', { exact: true }).waitFor()
    await look('operations')
    await row.getByRole('button', { name: 'Resume' }).click()
    await row.getByRole('button', { name: 'Suspend' }).waitFor()
  })

  test('whoever is no operator finds no way there, and is told whose page it is', async () => {
    const dev = await visitors.open('dev@acme.test')
    await dev.goTo('/operations', 'Operations')
    await dev.page.getByText('For platform operators').waitFor()
    expect(await dev.page.getByRole('link', { name: 'Operations' }).count()).toBe(0)
    await dev.context.close()
  })
})
