import { randomUUID } from 'node:crypto'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { simulatedAccountId } from '../../src/local/databricks/workspace.ts'
import { control } from '../../src/local/seed.ts'
import { openVisitors, type Visitor, type Visitors } from './visitor.ts'

let visitors: Visitors
let guest: Visitor
const accountAdmin = { clientId: randomUUID(), clientSecret: `dose${randomUUID()}` }

beforeAll(async () => {
  visitors = await openVisitors()
  guest = await visitors.open('guest@globex.test', 'globex')
}, 900_000)
afterAll(() => visitors?.close())

const workspace = () => visitors.stack.workspaces[0]

/** What the account's own page does with what it is given. */
async function addAtAccount(app: {
  clientId: string
  clientSecret: string
  redirectUrls: readonly string[]
}): Promise<void> {
  const scopes = ['all-apis', 'offline_access']
  for (const url of visitors.stack.workspaces) {
    await control(url, '/_sim/apps', { ...app, scopes })
  }
}

async function fillCredentials(dialog: Locator): Promise<void> {
  await dialog.getByLabel('client ID').fill(accountAdmin.clientId)
  await dialog.getByLabel('secret', { exact: false }).first().fill(accountAdmin.clientSecret)
}

async function checkRegistration(page: Page): Promise<Locator> {
  await page.getByRole('button', { name: 'Check the registration' }).click()
  const dialog = page.getByRole('dialog', { name: 'Check the registration' })
  await fillCredentials(dialog)
  await dialog.getByRole('button', { name: 'Check' }).click()
  return dialog
}

/** What an account admin does in the account's own console. */
async function deleteAtAccount(name: string): Promise<void> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'all-apis',
    client_id: accountAdmin.clientId,
    client_secret: accountAdmin.clientSecret
  })
  const account = `${workspace()}/oidc/accounts/${simulatedAccountId}/v1/token`
  const answer = await fetch(account, { method: 'POST', body: form })
  const token = (await answer.json()) as { access_token: string } // RFC 6749 §5.1
  const headers = { authorization: `Bearer ${token.access_token}` }
  const apps = `${workspace()}/api/2.0/accounts/${simulatedAccountId}/oauth2/custom-app-integrations`
  const list = (await (await fetch(apps, { headers })).json()) as {
    apps: { name: string; integration_id: string }[]
  } // its own documented shape
  const found = list.apps.find((app) => app.name === name)
  const gone = await fetch(`${apps}/${found?.integration_id}`, { method: 'DELETE', headers })
  expect(gone.status).toBe(200)
}

