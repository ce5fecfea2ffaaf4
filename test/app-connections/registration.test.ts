import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { makeApp } from '../../src/app-connections/account-apps.ts'
import type { AccountAdmin, RegistrationInput } from '../../src/app-connections/registrations.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Integration } from '../../src/local/databricks/custom-apps.ts'
import { simulatedAccountId } from '../../src/local/databricks/workspace.ts'
import type { AccountSession } from '../../src/oauth/account-session.ts'
import { databricks } from '../../src/providers/databricks/databricks.ts'
import { signIn } from '../fabrics/signing-in.ts'
import {
  accountAdmin,
  as,
  createWorld,
  faultOf,
  principal,
  publicUrl,
  type World
} from '../fabrics/world.ts'

const admin: AccountAdmin = { ...accountAdmin, clientSecret: new Secret(accountAdmin.clientSecret) }
const apps = `/api/2.0/accounts/${simulatedAccountId}/oauth2/custom-app-integrations`

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  for (const { integration_id } of await registered()) {
    await atAccount('DELETE', `${apps}/${integration_id}`)
  }
})

const input = (more: Partial<RegistrationInput> = {}): RegistrationInput => ({
  name: 'Weft of Acme',
  accountHost: world.workspace.url,
  accountId: simulatedAccountId,
  admin,
  ...more
})
const register = (more: Partial<RegistrationInput> = {}, scope = as.admin) =>
  world.registrations.register(scope, input(more))

const draft = () => world.appConnections.create(as.admin, { name: 'Draft', provider: 'databricks' })

/** What an account admin does by hand. */
async function atAccount<T>(method: string, path: string, body?: unknown): Promise<T> {
  const { url } = world.workspace
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'all-apis',
    client_id: accountAdmin.clientId,
    client_secret: accountAdmin.clientSecret
  })
  const answer = await fetch(`${url}/oidc/accounts/${simulatedAccountId}/v1/token`, {
    method: 'POST',
    body: form
  })
  const { access_token } = (await answer.json()) as { access_token: string }
  const done = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${access_token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  if (!done.ok) throw new TypeError(await done.text())
  return (await done.json()) as T // its own documented shape
}
const registered = async () => (await atAccount<{ apps: Integration[] }>('GET', apps)).apps

