import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type {
  AppConnectionSetup,
  AppConnectionView,
  Capability,
  Verification
} from '../../src/app-connections/app-connections.ts'
import { control } from '../../src/local/seed.ts'
import { logIn, type WeftClient } from '../../src/local/weft-client.ts'
import { type StartedStack, startStack } from '../support/stack.ts'

const path = '/api/v1/app-connections'
let stack: StartedStack
let admin: WeftClient
let user: WeftClient
let teamId: string

beforeAll(async () => {
  stack = await startStack()
  admin = await logIn(stack.weft, stack.tenant, 'admin@acme.test')
  user = await logIn(stack.weft, stack.tenant, 'dev@acme.test')
  const me = await user.expect<{ teams: { id: string; role: string }[] }>(200, 'GET', '/api/v1/me')
  teamId = me.teams.find(({ role }) => role === 'admin')?.id ?? ''
  // As on the first day: nothing stands for Weft at the account by default.
  for (const { id, version } of await admin.list<AppConnectionView>(path)) {
    await admin.expect(200, 'PATCH', `${path}/${id}`, { version, isDefault: false })
  }
}, 180_000)
afterAll(async () => {
  await stack?.stop()
})

const workspace = () => stack.workspaces[0] ?? ''
const capability = async (of: WeftClient) => {
  const { items } = await of.expect<{ items: Capability[] }>(200, 'GET', '/api/v1/capabilities')
  return items[0]
}
const newFabric = (name: string) => ({
  name,
  teamId,
  kind: 'sql',
  provider: 'databricks',
  authMethod: 'oauth',
  workspaceUrl: `${workspace()}/`
})

/** What the account's own page or command does with what it is given. */
async function register(given: {
  redirectUrls: readonly string[]
  scopes: readonly string[]
}): Promise<{ clientId: string; clientSecret: string }> {
  const made = { clientId: randomUUID(), clientSecret: `dose${randomUUID().replaceAll('-', '')}` }
  for (const url of stack.workspaces) await control(url, '/_sim/apps', { ...made, ...given })
  return made
}

describe('Weft is registered as an app connection', () => {
  let draft: AppConnectionView
  let setup: AppConnectionSetup
  let registered: { clientId: string; clientSecret: string }
  let fabricId: string

  test('before that, users see OAuth among the ways of a fabric', async () => {
    const made = await user.expect<{ id: string; warnings: { code: string; owner: string }[] }>(
      201,
      'POST',
      '/api/v1/fabrics',
      newFabric('Early')
    )
    fabricId = made.id
    expect(made.warnings).toContainEqual(
      expect.objectContaining({ code: 'app_connection_missing', owner: 'tenant_admin' })
    )
  })

  test('but cannot use it, and are told whom to ask', async () => {
    const shown = await capability(user)
    expect(shown).toMatchObject({ authMethod: 'oauth', available: false, owner: 'tenant_admin' })
    expect(shown?.reason).toMatch(/not set up yet/)
    expect(shown?.contacts.map(({ email }) => email)).toContain('admin@acme.test')
    const { status, body } = await user.call('POST', `/api/v1/fabrics/${fabricId}/sign-in`, {})
    expect([status, body.code, body.owner]).toEqual([409, 'app_connection_missing', 'tenant_admin'])
  })

  test('an account admin opens the app connections in the settings of the account console', async () => {
    const body = { name: 'Weft of Acme', provider: 'databricks' }
    draft = await admin.expect<AppConnectionView>(201, 'POST', path, body)
    expect(draft).toMatchObject({ status: 'draft', isDefault: true, clientId: null })
    setup = await admin.expect<AppConnectionSetup>(200, 'GET', `${path}/${draft.id}/setup`)
    for (const { consoleUrl, consolePath } of setup.clouds) {
      expect(consoleUrl).toMatch(/^https:\/\/accounts\./)
      expect(consolePath.slice(0, 2)).toEqual(['Settings', 'App connections'])
    }
  })

  test('they create one for Weft, with what Weft gives them to copy', async () => {
    const values = setup.clouds[0]?.steps.flatMap((step) => step.values) ?? []
    const redirectUrls = values.filter((value) => value.startsWith(stack.weft))
    expect(redirectUrls).toEqual([draft.redirectUri])
    registered = await register({ redirectUrls, scopes: setup.scopes })
  })

  test('the client ID is passed on: alone it leaves a draft, and a check says what is missing', async () => {
    const { clientId } = registered
    const half = await patch({ clientId })
    expect(half).toMatchObject({ status: 'draft', clientId })
    const check = await verify()
    expect(failed(check)).toMatchObject({ step: 'settings', owner: 'tenant_admin' })
    expect(failed(check)?.detail).toMatch(/client secret is not set/)
  })

  test('a generated client secret is passed on, and never shown again', async () => {
    const { clientSecret } = registered
    const ready = await patch({ clientSecret })
    expect(ready).toMatchObject({ status: 'ready', clientSecrets: [{ state: 'current' }] })
    expect(JSON.stringify(ready)).not.toContain(clientSecret)
  })

  test('what was saved at the account is what Weft finds there', async () => {
    expect(await verify()).toMatchObject({ ok: true, workspaceHost: new URL(workspace()).host })
    const view = await admin.expect<AppConnectionView>(200, 'GET', `${path}/${draft.id}`)
    expect(view).toMatchObject({ status: 'verified', lastVerification: { ok: true } })
  })

  test('nothing is restarted: in the same process users can sign in', async () => {
    expect(stack.child.exitCode).toBeNull()
    expect(await capability(user)).toMatchObject({ available: true, reason: null, contacts: [] })
    const started = await user.expect<{ authorizationUrl: string }>(
      200,
      'POST',
      `/api/v1/fabrics/${fabricId}/sign-in`,
      {}
    )
    const landing = await user.browser.walk(started.authorizationUrl, {
      login: 'dev@acme.test',
      consent: 'allow',
      stopAt: (url) => url.origin === stack.weft && !url.pathname.startsWith('/oauth/callback/')
    })
    expect(landing.url).toContain(stack.weft)
    const connection = await user.expect(200, 'GET', `/api/v1/fabrics/${fabricId}/connection`)
    expect(connection).toMatchObject({ state: 'active' })
  })

  async function patch(change: object): Promise<AppConnectionView> {
    const { version } = await admin.expect<AppConnectionView>(200, 'GET', `${path}/${draft.id}`)
    const body = { ...change, version }
    return await admin.expect<AppConnectionView>(200, 'PATCH', `${path}/${draft.id}`, body)
  }

  const verify = () =>
    admin.expect<Verification>(200, 'POST', `${path}/${draft.id}/verify`, {
      workspaceUrl: workspace()
    })
})