/** Globex has no OAuth application at first, and again at the end: both in one file, since it is one tenant. */
describe('an organisation goes from nothing to verified', { timeout: 60_000 }, () => {
  const made = { clientId: randomUUID(), clientSecret: `dose${randomUUID().replaceAll('-', '')}` }
  let redirectUri = ''

  test('the first page shows an admin three steps, the first to be done', async () => {
    const { page, goTo, look } = guest
    await goTo('/', 'Welcome to Globex')
    const steps = page.getByRole('main').getByRole('listitem')
    expect(await steps.count()).toBe(3)
    expect(await steps.nth(0).getAttribute('aria-current')).toBe('step')
    await look('first-run')
    await page.getByRole('link', { name: 'Register the app' }).click()
    await page.getByRole('heading', { name: 'Databricks OAuth Application (U2M)' }).waitFor()
    await look('security-empty')
  })

  test('the redirect URI is there to be copied, with the exact way in the console of each cloud', async () => {
    const { page, context, look } = guest
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Set it up' }).click()
    await page.getByText('go to Settings › App connections › Add connection').waitFor()
    await page.getByRole('button', { name: 'Copy', exact: true }).click()
    redirectUri = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(redirectUri).toMatch(/\/oauth\/callback\/apc_/)
    await page.getByRole('combobox', { name: 'Where your Databricks runs' }).click()
    await page.getByRole('option', { name: 'Azure', exact: true }).click()
    const link = page.getByRole('link', { name: 'Open the Azure account console' })
    expect(await link.getAttribute('href')).toBe('https://accounts.azuredatabricks.net')
    await page.getByRole('button', { name: 'Or as one command' }).click()
    await page.getByText('custom-app-integration create').waitFor()
    await look('security-register')
  })

  test('client ID and secret are pasted, and the secret is never shown again', async () => {
    const { page } = guest
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Paste the client ID', { exact: true }).waitFor()
    await page.getByLabel('Client ID').fill(made.clientId)
    await page.getByLabel('Client Secret', { exact: true }).fill(made.clientSecret)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Replace' }).waitFor()
    await page.reload()
    await page.getByRole('button', { name: 'Replace' }).waitFor()
    expect(await page.getByLabel('Client ID').inputValue()).toBe(made.clientId)
    expect(await page.content()).not.toContain(made.clientSecret)
  })

  test('a verification stops at what is wrong, and says what to do about it', async () => {
    const { page, look } = guest
    await addAtAccount({ ...made, redirectUrls: ['https://elsewhere.test/callback'] })
    await page.getByLabel('Workspace URL').fill(`${workspace()}/?o=1`)
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('Not right yet').waitFor()
    const steps = page.getByRole('log', { name: 'Steps' })
    await steps.getByText('An admin of your organisation can mend this.').waitFor()
    await steps.getByText(redirectUri).waitFor()
    await look('security-verify-failed')
  })

  test('once it is right there it is verified here, and stays so', async () => {
    const { page } = guest
    await addAtAccount({ ...made, redirectUrls: [redirectUri] })
    await page.getByRole('button', { name: 'Verify again' }).click()
    await page.getByText('Everything is right').waitFor()
    await page.reload()
    await page.getByText('Everything is right').waitFor()
  })

  test('a new secret leaves the one before as a fallback until it is safe to delete', async () => {
    const { page, look } = guest
    const clientSecret = `dose${randomUUID()}`
    await page.getByRole('button', { name: 'Replace' }).click()
    await page.getByLabel('Client Secret', { exact: true }).fill(clientSecret)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Still a fallback').waitFor()
    await addAtAccount({ ...made, clientSecret, redirectUrls: [redirectUri] })
    await page.getByLabel('Workspace URL').fill(workspace())
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByText('Safe to delete').waitFor()
    await look('security-rotated')
    const previous = page.getByRole('group', { name: 'Previous secret' })
    await previous.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete the previous secret' }).click()
    await previous.waitFor({ state: 'detached' })
  })

  test('Weft registers a second one by itself; of two, one is the default', async () => {
    const { page } = guest
    await control(workspace(), '/_sim/service-principals', {
      ...accountAdmin,
      displayName: 'Account Admin',
      isAccountAdmin: true
    })
    await page.getByRole('button', { name: 'Another application' }).click()
    await page.getByRole('button', { name: 'Let Weft register itself' }).click()
    const dialog = page.getByRole('dialog', { name: 'Let Weft register itself' })
    await dialog.getByLabel('Name').fill(`Globex ${randomUUID()}`)
    await dialog.getByLabel('Account console').fill(workspace())
    await dialog.getByLabel('Account ID').fill(simulatedAccountId)
    await dialog.getByLabel('client ID').fill(accountAdmin.clientId)
    await dialog.getByLabel('secret', { exact: false }).first().fill('not the secret')
    await dialog.getByRole('button', { name: 'Register' }).click()
    await dialog.getByText('the account refused this client ID or secret').waitFor()
    await dialog.getByLabel('secret', { exact: false }).first().fill(accountAdmin.clientSecret)
    await dialog.getByRole('button', { name: 'Register' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Replace' }).waitFor()
    await page.getByRole('button', { name: 'Make it the default' }).click()
    await page.getByText('The default: fabrics that name no other application use it.').waitFor()
  })

  test('what is registered is compared with what is needed', async () => {
    const { page } = guest
    const dialog = await checkRegistration(page)
    await dialog.getByText('All is as Weft needs it').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  test('a registration that has drifted from the lives of tokens that were set is set right', async () => {
    const { page, look } = guest
    await page.getByRole('button', { name: 'Change' }).click()
    const life = page.getByLabel('A refresh token lives for')
    await life.fill('43200')
    await page.getByText('That is 30 days.').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved. It holds at once').waitFor()
    await page.getByRole('button', { name: 'Hide' }).click()
    const dialog = await checkRegistration(page)
    await dialog.getByText('Registered otherwise than Weft needs it').waitFor()
    await dialog.getByRole('cell', { name: '43200' }).waitFor()
    await look('security-registration-drifted')
    await dialog.getByRole('button', { name: 'Set it right' }).click()
    await dialog.getByText('All is as Weft needs it').waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await page.reload()
    await page.getByRole('button', { name: 'Change' }).click()
    expect(await life.inputValue()).toBe('43200 minutes')
    await page.getByRole('button', { name: 'Hide' }).click()
  })

  test('name, scopes and hosts are kept; another admin’s change in between is shown', async () => {
    const { page, look } = guest
    await page.getByRole('button', { name: 'Change' }).click()
    const hosts = page.getByRole('combobox', { name: 'Allowed workspace hosts' })
    await hosts.fill('*.cloud.databricks.com')
    await hosts.press('Enter')
    const { request } = page
    const url = `${visitors.stack.weft}/api/v1/app-connections`
    const { items } = await (await request.get(url)).json()
    const { id, version } = items.find((one: { isDefault: boolean }) => one.isDefault)
    const headers = { 'x-weft-csrf': '1', origin: visitors.stack.weft }
    const theirs = { version, name: `Renamed ${randomUUID().slice(0, 8)}` }
    const answer = await request.patch(`${url}/${id}`, { headers, data: theirs })
    expect(answer.status()).toBe(200)
    const save = page.getByRole('button', { name: 'Save' })
    await save.click()
    await page.getByText('Somebody else saved this in between').waitFor()
    await look('security-conflict')
    await page.getByRole('button', { name: 'Save mine' }).click()
    await page.getByText('Somebody else saved this in between').waitFor({ state: 'detached' })
  })

  test('a registration is deleted at the account only by who has typed its name, and it is set up anew', async () => {
    const { page, look } = guest
    await page.getByRole('button', { name: 'Delete the registration' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete the registration' })
    await dialog.getByText('Work as a service principal goes on.').waitFor()
    await fillCredentials(dialog)
    await look('security-registration-delete')
    await dialog.getByRole('button', { name: 'Delete the registration' }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Let Weft register itself' }).waitFor()
    expect(await page.getByLabel('Client ID').inputValue()).toBe('')
  })

  test('a registration that somebody deleted at the account is shown as gone', async () => {
    const { page, look } = guest
    const name = `Globex again ${randomUUID().slice(0, 8)}`
    await page.getByRole('button', { name: 'Let Weft register itself' }).click()
    const dialog = page.getByRole('dialog', { name: 'Let Weft register itself' })
    await dialog.getByLabel('Name').fill(name)
    await dialog.getByLabel('Account console').fill(workspace())
    await dialog.getByLabel('Account ID').fill(simulatedAccountId)
    await fillCredentials(dialog)
    await dialog.getByRole('button', { name: 'Register' }).click()
    await dialog.waitFor({ state: 'detached' })
    await deleteAtAccount(name)
    const check = await checkRegistration(page)
    await check.getByText('The account does not know it any more').waitFor()
    await look('security-registration-gone')
    await page.keyboard.press('Escape')
  })

  test('a secret that is about to end warns where it is replaced', async () => {
    const { page, call, goTo } = guest
    const { items } = await call<{ items: { id: string; isDefault: boolean }[] }>(
      'GET',
      '/api/v1/app-connections'
    )
    const { id } = items.find(({ isDefault }) => isDefault) ?? { id: '' }
    const expiresAt = new Date(Date.now() + 5.5 * 24 * 60 * 60_000).toISOString()
    const clientSecret = `dose${randomUUID()}`
    await call('POST', `/api/v1/app-connections/${id}/client-secrets`, { clientSecret, expiresAt })
    await goTo('/settings/security', 'Security')
    await page.getByText(/ends in 5 days/).waitFor()
    const day = expiresAt.slice(0, 10)
    await page.getByText(`The client secret expires on ${day}, and then nobody signs in`).waitFor()
  })

  test('disabled it rests, and deleted nothing is left of it', async () => {
    const { page, goTo } = guest
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('button', { name: 'Disable it' }).click()
    await page.getByText('This application is disabled').waitFor()
    for (const _ of [1, 2]) {
      await goTo('/settings/security', 'Security')
      await page.getByRole('button', { name: /^Delete (?!the registration)/ }).click()
      await page.getByRole('button', { name: 'Delete it' }).click()
      await page.getByText(/ is deleted$/).waitFor()
    }
    await page.getByRole('button', { name: 'Set it up' }).waitFor()
  })
})

describe('who logs in, and for how long', { timeout: 60_000 }, () => {
  const name = `Sign-on ${randomUUID().slice(0, 8)}`

  test('a login provider is added, verified step by step, and deleted', async () => {
    const { page, goTo, look } = guest
    await goTo('/settings/security', 'Security')
    await page.getByRole('tab', { name: 'Login providers' }).click()
    await page.getByRole('button', { name: 'Add a provider' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name').fill(name)
    await dialog.getByLabel('Issuer').fill(visitors.stack.identityProvider)
    await dialog.getByLabel('Client ID').fill('weft-globex-two')
    await dialog.getByLabel('Client Secret', { exact: true }).fill('not used in a login')
    await dialog.getByRole('combobox', { name: 'Email domains' }).fill('two.globex.test')
    await dialog.getByRole('combobox', { name: 'Email domains' }).press('Enter')
    await dialog.getByRole('button', { name: 'Add a group' }).click()
    await dialog.getByLabel('Group id').fill('admins')
    await dialog.getByRole('button', { name: 'Add it' }).click()
    await dialog.getByText(/\/auth\/callback\//).waitFor()
    await dialog.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: `Verify ${name}` }).click()
    await page.getByText('Its keys are there').waitFor()
    await look('security-login-providers')
    const choose = async (what: string) => {
      await page.getByRole('button', { name: `More about ${name}` }).click()
      await page.getByRole('menuitem', { name: what }).click()
    }
    await choose('Change')
    const domains = dialog.getByRole('combobox', { name: 'Email domains' })
    await domains.fill('three.globex.test')
    await domains.press('Enter')
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByText('two.globex.test, three.globex.test').waitFor()
    await choose('Disable')
    const row = page.getByRole('listitem').filter({ hasText: name })
    await row.getByText('Disabled').waitFor()
    await choose('Enable')
    await row.getByText('Disabled').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: `More about ${name}` }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete the provider' }).click()
    await page.getByText(`${name} is deleted`).waitFor()
    await page.getByRole('button', { name: `More about ${name}` }).waitFor({ state: 'detached' })
  })

  test('the last way in is not deleted, and it says why', async () => {
    const { page } = guest
    await page.getByRole('button', { name: /^More about / }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('button', { name: 'Delete the provider' }).click()
    await page.getByRole('main').getByRole('alert').waitFor()
  })

  test('limits of sessions are saved', async () => {
    const { page, look } = guest
    await page.getByRole('tab', { name: 'Sessions and tokens' }).click()
    const idle = page.getByLabel('A session ends when unused for')
    await idle.fill('120')
    await page.getByText('That is 2 hours.').waitFor()
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved. It holds at once').waitFor()
    await page.reload()
    await expect.poll(() => idle.inputValue(), { timeout: 15_000 }).toBe('120 minutes')
    await look('security-sessions')
  })

  test('everyone is signed out, the admin too', async () => {
    const { page } = await visitors.open('guest@globex.test', 'globex')
    await page.goto(`${visitors.stack.weft}/console/settings/security?tab=organisation`)
    await page.getByRole('button', { name: 'Sign everyone out' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Sign everyone out' }).click()
    await page.getByRole('heading', { name: 'Log in to Weft' }).waitFor()
    const me = await guest.page.request.get(`${visitors.stack.weft}/api/v1/me`)
    expect(me.status()).toBe(401)
  })
})

test('who is no admin is told so', async () => {
  const dev = await visitors.open('dev@acme.test')
  await dev.goTo('/settings/security', 'Security')
  await dev.page.getByText('Only admins of your organisation can change this.').waitFor()
})
