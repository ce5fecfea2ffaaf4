import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let visitor: Visitor

beforeAll(async () => {
  visitors = await openVisitors()
  visitor = await visitors.open('admin@acme.test')
}, 900_000)
afterAll(() => visitors?.close())

function fabricOf(kind: 'spark' | 'sql') {
  return visitors.stack.fabrics.find((fabric) => fabric.kind === kind)
}

describe('the test history', { timeout: 60_000 }, () => {
  test('shows both identities side by side, with how old each test is', async () => {
    const { page, goTo, look } = visitor
    const fabric = fabricOf('sql')
    await goTo(`/fabrics/${fabric?.id}/connection`, fabric?.name)
    await page.getByText('As the service principal').click()
    await page.getByRole('button', { name: 'Test connection' }).click()
    await page.getByText('The connection holds').waitFor()
    await page.getByRole('tab', { name: 'Test history' }).click()
    const side = page.getByRole('region', { name: 'As the service principal' })
    await side.getByText('The connection held').waitFor()
    await page.getByRole('region', { name: 'As you' }).waitFor()
    await look('test-history')
  })
})

describe('the usage', { timeout: 60_000 }, () => {
  test('counts calls by day and caller, in charts and in tables', async () => {
    const { page, goTo, look } = visitor
    const fabric = fabricOf('sql')
    const url = `${visitors.stack.weft}/fabrics/${fabric?.id}/serving-endpoints/whoami/invocations`
    const headers = {
      'x-weft-csrf': '1',
      'x-weft-act-as': 'service_principal',
      origin: visitors.stack.weft
    }
    const data = { messages: [{ role: 'user', content: 'hi' }] }
    expect((await page.request.post(url, { headers, data })).status()).toBe(200)
    const usage = `${visitors.stack.weft}/api/v1/fabrics/${fabric?.id}/usage`
    await expect
      .poll(async () => (await (await page.request.get(usage)).json()).total.calls, {
        timeout: 15_000
      })
      .toBeGreaterThan(0)
    await goTo(`/fabrics/${fabric?.id}/usage`, fabric?.name)
    const callers = page.getByRole('region', { name: 'Usage by caller' })
    await callers.getByRole('cell', { name: 'You' }).waitFor()
    await page.getByRole('region', { name: 'Usage by day' }).getByRole('row').nth(1).waitFor()
    await look('usage')
  })
})
