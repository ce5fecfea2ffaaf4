import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDatabase } from '../support/stack-database.ts'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors

beforeAll(async () => {
  visitors = await openVisitors()
}, 900_000)
afterAll(() => visitors?.close())

interface App {
  readonly id: string
  readonly isDefault: boolean
  readonly version: number
}

/** Signs in at the fabric's workspace, where that is not done yet. */
async function signIn({ page, context, goTo }: Visitor, path: string, name: string): Promise<void> {
  await goTo(path, name)
  const out = page.getByRole('button', { name: 'Sign out' })
  const prompt = page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true })
  await out.or(prompt).first().waitFor()
  if (await out.isVisible()) return
  const opened = context.waitForEvent('page')
  await prompt.click()
  const popup = await opened
  await popup.getByRole('button', { name: 'admin@acme.test' }).click()
  await popup.getByRole('button', { name: /allow/i }).click()
  await out.waitFor()
}

async function draft({ call }: Visitor, name: string): Promise<{ id: string; name: string }> {
  const me: { teams: { id: string }[] } = await call('GET', '/api/v1/me')
  return await call('POST', '/api/v1/fabrics', {
    name,
    teamId: me.teams[0]?.id,
    kind: 'spark',
    provider: 'databricks',
    workspaceUrl: visitors.stack.workspaces[1],
    authMethod: 'oauth'
  })
}

/** As the clock does it: the end of this person's session is behind them, and every replica knows. */
async function runOut({ page, call }: Visitor, column: string): Promise<void> {
  const { items } = await call<{ items: { id: string; isCurrent: boolean }[] }>(
    'GET',
    '/api/v1/me/sessions'
  )
  const database = await openDatabase(visitors.stack)
  const { rows } = await database.query(
    `UPDATE sessions SET ${column} = now() - interval '1 second' WHERE id = $1 RETURNING tenant_id`,
    [items.find(({ isCurrent }) => isCurrent)?.id]
  )
  await database.query('UPDATE tenants SET version = version + 1 WHERE id = $1', [
    rows[0]?.tenant_id
  ])
  await database.end()
  const status = "fetch('/api/v1/me').then(({ status }) => status)"
  await expect.poll(() => page.evaluate<number>(status), { timeout: 15_000 }).toBe(401)
}

describe('what comes in between', { timeout: 90_000 }, () => {
  test('a session that ends in the middle of a form: nothing typed is lost, and it is saved once', async () => {
    const admin = await visitors.open('admin@acme.test')
    const { page, context } = admin
    const fabric = await draft(admin, `Interrupted by a login ${randomUUID().slice(0, 8)}`)
    await admin.goTo(`/fabrics/${fabric.id}/service-principal`, fabric.name)
    await page.getByRole('button', { name: 'Set a service principal' }).click()
    await page.getByLabel('Application ID').fill('00000000-0000-4000-8000-000000000008')
    await page.getByLabel(/^Secret/).fill('typed-before-the-session-ended')
    await context.clearCookies({ name: '__Host-weft_session' })
    await page.getByRole('button', { name: 'Set it' }).click()
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
    expect(await page.getByLabel('Application ID').inputValue()).toMatch(/^0{8}-/)
    // The identity provider still knows them, so the window needs no click and closes itself.
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { name: 'Secrets' }).waitFor()
    const after = await admin.call<{ version: number }>('GET', `/api/v1/fabrics/${fabric.id}`)
    expect(after.version).toBe(2)
  })

  test('a session that the server ends, not the browser, is asked for anew in the middle of a form', async () => {
    const admin = await visitors.open('admin@acme.test')
    const { page, goTo, call } = admin
    const name = `Ended elsewhere ${randomUUID().slice(0, 8)}`
    await goTo('/fabrics/new', 'New fabric')
    await page.getByLabel('Name').fill(name)
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByLabel('Workspace URL or JDBC string').fill(visitors.stack.workspaces[1])
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('heading', { name: 'Authentication' }).waitFor()
    const { items }: { items: { id: string; isCurrent: boolean }[] } = await call(
      'GET',
      '/api/v1/me/sessions'
    )
    const current = items.find(({ isCurrent }) => isCurrent)
    await call('DELETE', `/api/v1/me/sessions/${current?.id}`)
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
  })

  test.each([
    ['whose time is over', 'expires_at'],
    ['that was not used for too long', 'idle_expires_at']
  ])('a session %s in the middle of a form: nothing typed is lost', async (_how, column) => {
    const admin = await visitors.open('admin@acme.test')
    const { page, goTo, look } = admin
    const name = `Typed as time ran out ${randomUUID().slice(0, 8)}`
    await goTo('/service-accounts', 'Service accounts')
    await page.getByRole('button', { name: 'New service account' }).click()
    await page.getByLabel('Which service is it?').fill(name)
    await runOut(admin, column)
    await page.getByRole('button', { name: 'Make it' }).click()
    await page.getByRole('dialog', { name: 'Your session has ended' }).waitFor()
    expect(await page.getByLabel('Which service is it?').inputValue()).toBe(name)
    if (column === 'expires_at') await look('session-ended')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('heading', { level: 1, name }).waitFor()
  })

  test('a sign-in that is about to run out warns before it does', async () => {
    const admin = await visitors.open('admin@acme.test')
    const { page, call, goTo, look } = admin
    const fabric = visitors.stack.fabrics.find(({ kind }) => kind === 'sql')
    const { items }: { items: App[] } = await call('GET', '/api/v1/app-connections')
    const app = items.find(({ isDefault }) => isDefault)
    const path = `/api/v1/app-connections/${app?.id}`
    await signIn(admin, `/fabrics/${fabric?.id}`, fabric?.name ?? '')
    const saved: App = await call('PATCH', path, {
      version: app?.version,
      tokenPolicy: { refreshTokenTtlMinutes: 600 }
    })
    await goTo(`/fabrics/${fabric?.id}`, fabric?.name)
    await page.getByText('Your sign-in at the workspace ends within a day').waitFor()
    await page.getByRole('main').getByRole('button', { name: 'Sign in', exact: true }).waitFor()
    await look('sign-in-ending')
    await goTo('/fabrics', 'Fabrics')
    await page
      .getByText(/^Ends in \d+ hours/)
      .first()
      .waitFor()
    await call('PATCH', path, {
      version: saved.version,
      tokenPolicy: { refreshTokenTtlMinutes: null }
    })
  })

  test('blocked popups: a link to a page of its own takes over, and the first page goes on by itself', async () => {
    const admin = await visitors.open('admin@acme.test')
    const { page, context, goTo } = admin
    const fabric = visitors.stack.fabrics.find(({ kind }) => kind === 'sql')
    await admin.call('DELETE', `/api/v1/fabrics/${fabric?.id}/connection`)
    await page.addInitScript('window.open = () => null')
    await goTo(`/fabrics/${fabric?.id}`, fabric?.name)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await admin.look('sign-in-blocked')
    const opened = context.waitForEvent('page')
    await page.getByRole('link', { name: 'Sign in in a new tab' }).click()
    const tab = await opened
    await tab.getByRole('button', { name: 'admin@acme.test' }).click()
    await tab.getByRole('button', { name: /allow/i }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
  })
})
