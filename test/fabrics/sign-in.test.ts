import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppConnectionView } from '../../src/app-connections/app-connections.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { begin, session, signIn, walk } from './signing-in.ts'
import { as, client, createWorld, faultOf, type World } from './world.ts'

let world: World
let connection: AppConnectionView
let fabric: FabricView
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.clear()
  connection = await world.connect()
  fabric = await world.fabrics.create(as.lead, world.newFabric())
})

const finish = (callback: Parameters<World['fabrics']['finishSignIn']>[1], scope = as.member) =>
  world.fabrics.finishSignIn(scope, callback)
const redemptions = async () =>
  (await world.log()).filter(({ grantType }) => grantType === 'authorization_code').length
const grants = () =>
  world.sql<{ user_id: string; state: string }>('SELECT user_id, state FROM grants')

describe('a sign-in', () => {
  test('goes through the workspace’s own pages and ends in a connection of the person’s own', async () => {
    const started = await begin(world, as.member, fabric.id, { returnTo: '/console/fabrics' })
    expect((await world.fabrics.signInAttempt(as.member, started.attemptId)).status).toBe('pending')
    expect(await finish(started.callback)).toEqual({
      attemptId: started.attemptId,
      returnTo: '/console/fabrics'
    })
    const attempt = await world.fabrics.signInAttempt(as.member, started.attemptId)
    expect(attempt).toMatchObject({ status: 'succeeded', code: null, fabricId: fabric.id })
    expect(attempt.finishedAt).toBeInstanceOf(Date)
    expect(await world.fabrics.connection(as.member, fabric.id)).toMatchObject({
      state: 'active',
      cause: null,
      workspaceUser: { userName: 'dev@acme.test' },
      accessTokenExpiresAt: expect.any(Date)
    })
    expect((await world.fabrics.get(as.member, fabric.id)).health.state).toBe('active')
    expect(await world.fabrics.connection(as.lead, fabric.id)).toMatchObject({
      state: 'needs_sign_in',
      cause: 'never_signed_in'
    })
  })

  test('asks with the client, the scopes and the redirect URI of its app connection', async () => {
    const { authorizationUrl } = await begin(world, as.member, fabric.id)
    const url = new URL(authorizationUrl)
    expect(url.origin).toBe(world.workspace.url)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      client_id: client.clientId,
      scope: 'all-apis offline_access',
      redirect_uri: connection.redirectUri,
      code_challenge_method: 'S256'
    })
  })

  test('serves every fabric of the same workspace, and leaves one record', async () => {
    await signIn(world, as.member, fabric.id)
    const second = await world.fabrics.create(as.lead, world.newFabric({ name: 'Second' }))
    expect((await world.fabrics.connection(as.member, second.id)).state).toBe('active')
    expect(await world.audit('sign_in_attempt.finish')).toMatchObject([
      { outcome: 'succeeded', actor_id: 'usr_member', details: { workspaceUser: 'dev@acme.test' } }
    ])
    const third = world.newFabric({ name: 'Third', workspaceUrl: world.elsewhere.url })
    const { id } = await world.fabrics.create(as.lead, third)
    expect((await world.fabrics.connection(as.member, id)).state).toBe('needs_sign_in')
  })

  test('C9 stores and tells no token, code or verifier in clear', async () => {
    const { callback, authorizationUrl } = await begin(world, as.member, fabric.id)
    const query = new URLSearchParams(callback.query)
    const state = new URL(authorizationUrl).searchParams.get('state') ?? 'none'
    await finish(callback)
    const all = await world.dump()
    expect(all).not.toMatch(/doau[0-9a-f]{8}|eyJhbGciOiJSUzI1NiI|canary/)
    for (const secret of [query.get('code') ?? 'none', state]) expect(all).not.toContain(secret)
  })

  test('tries the secret before, where the newest is refused, and notes which was taken', async () => {
    const wrong = new Secret('a-secret-that-nobody-registered')
    await world.appConnections.addSecret(as.admin, connection.id, { clientSecret: wrong })
    await signIn(world, as.member, fabric.id)
    const { clientSecrets } = await world.appConnections.get(as.admin, connection.id)
    expect(clientSecrets.map(({ lastUsedAt }) => lastUsedAt !== null)).toEqual([false, true])
  })

  test('again as oneself replaces what was held, and keeps one grant', async () => {
    for (let turn = 0; turn < 3; turn += 1) await signIn(world, as.member, fabric.id)
    expect(await grants()).toEqual([{ user_id: 'usr_member', state: 'active' }])
  })

  test('B13 two people with the same workspace user have a grant each', async () => {
    await signIn(world, as.member, fabric.id)
    await signIn(world, as.lead, fabric.id)
    expect((await grants()).map(({ user_id }) => user_id).sort()).toEqual([
      'usr_lead',
      'usr_member'
    ])
  })

  test('ends with a sign-out: nothing is held, and doing it again is no fault', async () => {
    await signIn(world, as.member, fabric.id)
    await world.fabrics.signOut(as.member, fabric.id)
    await world.fabrics.signOut(as.member, fabric.id)
    expect(await grants()).toEqual([])
    expect(await world.sql('SELECT FROM grant_tokens')).toEqual([])
    expect((await world.fabrics.connection(as.member, fabric.id)).state).toBe('needs_sign_in')
    expect(await world.audit('connection.delete')).toHaveLength(1)
  })
})

