import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors

beforeAll(async () => {
  visitors = await openVisitors()
}, 900_000)
afterAll(() => visitors?.close())

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

describe('what comes in between', { timeout: 90_000 }, () => {
  test('a session that ends in the middle of a form: nothing typed is lost, and it is saved once', async () => {
    const admin = await visitors.open('admin@acme.test')
    const { page, context } = admin
    const fabric = await draft(admin, 'Interrupted by a login')
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