describe('a registration', () => {
  test('makes a confidential client at the account, and an app connection through which people sign in', async () => {
    const connection = await register()
    expect(connection).toMatchObject({
      status: 'ready',
      isDefault: true,
      accountHost: world.workspace.url,
      accountId: simulatedAccountId,
      tokenPolicy: { hasSingleUseRefreshTokens: true },
      redirectUri: `${publicUrl}/oauth/callback/${connection.id}`,
      clientSecrets: [{ state: 'current' }]
    })
    expect(await registered()).toMatchObject([
      {
        integration_id: connection.registrationId,
        client_id: connection.clientId,
        name: 'Weft of Acme',
        confidential: true,
        redirect_urls: [connection.redirectUri],
        scopes: ['all-apis', 'offline_access'],
        token_access_policy: { enable_single_use_refresh_tokens: true }
      }
    ])
    const fabric = await world.fabrics.create(as.lead, world.newFabric())
    await signIn(world, as.member, fabric.id)
    expect((await world.fabrics.connection(as.member, fabric.id)).state).toBe('active')
  })

  test('takes scopes and policy as asked for', async () => {
    const policy = { refreshTokenTtlMinutes: 600, absoluteSessionLifetimeMinutes: 43_200 }
    await register({
      scopes: ['sql', 'offline_access'],
      tokenPolicy: { ...policy, hasSingleUseRefreshTokens: false }
    })
    expect(await registered()).toMatchObject([
      {
        scopes: ['sql', 'offline_access'],
        token_access_policy: {
          refresh_token_ttl_in_minutes: 600,
          absolute_session_lifetime_in_minutes: 43_200,
          enable_single_use_refresh_tokens: false
        }
      }
    ])
  })

  test('goes without single-use refresh tokens where the account takes none and nobody asked for them', async () => {
    const bodies: string[] = []
    const session: Pick<AccountSession, 'ask'> = {
      ask: async (call) => {
        bodies.push(call.body ?? '')
        const made = { integration_id: 'i-1', client_id: 'c-1', client_secret: 's' }
        return bodies.at(-1)?.includes('single_use')
          ? call.interpret(400, {}, '{"error_code":"INVALID_PARAMETER_VALUE","message":"No"}')
          : call.interpret(200, {}, JSON.stringify(made))
      }
    }
    const registration = {
      name: 'Weft',
      redirectUrls: ['https://weft.test/oauth/callback/apc_1'],
      scopes: ['all-apis', 'offline_access'],
      policy: {
        refreshTokenTtlMinutes: 600,
        absoluteSessionLifetimeMinutes: null,
        hasSingleUseRefreshTokens: true
      }
    }
    const whole: AccountSession = {
      origin: 'https://accounts.cloud.databricks.com',
      accountId: simulatedAccountId,
      ask: session.ask,
      mustAsk: async (call) => {
        const answer = await session.ask(call)
        return answer.ok ? answer.value : expect.fail(answer.failure)
      }
    }
    const { made, policy } = await makeApp(whole, databricks, registration, false)
    expect([made.id, made.clientId, policy.hasSingleUseRefreshTokens]).toEqual(['i-1', 'c-1', null])
    expect(JSON.parse(bodies[1] ?? '')).toMatchObject({
      confidential: true,
      token_access_policy: { refresh_token_ttl_in_minutes: 600 }
    })
    bodies.length = 0
    const asked = await faultOf(makeApp(whole, databricks, registration, true))
    expect([asked.code, bodies.length]).toEqual(['invalid_request', 1])
  })

  test('completes a draft, once', async () => {
    const { id } = await draft()
    const done = await register({ appConnectionId: id })
    expect(done).toMatchObject({ id, status: 'ready', name: 'Weft of Acme' })
    const again = await faultOf(register({ appConnectionId: id, name: 'Other' }))
    expect(again.code).toBe('conflict')
    expect(await registered()).toHaveLength(1)
  })

  test('deletes what a registration that died left at the account, and never what an admin made there', async () => {
    const { id, redirectUri } = await draft()
    await atAccount('POST', apps, {
      name: 'At the account',
      confidential: true,
      redirect_urls: [redirectUri],
      scopes: ['all-apis']
    })
    expect(await faultOf(register({ appConnectionId: id }))).toMatchObject({ code: 'conflict' })
    expect((await registered()).map(({ name }) => name)).toEqual(['At the account'])
    await world.sql('UPDATE app_connections SET registration_begun_at = now() WHERE id = $1', [id])
    expect((await register({ appConnectionId: id })).status).toBe('ready')
    expect((await registered()).map(({ name }) => name)).toEqual(['Weft of Acme'])
  })

  test('C1 keeps the client secret sealed and the admin’s credentials nowhere', async () => {
    const connection = await register()
    const all = await world.dump()
    expect(all).not.toContain(accountAdmin.clientSecret)
    expect(all).not.toContain(accountAdmin.clientId)
    expect(all).not.toMatch(/dose[0-9a-f]{32}/)
    expect(JSON.stringify(connection)).not.toMatch(/dose[0-9a-f]{32}/)
    expect(await world.audit('app_connection.register')).toMatchObject([
      { outcome: 'succeeded', actor_id: 'usr_admin', details: { clientId: connection.clientId } }
    ])
  })
})