describe('an attempt', () => {
  test('A4 is of one use: of twenty callbacks at once one succeeds, and one code is redeemed', async () => {
    const { callback } = await begin(world, as.member, fabric.id)
    const before = await redemptions()
    const ends = await Promise.all(
      Array.from({ length: 20 }, () =>
        finish(callback).then(
          () => 'done',
          (error) => error.code
        )
      )
    )
    expect(ends.sort()).toEqual([...Array(19).fill('attempt_expired'), 'done'])
    expect((await redemptions()) - before).toBe(1)
    expect((await faultOf(finish(callback))).code).toBe('attempt_expired')
    expect(await grants()).toHaveLength(1)
  })

  test('ends after ten minutes', async () => {
    const early = await begin(world, as.member, fabric.id)
    world.clock.advance(10 * 60_000 + 1)
    const before = await redemptions()
    expect((await faultOf(finish(early.callback))).code).toBe('attempt_expired')
    expect((await redemptions()) - before).toBe(0)
    expect((await world.fabrics.signInAttempt(as.member, early.attemptId)).status).toBe('expired')
  })

  test('F31 five tabs, in any order: each completes', async () => {
    const tabs = []
    for (let tab = 0; tab < 5; tab += 1)
      tabs.push(await begin(world, as.member, fabric.id, { returnTo: `/${tab}` }))
    for (const tab of [3, 0, 4, 2, 1]) {
      const { callback } = tabs[tab] ?? expect.fail('five tabs')
      expect((await finish(callback)).returnTo).toBe(`/${tab}`)
    }
    expect(await grants()).toHaveLength(1)
  })

  test('F31 five tabs that come back at once: each completes', async () => {
    const tabs = []
    for (let tab = 0; tab < 5; tab += 1) tabs.push(await begin(world, as.member, fabric.id))
    await Promise.all(tabs.map(({ callback }) => finish(callback)))
    expect(await grants()).toHaveLength(1)
    expect((await world.fabrics.connection(as.member, fabric.id)).state).toBe('active')
  })

  test('B5 B6 F30 is finished by nobody but who began it, where they began it; others are refused and recorded', async () => {
    const other = await world.appConnections.create(as.admin, {
      name: 'Other',
      provider: 'databricks'
    })
    const { callback, attemptId } = await begin(world, as.member, fabric.id)
    const before = await redemptions()
    for (const [who, change] of [
      [as.lead, {}],
      [as.admin, {}],
      [as.stranger, {}],
      [as.member, { sessionId: 'ses_other' }],
      [as.member, { appConnectionId: other.id }],
      [as.member, { appConnectionId: asId('appConnection', 'apc_nowhere') }]
    ] as const) {
      const fault = await faultOf(world.fabrics.finishSignIn(who, { ...callback, ...change }))
      expect(fault.code).toBe('attempt_not_yours')
    }
    const refused = (await world.audit('sign_in_attempt.finish')).map(
      ({ outcome, code, actor_id }) => ({ outcome, code, actor_id })
    )
    const by = (actor: string) => ({
      outcome: 'refused',
      code: 'attempt_not_yours',
      actor_id: actor
    })
    const actors = [
      'usr_lead',
      'usr_admin',
      'usr_stranger',
      'usr_member',
      'usr_member',
      'usr_member'
    ]
    expect(refused).toEqual(actors.map(by))
    expect((await redemptions()) - before).toBe(0)
    expect(await grants()).toEqual([])
    expect((await world.fabrics.signInAttempt(as.member, attemptId)).status).toBe('pending')
    await expect(finish(callback)).resolves.toMatchObject({ attemptId })
  })

  test('B6 with another attempt’s code is refused by the workspace: the verifier does not fit', async () => {
    const theirs = await begin(world, as.lead, fabric.id)
    const mine = await begin(world, as.member, fabric.id)
    const injected = new URLSearchParams(mine.callback.query)
    injected.set('code', new URLSearchParams(theirs.callback.query).get('code') ?? '')
    const fault = await faultOf(finish({ ...mine.callback, query: injected.toString() }))
    expect(fault.code).toBe('attempt_expired')
    expect(await grants()).toEqual([])
  })

  test.each([
    '',
    'code=x',
    'code=x&state=',
    'code=x&state=nobody',
    'state=a&state=b',
    'error=x',
    '%00=%zz&state[]=x'
  ])('with the callback %s is none, and nothing is asked of the workspace', async (query) => {
    const before = await redemptions()
    const callback = { appConnectionId: connection.id, query, sessionId: session }
    expect((await faultOf(finish(callback))).code).toBe('attempt_expired')
    expect((await redemptions()) - before).toBe(0)
  })
})

