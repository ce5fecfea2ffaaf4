import { inspect } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppConnectionView } from '../../src/app-connections/app-connections.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { begin, session, signIn, walk } from './signing-in.ts'
import { as, createWorld, faultOf, type World } from './world.ts'

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
const grants = () =>
  world.sql<{ user_id: string; state: string }>('SELECT user_id, state FROM grants')

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
      code,
      owner: fault.owner
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