describe('a registration that fails says why, and leaves nothing', () => {
  const wrong = { ...admin, clientSecret: new Secret('not-the-secret') }
  const notAdmin = { ...principal, clientSecret: new Secret(principal.clientSecret) }
  const stranger = { clientId: 'nobody', clientSecret: new Secret('x') }
  const nowhere = '00000000-0000-4000-8000-000000000000'

  test.each<[string, Partial<RegistrationInput>, string, string | null]>([
    ['a wrong secret', { admin: wrong }, 'invalid_request', '/clientSecret'],
    ['an unknown client', { admin: stranger }, 'invalid_request', '/clientSecret'],
    ['no account admin', { admin: notAdmin }, 'invalid_request', '/clientId'],
    ['no such account', { accountId: nowhere }, 'invalid_request', '/accountId'],
    ['an id that acts in a path', { accountId: '../../x' }, 'invalid_request', '/accountId'],
    ['a scope of nobody’s', { scopes: ['offline_access', 'x'] }, 'invalid_request', '/scopes'],
    ['no offline_access', { scopes: ['all-apis'] }, 'invalid_request', '/scopes'],
    ['a host of nobody’s', { accountHost: 'https://evil.example' }, 'host_not_allowed', null],
    ['a workspace', { accountHost: 'dbc-1.cloud.databricks.com' }, 'host_not_allowed', null],
    [
      'a look-alike',
      { accountHost: 'accounts.cloud.databricks.com.evil.example' },
      'host_not_allowed',
      null
    ],
    [
      'a port',
      { accountHost: 'https://accounts.cloud.databricks.com:8443' },
      'host_not_allowed',
      null
    ],
    [
      'userinfo',
      { accountHost: 'https://u:p@accounts.cloud.databricks.com' },
      'invalid_request',
      '/accountHost'
    ],
    ['an address', { accountHost: 'https://2130706433' }, 'invalid_request', '/accountHost']
  ])('%s', async (_, more, code, pointer) => {
    const fault = await faultOf(register(more))
    expect(fault.code).toBe(code)
    if (pointer !== null) expect(fault.errors).toMatchObject([{ pointer }])
    expect(JSON.stringify([fault, fault.message])).not.toContain('not-the-secret')
    expect(await registered()).toEqual([])
    expect(await world.sql('SELECT FROM app_connections')).toEqual([])
  })

  test.each([
    [{ apiStatus: 503 }, 'upstream_unavailable'],
    [{ apiStatus: 429 }, 'upstream_unavailable'],
    [{ dropApiAnswer: true }, 'upstream_unavailable'],
    [{ tokenStatus: 503 }, 'upstream_unavailable'],
    [{ ipBlocked: true }, 'ip_not_allowed']
  ])('an account that answers %j', async (faults, code) => {
    await world.faults(faults)
    expect((await faultOf(register())).code).toBe(code)
    await world.faults(null)
    expect(await world.sql('SELECT FROM app_connections')).toEqual([])
  })

  test('a name that is taken, here or at the account', async () => {
    await register()
    const here = await faultOf(register())
    expect(here).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/name' }] })
    await atAccount('POST', apps, { name: 'Taken', redirect_urls: [], scopes: [] })
    const there = await faultOf(register({ name: 'Taken' }))
    expect(there).toMatchObject({ code: 'invalid_request', errors: [{ pointer: '/name' }] })
    expect(await world.sql('SELECT name FROM app_connections')).toEqual([{ name: 'Weft of Acme' }])
  })

  test('a draft that is not completed stays as free as it was', async () => {
    const { id } = await draft()
    await atAccount('POST', apps, { name: 'Taken', redirect_urls: [], scopes: [] })
    await faultOf(register({ appConnectionId: id, name: 'Taken' }))
    expect(await world.sql('SELECT registration_begun_at FROM app_connections')).toEqual([
      { registration_begun_at: null }
    ])
    expect((await register({ appConnectionId: id })).status).toBe('ready')
  })

  test('a client that cannot be stored is deleted at the account again', async () => {
    await world.sql('ALTER TABLE client_secrets ADD CONSTRAINT none_fits CHECK (false) NOT VALID')
    try {
      await expect(register()).rejects.toThrow()
    } finally {
      await world.sql('ALTER TABLE client_secrets DROP CONSTRAINT none_fits')
    }
    expect(await registered()).toEqual([])
    expect(await world.sql('SELECT FROM app_connections')).toEqual([])
    expect((await register()).status).toBe('ready')
  })
})

