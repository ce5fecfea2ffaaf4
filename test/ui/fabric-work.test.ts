import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors

beforeAll(async () => {
  visitors = await openVisitors()
}, 900_000)
afterAll(() => visitors?.close())

function fabricOf(kind: 'spark' | 'sql') {
  const found = visitors.stack.fabrics.find((fabric) => fabric.kind === kind)
  if (!found) throw new TypeError(`the stack has no ${kind} fabric`)
  return found
}

/** In the workspace's own pages: the person, and that Weft may act for them. */
async function signInThere(popup: Page, email: string): Promise<void> {
  await popup.getByRole('button', { name: email }).click()
  await popup.getByRole('button', { name: /allow/i }).click()
}

async function signOut({ page }: Visitor, fabricId: string): Promise<void> {
  const url = `${visitors.stack.weft}/api/v1/fabrics/${fabricId}/connection`
  const headers = { 'x-weft-csrf': '1', origin: visitors.stack.weft }
  const answer = await page.request.delete(url, { headers })
  expect(answer.status()).toBeLessThan(300)
}

describe('the playground', { timeout: 60_000 }, () => {
  let visitor: Visitor

  beforeAll(async () => {
    visitor = await visitors.open('admin@acme.test')
    await signOut(visitor, fabricOf('sql').id)
  }, 60_000)

  test('leads from nothing to an answer: the sign-in happens in place and the call goes on by itself', async () => {
    const { page, context, goTo, look } = visitor
    const fabric = fabricOf('sql')
    await goTo(`/fabrics/${fabric.id}/playground`, fabric.name)
    await page.getByText('Sign in to the workspace').waitFor()
    await page.getByRole('combobox', { name: 'Endpoint' }).fill('databricks-llama')
    await page.getByLabel('Body').fill('{ "messages": [{ "role": "user", "content": "kept" }] }')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText('Sign in, and the call goes on by itself').waitFor()
    await look('playground-sign-in')
    const opened = context.waitForEvent('page')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await signInThere(await opened, 'admin@acme.test')
    await page.getByText('You said: kept').waitFor()
    await page.getByText('Ran as you').waitFor()
    expect(await page.getByLabel('Body').inputValue()).toContain('kept')
    await look('playground-answer')
  })

  test('shows endpoints with their kind and state, and an example that fits each', async () => {
    const { page, goTo } = visitor
    await goTo(`/fabrics/${fabricOf('sql').id}/playground`)
    await page.getByRole('combobox', { name: 'Endpoint' }).fill('embed')
    await page.getByRole('option', { name: /databricks-embed.*Ready/ }).click()
    await expect.poll(() => page.getByLabel('Body').inputValue()).toContain('"input"')
    await page.getByRole('button', { name: 'Run' }).click()
    await page
      .getByRole('region', { name: 'The answer as it came' })
      .getByText('"embedding"')
      .first()
      .waitFor()
  })

  test('streams an answer, as text and as it came, and keeps what is typed between tabs', async () => {
    const { page, goTo } = visitor
    await goTo(`/fabrics/${fabricOf('sql').id}/playground`)
    await page.getByRole('combobox', { name: 'Endpoint' }).fill('llama')
    await page.getByRole('option', { name: /databricks-llama/ }).click()
    await page.getByRole('button', { name: 'Run' }).click()
    await page
      .getByRole('region', { name: 'The answer as text' })
      .getByText('You said: Say hello')
      .waitFor()
    await page.getByText('complete', { exact: true }).waitFor()
    await page.getByText('Raw', { exact: true }).click()
    await page
      .getByRole('region', { name: 'The answer as it came' })
      .getByText('data: [DONE]')
      .waitFor()
    await page.getByRole('tab', { name: 'Usage' }).click()
    await page.getByRole('tab', { name: 'Playground' }).click()
    expect(await page.getByRole('combobox', { name: 'Endpoint' }).inputValue()).toBe(
      'databricks-llama'
    )
  })

  test('runs as the service principal where one may, and writes the same call for a program', async () => {
    const { page, goTo } = visitor
    const { id } = fabricOf('sql')
    await goTo(`/fabrics/${id}/playground`)
    await page.getByText('As the service principal').click()
    await page.getByRole('combobox', { name: 'Endpoint' }).fill('whoami')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText('Ran as the service principal').waitFor()
    const curl = page.getByRole('region', { name: 'The same call as curl' })
    const text = await curl.innerText()
    expect(text).toContain(`${visitors.stack.weft}/fabrics/${id}/serving-endpoints/whoami/invocat`)
    expect(text).toContain('x-weft-act-as: service_principal')
    await page.getByRole('tab', { name: 'Python' }).click()
    await page
      .getByRole('region', { name: 'The same call as Python' })
      .getByText('chat.completions')
      .waitFor()
    await page.getByRole('tab', { name: 'TypeScript' }).click()
    await page
      .getByRole('region', { name: 'The same call as TypeScript' })
      .getByText('new OpenAI')
      .waitFor()
  })

  test('tells the workspace’s refusal apart from a problem of Weft', async () => {
    const { page, goTo, look } = visitor
    await goTo(`/fabrics/${fabricOf('sql').id}/playground`)
    await page.getByRole('combobox', { name: 'Endpoint' }).fill('forbidden-model')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText('The workspace answered 403, PERMISSION_DENIED').waitFor()
    await look('playground-refused')
  })

  test('a blocked popup leads over a page of its own, and nothing typed is lost', async () => {
    const anew = await visitors.open('admin@acme.test')
    const { page, context, goTo } = anew
    const fabric = fabricOf('sql')
    await signOut(anew, fabric.id)
    await goTo(`/fabrics/${fabric.id}/playground`, fabric.name)
    await page.evaluate('window.open = () => null')
    await page.getByRole('combobox', { name: 'Endpoint' }).fill('databricks-llama')
    await page.getByLabel('Body').fill('{ "messages": [{ "role": "user", "content": "still" }] }')
    await page.getByRole('button', { name: 'Run' }).click()
    await page.getByText('Sign in, and the call goes on by itself').waitFor()
    await page.getByRole('button', { name: 'Sign in' }).click()
    const opened = context.waitForEvent('page')
    await page.getByRole('link', { name: 'Sign in in a new tab' }).click()
    await signInThere(await opened, 'admin@acme.test')
    await page.getByText('You said: still').waitFor()
    expect(await page.getByLabel('Body').inputValue()).toContain('still')
  })
})

describe('the code of a fabric', { timeout: 60_000 }, () => {
  test('names its address, which key to use, and what to write for each client', async () => {
    const { page, goTo, look } = await visitors.open('dev@acme.test')
    const { id, name } = fabricOf('sql')
    await goTo(`/fabrics/${id}/code`, name)
    const address = `${visitors.stack.weft}/fabrics/${id}`
    await page.getByText(address, { exact: true }).waitFor()
    const python = page.getByRole('region', { name: 'OpenAI client in Python' })
    expect(await python.innerText()).toContain(`base_url="${address}/serving-endpoints"`)
    await look('fabric-code')
    await page.getByRole('tab', { name: 'SQL driver' }).click()
    const driver = page.getByRole('region', { name: 'SQL driver in TypeScript' })
    expect(await driver.innerText()).toContain(`path: '/fabrics/${id}/sql/1.0/warehouses/`)
    await page.getByRole('tab', { name: 'Databricks SDK' }).click()
    const sdk = page.getByRole('region', { name: 'Databricks SDK in Python' })
    expect(await sdk.innerText()).toMatch(/host="http:\/\/[a-z0-9-]+--[a-z0-9-]+\.[a-z0-9.-]+:\d+"/)
  })
})