describe('a sign-in that fails', () => {
  const cases: readonly (readonly [string, Record<string, unknown>, string, string | null])[] = [
    [
      'F19 no refresh token comes',
      { tokenOmit: ['refresh_token'] },
      'scope_missing',
      'offline_access'
    ],
    ['the token endpoint is down', { tokenStatus: 503 }, 'upstream_unavailable', null],
    ['the token endpoint throttles', { tokenStatus: 429 }, 'upstream_unavailable', null],
    ['the token endpoint cuts the line', { dropTokenAnswer: true }, 'upstream_unavailable', null],
    ['the answer is half of one', { tokenBody: '{"access_token":' }, 'upstream_unavailable', null],
    ['the answer is a page', { tokenBody: '<!doctype html>' }, 'oauth_not_enabled', null],
    ['the answer has no token_type', { tokenOmit: ['token_type'] }, 'upstream_unavailable', null],
    ['an IP access list', { ipBlocked: true }, 'ip_not_allowed', null],
    ['the user is not in the workspace', { apiStatus: 403 }, 'principal_not_in_workspace', null]
  ]
  test.each(cases)('%s', async (_, faults, code, word) => {
    const { callback, attemptId } = await begin(world, as.member, fabric.id)
    await world.faults(faults)
    const fault = await faultOf(finish(callback))
    expect(fault.code).toBe(code)
    if (word !== null) expect(fault.detail).toContain(word)
    expect(inspect(fault, { depth: 9 })).not.toMatch(/canary|doau/)
    expect(await grants()).toEqual([])
    expect(await world.fabrics.signInAttempt(as.member, attemptId)).toMatchObject({
      status: 'failed',
      code
    })
    expect(await world.audit('sign_in_attempt.finish')).toMatchObject([{ outcome: 'failed', code }])
  })

  test('the person says no', async () => {
    const { callback, attemptId } = await begin(world, as.member, fabric.id, { consent: 'deny' })
    expect(await faultOf(finish(callback))).toMatchObject({
      detail: expect.stringContaining('access_denied')
    })
    expect((await world.fabrics.signInAttempt(as.member, attemptId)).status).toBe('failed')
  })

  test('the client secret is wrong', async () => {
    const { callback } = await begin(world, as.member, fabric.id)
    await world.register([connection.redirectUri], { clientSecret: 'another-secret' })
    expect(await faultOf(finish(callback))).toMatchObject({
      code: 'app_connection_refused',
      owner: 'tenant_admin'
    })
  })

  test('and one that was held stays as it was', async () => {
    await signIn(world, as.member, fabric.id)
    const { callback } = await begin(world, as.member, fabric.id)
    await world.faults({ tokenOmit: ['refresh_token'] })
    await faultOf(finish(callback))
    expect((await world.fabrics.connection(as.member, fabric.id)).state).toBe('active')
  })
})

describe('a sign-in cannot begin', () => {
  const start = () =>
    world.fabrics.startSignIn(as.member, fabric.id, { sessionId: session, returnTo: null })
  test.each([
    ['before OAuth is set up', 'DELETE FROM app_connections', 'app_connection_missing'],
    [
      'while the app connection is switched off',
      'UPDATE app_connections SET is_disabled = true',
      'app_connection_missing'
    ],
    ['without a client secret', 'DELETE FROM client_secrets', 'app_connection_missing'],
    [
      'B1 at a host that the app connection does not serve',
      `UPDATE app_connections SET allowed_hosts = '{x.cloud.databricks.com}'`,
      'host_not_allowed'
    ]
  ])('%s', async (_, sql, code) => {
    await world.sql(sql)
    expect((await faultOf(start())).code).toBe(code)
    expect(await world.sql('SELECT FROM sign_in_attempts')).toEqual([])
  })

  test('I4 without its record', async () => {
    await world.sql(`REVOKE INSERT ON audit_events FROM ${world.appRole}`)
    const fault = await faultOf(start()).finally(() =>
      world.sql(`GRANT INSERT ON audit_events TO ${world.appRole}`)
    )
    expect(fault.code).toBe('internal')
    expect(await world.sql('SELECT FROM sign_in_attempts')).toEqual([])
  })
})

test('a scope that the client was not given is told by the workspace, and nothing is stored', async () => {
  const { version, id } = connection
  await world.appConnections.update(as.admin, id, { version, scopes: ['genie', 'offline_access'] })
  const { authorizationUrl } = await world.fabrics.startSignIn(as.member, fabric.id, {
    sessionId: session,
    returnTo: null
  })
  const callback = await walk(authorizationUrl)
  expect((await faultOf(finish(callback))).detail).toContain('invalid_scope')
  expect(await grants()).toEqual([])
})