describe('what is registered otherwise than Weft needs it', () => {
  test('is shown member by member, and mended by one call that keeps what Weft has no opinion on', async () => {
    const { id, registrationId, redirectUri } = await register()
    const check = () => world.registrations.check(as.admin, id, admin)
    expect(await check()).toMatchObject({ status: 'in_step', registrationId, differences: [] })
    await atAccount('PATCH', `${apps}/${registrationId}`, {
      redirect_urls: [redirectUri, 'https://evil.example/callback'],
      scopes: ['all-apis', 'openid'],
      token_access_policy: {
        access_token_ttl_in_minutes: 15,
        enable_single_use_refresh_tokens: false
      }
    })
    const drifted = await check()
    expect(drifted).toMatchObject({
      status: 'drifted',
      differences: [
        {
          member: 'redirectUrls',
          needed: [redirectUri],
          registered: [redirectUri, 'https://evil.example/callback']
        },
        { member: 'scopes', needed: ['all-apis', 'offline_access'], registered: ['all-apis'] },
        { member: 'hasSingleUseRefreshTokens', needed: ['true'], registered: ['false'] }
      ]
    })
    expect(await world.registrations.mend(as.admin, id, admin)).toMatchObject({ status: 'in_step' })
    expect(await registered()).toMatchObject([
      {
        redirect_urls: [redirectUri],
        scopes: ['all-apis', 'offline_access', 'openid'],
        token_access_policy: {
          access_token_ttl_in_minutes: 15,
          enable_single_use_refresh_tokens: true
        }
      }
    ])
    expect(await world.audit('app_connection.mend_registration')).toMatchObject([
      { details: { mended: ['redirectUrls', 'scopes', 'hasSingleUseRefreshTokens'] } }
    ])
  })

  test('is found by its client where an admin registered it by hand', async () => {
    const made = await atAccount<{ client_id: string }>('POST', apps, {
      name: 'By hand',
      confidential: true,
      redirect_urls: [],
      scopes: ['all-apis', 'offline_access']
    })
    const { id, redirectUri } = await world.appConnections.create(as.admin, {
      name: 'By hand',
      provider: 'databricks',
      accountHost: world.workspace.url,
      accountId: simulatedAccountId,
      clientId: made.client_id,
      clientSecret: new Secret('whatever-the-admin-copied')
    })
    const { differences } = await world.registrations.check(as.admin, id, admin)
    expect(differences).toMatchObject([{ member: 'redirectUrls', needed: [redirectUri] }])
    await world.registrations.mend(as.admin, id, admin)
    expect(await registered()).toMatchObject([{ redirect_urls: [redirectUri] }])
    const unasked = await faultOf(world.registrations.unregister(as.admin, id, admin))
    expect(unasked.code).toBe('conflict')
    expect(await registered()).toHaveLength(1)
  })

  test('an app connection without an account or a client has none', async () => {
    const { id } = await world.appConnections.create(as.admin, {
      name: 'Bare',
      provider: 'databricks'
    })
    expect((await faultOf(world.registrations.check(as.admin, id, admin))).code).toBe('conflict')
  })
})

describe('the end of a registration', () => {
  test('deletes the client at the account, and the app connection is a draft again', async () => {
    const { id } = await register()
    const draft = await world.registrations.unregister(as.admin, id, admin)
    expect(await world.audit('app_connection.delete_registration')).toMatchObject([
      { details: { registrationId: expect.any(String) } }
    ])
    expect(draft).toMatchObject({
      status: 'draft',
      clientId: null,
      registrationId: null,
      clientSecrets: []
    })
    expect(await registered()).toEqual([])
    expect((await register({ appConnectionId: id })).status).toBe('ready')
  })

  test('is no fault where somebody deleted it there before', async () => {
    const { id, registrationId } = await register()
    await atAccount('DELETE', `${apps}/${registrationId}`)
    expect(await world.registrations.check(as.admin, id, admin)).toMatchObject({ status: 'gone' })
    expect((await faultOf(world.registrations.mend(as.admin, id, admin))).code).toBe('conflict')
    expect((await world.registrations.unregister(as.admin, id, admin)).status).toBe('draft')
  })
})

test('D3 another tenant’s app connection reads like none, and no credential is sent for it', async () => {
  const { id } = await register()
  const before = (await world.log()).length
  for (const one of [id, asId('appConnection', 'apc_nowhere')]) {
    for (const step of ['check', 'mend', 'unregister'] as const) {
      const fault = await faultOf(world.registrations[step](as.stranger, one, admin))
      expect({ ...fault }).toMatchObject({ code: 'not_found' })
    }
  }
  expect(await world.log()).toHaveLength(before)
})