describe('the application is registered by command line, and run', () => {
  let made: AppConnectionView
  let asked: { name: string; redirect_urls: string[]; scopes: string[]; confidential: boolean }
  let registered: { clientId: string; clientSecret: string }
  const scopes = ['all-apis', 'offline_access', 'user_impersonation']

  test('the command asks for a confidential client of that name, with its redirect URL and scopes', async () => {
    const body = { name: 'serving-client', provider: 'databricks', scopes, isDefault: false }
    made = await admin.expect<AppConnectionView>(201, 'POST', path, body)
    const setup = await admin.expect<AppConnectionSetup>(200, 'GET', `${path}/${made.id}/setup`)
    const azure = setup.clouds.find(({ cloud }) => cloud === 'azure')
    expect(azure?.command).toContain('https://accounts.azuredatabricks.net')
    expect(azure?.command).toContain('databricks account custom-app-integration create')
    const stub = 'databricks() { [ "$1" = auth ] || printf %s "$5"; }'
    asked = JSON.parse(
      execFileSync('sh', ['-c', `${stub}; ${azure?.command}`], { encoding: 'utf8' })
    )
    expect(asked).toMatchObject({
      name: 'serving-client',
      redirect_urls: [made.redirectUri],
      confidential: true,
      scopes
    })
  })

  test('its output, client ID and secret, is all that Weft needs', async () => {
    registered = await register({ redirectUrls: asked.redirect_urls, scopes: asked.scopes })
    const body = { ...registered, version: made.version }
    const ready = await admin.expect<AppConnectionView>(200, 'PATCH', `${path}/${made.id}`, body)
    expect(ready.status).toBe('ready')
    expect(await check()).toMatchObject({ ok: true })
  })

  test('a redirect URL that does not match is found, and the right one is given', async () => {
    const elsewhere = { redirectUrls: ['http://localhost:5001/callback'], scopes }
    await reregister(elsewhere)
    expect(failed(await check())).toMatchObject({
      step: 'redirect_uri',
      code: 'redirect_uri_mismatch',
      action: { value: made.redirectUri }
    })
  })

  test.each([
    ['all-apis', 'scopes'],
    ['offline_access', 'offline_access'],
    ['user_impersonation', 'scopes']
  ])('without the scope %s it is found too', async (scope, step) => {
    const granted = scopes.filter((one) => one !== scope)
    await reregister({ redirectUrls: [made.redirectUri], scopes: granted })
    expect(failed(await check())).toMatchObject({
      step,
      code: 'scope_missing',
      detail: expect.stringContaining(scope)
    })
  })

  test('it runs with a workspace URL as it was copied, the client ID and the secret', async () => {
    await reregister({ redirectUrls: [made.redirectUri], scopes })
    expect(await check(`${workspace()}/?o=1234#job/list`)).toMatchObject({ ok: true })
    const more = { appConnectionId: made.id }
    const fabric = await user.expect<{ id: string; workspaceUrl: string }>(
      201,
      'POST',
      '/api/v1/fabrics',
      { ...newFabric('Serving'), ...more }
    )
    expect(fabric.workspaceUrl).toBe(workspace())
    const usage = await admin.expect(200, 'GET', `${path}/${made.id}/usage`)
    expect(usage).toMatchObject({ fabrics: [{ name: 'Serving' }], signIns: 0 })
  })

  test('what it says of itself holds neither the secret nor a token', () => {
    expect(stack.log()).not.toContain(registered.clientSecret)
  })

  const check = (workspaceUrl = workspace()) =>
    admin.expect<Verification>(200, 'POST', `${path}/${made.id}/verify`, { workspaceUrl })
  const reregister = async (more: object) => {
    for (const url of stack.workspaces) {
      await control(url, '/_sim/apps', { ...registered, ...more })
    }
  }
})

function failed({ steps }: Verification) {
  return steps.find(({ status }) => status === 'failed')
}
