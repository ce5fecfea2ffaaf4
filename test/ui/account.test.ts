import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let dev: Visitor

beforeAll(async () => {
  visitors = await openVisitors()
  dev = await visitors.open('dev@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

/** What an admin decides for the organisation; off unless decided otherwise. */
async function allowDelegations(delegationsAllowed: boolean): Promise<void> {
  const admin = await visitors.open('admin@acme.test')
  const url = `${visitors.stack.weft}/api/v1/tenant/settings`
  const { request } = admin.page
  const { version } = await (await request.get(url)).json()
  const headers = { 'x-weft-csrf': '1', origin: visitors.stack.weft }
  const answer = await request.patch(url, { headers, data: { delegationsAllowed, version } })
  expect(answer.status()).toBe(200)
  await admin.context.close()
}

describe('my account', { timeout: 60_000 }, () => {
  test('shows who one is, one’s sign-ins, tokens, delegations and sessions', async () => {
    const { page, goTo, look } = dev
    await goTo('/account', 'My account')
    await page.getByRole('region', { name: 'My sign-ins' }).getByRole('listitem').first().waitFor()
    await page.getByRole('region', { name: 'Sessions' }).getByText('This one').waitFor()
    await look('account')
  })

  test('a token is shown once, is listed without its secret, works, and is refused once revoked', async () => {
    const { page, goTo, look } = dev
    await goTo('/account', 'My account')
    await page.getByRole('button', { name: 'New token' }).click()
    await page.getByRole('button', { name: 'Make the token' }).click()
    await page.getByText('Say what it is for').waitFor()
    await page.getByLabel('What is it for?').fill('Browser test')
    await look('account-new-token')
    await page.getByRole('button', { name: 'Make the token' }).click()
    const shown = page.getByText(/^wftp_/)
    const token = (await shown.textContent()) ?? ''
    const me = () =>
      fetch(`${visitors.stack.weft}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })
    expect((await me()).status).toBe(200)
    await page.getByRole('button', { name: 'I have it' }).click()
    await page.reload()
    const row = page.getByRole('listitem').filter({ hasText: 'Browser test' })
    await row.waitFor()
    expect(await page.content()).not.toContain(token)
    await row.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('button', { name: 'Revoke the token' }).click()
    await row.waitFor({ state: 'detached' })
    await expect.poll(async () => (await me()).status, { timeout: 10_000 }).toBe(401)
  })

  test('another browser of one’s own is logged out from here', async () => {
    const other = await visitors.open('dev@acme.test')
    const { page, goTo } = dev
    await goTo('/account', 'My account')
    await page.getByRole('button', { name: 'Log out elsewhere' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Log out elsewhere' }).click()
    await page.getByText('Only this browser is logged in now').waitFor()
    const status = async () =>
      (await other.page.request.get(`${visitors.stack.weft}/api/v1/me`)).status()
    await expect.poll(status, { timeout: 10_000 }).toBe(401)
    await other.context.close()
  })

  test('the link of a service that may not act as one yet asks, and is answered', async () => {
    const { page, look } = dev
    const { weft, serviceAccountId, fabrics } = visitors.stack
    await page.goto(`${weft}/console?delegate=${serviceAccountId}&fabric=${fabrics[0]?.id}`)
    const dialog = page.getByRole('dialog', { name: 'May this service act as you?' })
    await dialog.getByText(serviceAccountId).waitFor()
    await look('account-delegation')
    const allow = dialog.getByRole('button', { name: 'Let it act as me' })
    await allow.click()
    await dialog.getByRole('alert').waitFor()
    await allowDelegations(true)
    await allow.click()
    await page.getByText('It may act as you now').waitFor()
    await page.waitForURL(/\/console\/account$/)
    const row = page.getByRole('region', { name: 'Acting as me' }).getByRole('listitem')
    await row.filter({ hasText: serviceAccountId }).waitFor()
    await row.getByRole('button', { name: 'End' }).click()
    await page.getByRole('button', { name: 'End the delegation' }).click()
    await page.getByText('No service may act as you.').waitFor()
    await allowDelegations(false)
  })
})
