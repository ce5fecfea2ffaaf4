import { randomUUID } from 'node:crypto'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
const run = randomUUID().slice(0, 8)
/** Two tabs of one person: one session, one browser. */
let first: Visitor
let second: Visitor

beforeAll(async () => {
  visitors = await openVisitors()
  first = await visitors.open('admin@acme.test')
  second = await first.openTab()
}, 900_000)
afterAll(() => visitors?.close())

/** Begins a sign-in at the workspace from this tab. @returns the window in which it goes on */
async function beginSignIn({ page, context }: Visitor): Promise<Page> {
  const opened = context.waitForEvent('page')
  await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).click()
  const popup = await opened
  await popup.getByRole('button', { name: /admin@acme\.test|allow/i }).waitFor()
  return popup
}

/** Through the workspace's login, where it asks, and its consent; the window closes itself. */
async function finishSignIn(popup: Page): Promise<void> {
  const closed = popup.waitForEvent('close')
  const person = popup.getByRole('button', { name: 'admin@acme.test' })
  if (await person.isVisible()) await person.click()
  await popup.getByRole('button', { name: /allow/i }).click()
  await closed
}

const signedIn = ({ page }: Visitor) => page.getByRole('button', { name: 'Sign out' }).waitFor()
const conflict = ({ page }: Visitor) => page.getByText('Somebody else saved this in between')

describe('two tabs that sign in', { timeout: 60_000 }, () => {
  const fabric = () => visitors.stack.fabrics.find(({ kind }) => kind === 'sql')

  test('a sign-in that is finished in one lets the other go on by itself', async () => {
    await first.call('DELETE', `/api/v1/fabrics/${fabric()?.id}/connection`)
    for (const tab of [first, second]) await tab.goTo(`/fabrics/${fabric()?.id}`, fabric()?.name)
    await finishSignIn(await beginSignIn(first))
    await Promise.all([signedIn(first), signedIn(second)])
  })

  test('A5 two sign-ins at once end well in the other order, and in one connection', async () => {
    await first.page.getByRole('button', { name: 'Sign out' }).click()
    await first.page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click()
    await second.goTo(`/fabrics/${fabric()?.id}`, fabric()?.name)
    const [one, other] = [await beginSignIn(first), await beginSignIn(second)]
    await finishSignIn(other)
    await Promise.all([signedIn(first), signedIn(second)])
    await finishSignIn(one)
    const path = `/api/v1/fabrics/${fabric()?.id}/connection`
    const connection = await first.call<{ state: string; workspaceUser: unknown }>('GET', path)
    expect(connection).toMatchObject({
      state: 'active',
      workspaceUser: { userName: 'admin@acme.test' }
    })
    expect([...first.complaints, ...second.complaints]).toEqual([])
  })
})

describe('two tabs that change the same', { timeout: 60_000 }, () => {
  async function make(name: string): Promise<string> {
    const me: { teams: { id: string }[] } = await first.call('GET', '/api/v1/me')
    const made: { id: string } = await first.call('POST', '/api/v1/fabrics', {
      name,
      teamId: me.teams[0]?.id,
      kind: 'sql',
      provider: 'databricks',
      workspaceUrl: visitors.stack.workspaces[0],
      authMethod: 'oauth',
      compute: { warehouseId: '0123456789abcdef', catalog: 'main' }
    })
    return made.id
  }
  const saved = (id: string) => first.call<Record<string, unknown>>('GET', `/api/v1/fabrics/${id}`)

  test('a step of a draft: who comes second is told, and both changes are kept', async () => {
    const name = `Draft in two tabs ${run}`
    const id = await make(name)
    for (const tab of [first, second]) await tab.goTo(`/fabrics/${id}/edit?step=basics`, name)
    await second.page.getByLabel('What it is for').fill('Typed in the second tab')
    await first.page.getByRole('switch', { name: 'Production' }).check()
    await first.page.getByRole('button', { name: 'Next' }).click()
    await first.page.getByLabel('Workspace URL or JDBC string').waitFor()
    await second.page.getByRole('button', { name: 'Next' }).click()
    await conflict(second).waitFor()
    await second.look('two-tabs-draft')
    const typed = second.page.getByLabel('What it is for')
    expect(await typed.inputValue()).toBe('Typed in the second tab')
    await second.page.getByRole('button', { name: 'Save mine' }).click()
    await second.page.getByLabel('Workspace URL or JDBC string').waitFor()
    expect(await saved(id)).toMatchObject({
      production: true,
      description: 'Typed in the second tab'
    })
  })

  test('a secret that was typed is still there after the conflict, and is saved with theirs', async () => {
    const name = `Settings in two tabs ${run}`
    const id = await make(name)
    await first.call('POST', `/api/v1/fabrics/${id}/complete`)
    for (const tab of [first, second]) await tab.goTo(`/fabrics/${id}/edit`, `Settings of ${name}`)
    const { page } = second
    await page.getByRole('switch', { name: 'Use a service principal' }).check()
    await page.getByLabel('Client ID').fill('00000000-0000-4000-8000-000000000012')
    await page.getByLabel(/^OAuth secret/).fill('dose-typed-before-the-conflict')
    await first.page.getByLabel('Schema').fill('silver')
    await first.page.getByRole('button', { name: 'Save', exact: true }).click()
    await first.page.getByText('All is saved').waitFor()
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await conflict(second).waitFor()
    const secret = page.getByLabel(/^OAuth secret/)
    expect(await secret.inputValue()).toBe('dose-typed-before-the-conflict')
    await page.getByRole('button', { name: 'Save mine' }).click()
    await page.getByText('All is saved').waitFor()
    expect(await saved(id)).toMatchObject({
      compute: { schema: 'silver' },
      servicePrincipal: { clientId: '00000000-0000-4000-8000-000000000012' }
    })
  })

  test('who takes theirs has what stands there now', async () => {
    const name = `Theirs in two tabs ${run}`
    const id = await make(name)
    await first.call('POST', `/api/v1/fabrics/${id}/complete`)
    for (const tab of [first, second]) await tab.goTo(`/fabrics/${id}/edit`, `Settings of ${name}`)
    await second.page.getByLabel('Schema').fill('bronze')
    await first.page.getByLabel('Schema').fill('gold')
    for (const { page } of [first, second]) {
      await page.getByRole('button', { name: 'Save', exact: true }).click()
    }
    await conflict(second).waitFor()
    await second.page.getByRole('button', { name: 'Take theirs' }).click()
    await second.page.getByText('All is saved').waitFor()
    expect(await second.page.getByLabel('Schema').inputValue()).toBe('gold')
  })
})

describe('two tabs, and a logout in one', { timeout: 60_000 }, () => {
  test('the other is asked to log in again, and what was typed there is saved after that', async () => {
    const { page } = second
    const name = `Left by a logout ${run}`
    await second.goTo('/fabrics/new', 'New fabric')
    await page.getByLabel('Name').fill(name)
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel('Workspace URL or JDBC string').fill(visitors.stack.workspaces[0])
    await page.getByRole('button', { name: 'Next' }).click()
    await first.page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Authentication' }).waitFor()
    await first.page.waitForURL((url) => !url.pathname.startsWith('/console/fabrics'))

    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
    await second.look('two-tabs-logout')
    // The identity provider still knows them, so the window needs no click and closes itself.
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
    await page.getByRole('heading', { name: 'Compute' }).waitFor()
  })
})
