import { createServer, type Server } from 'node:http'
import { text } from 'node:stream/consumers'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor
let receiver: Server
const name = `Alerts ${Date.now()}`
const received: { readonly body: string; readonly headers: Record<string, string> }[] = []
let answer = 204

beforeAll(async () => {
  visitors = await openVisitors()
  receiver = createServer(async (request, response) => {
    const body = await text(request)
    const headers = Object.entries(request.headers).map(([key, value]) => [key, String(value)])
    received.push({ body, headers: Object.fromEntries(headers) })
    response.writeHead(answer).end()
  })
  const { port } = new URL(visitors.stack.webhookReceiver)
  await new Promise<void>((resolve) => receiver.listen(Number(port), '127.0.0.1', resolve))
  admin = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(async () => {
  receiver?.closeAllConnections()
  receiver?.close()
  await visitors?.close()
})

const dialog = (title: string) => admin.page.getByRole('dialog', { name: title })
const row = () => admin.page.getByRole('listitem').filter({ hasText: name })
const more = async (item: string) => {
  await row()
    .getByRole('button', { name: `More about ${name}` })
    .click()
  await admin.page.getByRole('menuitem', { name: item }).click()
}

describe('webhooks', { timeout: 120_000 }, () => {
  let secret = ''

  test('an admin makes one, is shown its secret once, and sees a test arrive that it signs', async () => {
    const { page, goTo, look } = admin
    await goTo('/settings/webhooks', 'Webhooks')
    await page.getByText('No webhook yet').waitFor()
    await look('webhooks-empty')
    await page.getByRole('button', { name: 'New webhook' }).click()
    const form = dialog('New webhook')
    await form.getByRole('button', { name: 'Make the webhook' }).click()
    await form.getByText('Say who is told').waitFor()
    await form.getByText('Paste the whole address, with https://').waitFor()
    await form.getByLabel('Who is told?').fill(name)
    await form.getByLabel('Address').fill('https://127.0.0.1/hook')
    await form.getByRole('button', { name: 'Make the webhook' }).click()
    await form.getByText('Weft may not go there').waitFor()
    await look('webhooks-refused')
    await form.getByLabel('Address').fill(`${visitors.stack.webhookReceiver}/hook`)
    await form.getByText('Events by name').click()
    await form.getByPlaceholder('fabric.*').fill('tennant_settings.*')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await form.getByRole('button', { name: 'Make the webhook' }).click()
    await form.getByText('No event has one of these names').waitFor()
    await form.getByText('The whole record').click()
    await form.getByRole('button', { name: 'Make the webhook' }).click()
    secret = (await page.getByText(/^whsec_/).textContent()) ?? ''
    await look('webhooks-secret')
    await page.getByRole('button', { name: 'I have it' }).click()
    await row()
      .getByRole('button', { name: `Test ${name}` })
      .click()
    await row().getByText('The test was taken').waitFor()
    const tested = received.find(({ body }) => body.includes('webhook.test'))
    expect(() =>
      new Webhook(secret).verify(tested?.body ?? '', tested?.headers ?? {})
    ).not.toThrow()
    await page.reload()
    await row().waitFor()
    expect(await page.content()).not.toContain(secret)
  })

  test('what happens arrives by itself; what is not taken is seen, and tried again when one wants', async () => {
    const { page, call, look } = admin
    answer = 500
    await call('POST', '/api/v1/teams', { name })
    await row().getByText('The last try was not taken').waitFor({ timeout: 20_000 })
    await look('webhooks-failing')
    answer = 204
    await row().getByRole('button', { name: 'Try now' }).click()
    await row().getByText('Healthy').waitFor({ timeout: 20_000 })
    expect(received.some(({ body }) => body.includes('"type":"team.create"'))).toBe(true)
    await more('Deliveries')
    const drawer = dialog(`Deliveries of ${name}`)
    await drawer.getByText('It answered 500').first().waitFor()
    await look('webhooks-deliveries')
    await drawer.getByRole('button', { name: 'Send again: team.create' }).first().click()
    await page.getByText('It was taken').waitFor()
    await drawer.getByText('sent again').waitFor()
    await drawer.getByRole('button', { name: 'Close' }).click()
  })

  test('its secret changes over, it rests and goes on, changes, and is deleted', async () => {
    const { page, look } = admin
    await more('New secret')
    await dialog(`New secret of ${name}`).getByRole('button', { name: 'Make the secret' }).click()
    const next = (await page.getByText(/^whsec_/).textContent()) ?? ''
    expect(next).not.toBe(secret)
    await page.getByRole('button', { name: 'I have it' }).click()
    await more('Pause')
    await row().getByText('Paused by an admin').waitFor()
    await look('webhooks-paused')
    await row().getByRole('button', { name: 'Go on', exact: true }).click()
    await row().getByText('Healthy').waitFor()
    await more('Change')
    const form = dialog(`Change ${name}`)
    await form.getByText('Health of connections').click()
    await look('webhooks-change')
    await form.getByRole('button', { name: 'Save' }).click()
    await row().getByText('Health of connections').waitFor()
    await more('Delete')
    await page.getByRole('button', { name: 'Delete the webhook' }).click()
    await page.getByText('No webhook yet').waitFor()
  })

  test('whoever is no admin is told whom to ask', async () => {
    const member = await visitors.open('dev@acme.test')
    await member.goTo('/settings/webhooks', 'Webhooks')
    await member.page.getByText('Admins look after these').waitFor()
    await member.look('webhooks-member')
  })
})
