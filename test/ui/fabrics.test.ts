import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let admin: Visitor

beforeAll(async () => {
  visitors = await openVisitors()
  admin = await visitors.open('admin@acme.test')
  for (const { id } of visitors.stack.fabrics) {
    await admin.call('DELETE', `/api/v1/fabrics/${id}/connection`)
  }
}, 900_000)
afterAll(() => visitors?.close())

describe('the fabrics', { timeout: 60_000 }, () => {
  test('stand in a list with kind, workspace, team, health and one’s own sign-in', async () => {
    await admin.goTo('/fabrics', 'Fabrics')
    const row = admin.page
      .getByRole('main')
      .getByRole('listitem')
      .filter({ hasText: /^SparkSpark/ }) // its name, its kind
      .first()
    await row.getByText('Not signed in').waitFor()
    expect(await row.getByRole('link').getAttribute('href')).toMatch(/\/console\/fabrics\/fab_/)
    await admin.look('fabrics')
  })

  test('are found by name and kind, and say so where nothing is', async () => {
    const { page } = admin
    const search = page.getByLabel('Search by name')
    await search.fill('spark')
    await expect.poll(() => page.getByRole('listitem').count()).toBeGreaterThan(0)
    await search.fill('no such fabric anywhere')
    await page.getByText('Nothing matches').waitFor()
  })
})

describe('my connection', { timeout: 60_000 }, () => {
  test('by a personal access token: asks for one, and says what the workspace made of it', async () => {
    const me: { teams: { id: string }[] } = await admin.call('GET', '/api/v1/me')
    const fabric: { id: string; name: string } = await admin.call('POST', '/api/v1/fabrics', {
      name: 'Tokens of their own',
      teamId: me.teams[0]?.id,
      kind: 'sql',
      provider: 'databricks',
      workspaceUrl: visitors.stack.workspaces[0],
      authMethod: 'pat'
    })
    const { page, goTo, look } = admin
    await goTo(`/fabrics/${fabric.id}`, fabric.name)
    await page
      .getByLabel('Personal access token')
      .first()
      .fill(`dapi${'0'.repeat(32)}`)
    await page.getByRole('button', { name: 'Give it' }).click()
    await page.getByText('The workspace refuses this token').waitFor()
    await look('own-token-refused')
  })

  test('a test without a sign-in asks for it in place, and goes on by itself after the popup', async () => {
    const { page, context, goTo, look } = await visitors.open('admin@acme.test')
    const fabric = visitors.stack.fabrics.find(({ kind }) => kind === 'spark')
    await goTo(`/fabrics/${fabric?.id}`, fabric?.name)
    await look('fabric-connection-before')
    const opened = context.waitForEvent('page')
    await page.getByRole('button', { name: 'Sign in' }).click()
    const popup = await opened
    await popup.getByRole('button', { name: 'admin@acme.test' }).click()
    await popup.getByRole('button', { name: /allow/i }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    await page.getByRole('button', { name: 'Test connection' }).click()
    await page.getByText('The connection holds').waitFor()
    await look('fabric-connection')
  })
})
