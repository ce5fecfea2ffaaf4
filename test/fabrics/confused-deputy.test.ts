import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AppConnectionView } from '../../src/app-connections/app-connections.ts'
import { Secret } from '../../src/base/secret.ts'
import type { FabricView } from '../../src/fabrics/fabrics.ts'
import { type HostileServer, startHostileServer } from '../support/hostile-authorization-server.ts'
import { begin, session, walk } from './signing-in.ts'
import { as, client, createWorld, faultOf, green, type World } from './world.ts'

const globex = { clientId: 'client-of-globex', clientSecret: 'canary-secret-of-globex' }

let hostile: HostileServer
let world: World
/** Of acme, at the honest workspace. */
let ours: { connection: AppConnectionView; fabric: FabricView }
/** Of globex, at a workspace of its own making. */
let theirs: { connection: AppConnectionView; fabric: FabricView }
beforeAll(async () => {
  hostile = await startHostileServer()
  world = await createWorld({ extraOrigins: [hostile.origin] })
})
afterAll(async () => {
  await world.close()
  await hostile.stop()
})
beforeEach(async () => {
  await world.clear()
  hostile.reset()
  hostile.metadata = (honest) => honest
  world.clock.advance(11 * 60_000) // no metadata is remembered
  const connection = await world.connect()
  ours = { connection, fabric: await world.fabrics.create(as.lead, world.newFabric()) }
  theirs = await settleGlobex(hostile.origin)
})

async function settleGlobex(workspaceUrl: string): Promise<typeof theirs> {
  const connection = await world.appConnections.create(as.stranger, {
    name: `Globex at ${workspaceUrl}`,
    provider: 'databricks',
    clientId: globex.clientId,
    clientSecret: new Secret(globex.clientSecret)
  })
  const input = { teamId: green, workspaceUrl, compute: undefined, name: workspaceUrl }
  const appConnectionId = connection.id
  const fabric = await world.fabrics.create(
    as.stranger,
    world.newFabric({ ...input, appConnectionId })
  )
  return { connection, fabric }
}

const start = (scope: (typeof as)[keyof typeof as], fabric: FabricView) =>
  world.fabrics.startSignIn(scope, fabric.id, { sessionId: session, returnTo: null })
const redemptions = async () =>
  (await world.log()).filter(({ grantType }) => grantType === 'authorization_code').length
const refusals = () =>
  world.sql(
    `SELECT * FROM audit_events WHERE action = 'sign_in_attempt.finish' AND outcome = 'refused' ORDER BY at, seq`
  )

/** The hostile server sends the browser on to the honest one, in the honest client's name. */
function bounced(authorizationUrl: string, redirectUri: string): string {
  const asked = new URL(authorizationUrl)
  const url = new URL(`${world.workspace.url}/oidc/v1/authorize`)
  url.search = asked.search
  url.searchParams.set('client_id', client.clientId)
  url.searchParams.set('redirect_uri', redirectUri)
  return url.href
}

describe('B3 an authorization server of globex bounces a user of acme to acme’s own', () => {
  test('the code comes back at acme’s redirect URI, where globex’s attempt is not: it goes nowhere', async () => {
    const { authorizationUrl } = await start(as.stranger, theirs.fabric)
    expect(new URL(authorizationUrl).origin).toBe(hostile.origin)
    const callback = await walk(bounced(authorizationUrl, ours.connection.redirectUri))
    expect(callback.appConnectionId).toBe(ours.connection.id)
    expect(callback.query).toMatch(/code=.+&state=/)
    const [heard, before] = [hostile.requests.length, await redemptions()]
    // The person of acme, and one of globex who began it and was sent round in their own browser.
    for (const who of [as.member, as.stranger]) {
      expect((await faultOf(world.fabrics.finishSignIn(who, callback))).code).toBe(
        'attempt_not_yours'
      )
    }
    expect(hostile.requests.length).toBe(heard)
    expect(await redemptions()).toBe(before)
    expect(await world.sql('SELECT FROM grants')).toEqual([])
  })

  test('globex’s redirect URI is none of acme’s client: the code is never made', async () => {
    const { authorizationUrl } = await start(as.stranger, theirs.fabric)
    const work = walk(bounced(authorizationUrl, theirs.connection.redirectUri))
    await expect(work).rejects.toThrow(/not registered for OAuth application/)
  })

  test('B6 acme’s code under globex’s attempt: the workspace of acme sees no redemption, and nothing is kept', async () => {
    const { callback } = await begin(world, as.member, ours.fabric.id)
    const attempt = await start(as.stranger, theirs.fabric)
    const query = new URLSearchParams(callback.query)
    query.set('state', new URL(attempt.authorizationUrl).searchParams.get('state') ?? '')
    const before = await redemptions()
    const injected = { ...callback, query: query.toString() }
    // In the URL of acme's app connection, in that of globex's, and by whoever is logged in.
    for (const [who, appConnectionId] of [
      [as.member, ours.connection.id],
      [as.member, theirs.connection.id],
      [as.stranger, ours.connection.id]
    ] as const) {
      const fault = await faultOf(world.fabrics.finishSignIn(who, { ...injected, appConnectionId }))
      expect(fault.code).toBe('attempt_not_yours')
    }
    expect(await redemptions()).toBe(before)
    expect(await world.sql('SELECT FROM grants')).toEqual([])
  })
})

describe('B5 a link that was begun by another', () => {
  test('of the same tenant: refused, and recorded with its attempt, its fabric and why', async () => {
    const { attemptId, authorizationUrl } = await start(as.lead, ours.fabric)
    const callback = await walk(authorizationUrl)
    const before = await redemptions()
    expect((await faultOf(world.fabrics.finishSignIn(as.member, callback))).code).toBe(
      'attempt_not_yours'
    )
    expect(await redemptions()).toBe(before)
    expect(await world.sql('SELECT FROM grants')).toEqual([])
    expect(await refusals()).toMatchObject([
      {
        tenant_id: 'ten_acme',
        actor_id: 'usr_member',
        object_kind: 'sign_in_attempt',
        object_id: attemptId,
        fabric_id: ours.fabric.id,
        code: 'attempt_not_yours',
        details: { reason: 'another_person' }
      }
    ])
  })

  test('in another session of the same person, and at another app connection, it says so', async () => {
    const { callback } = await begin(world, as.member, ours.fabric.id)
    const elsewhere = { ...callback, sessionId: 'ses_other' }
    const misled = { ...callback, appConnectionId: theirs.connection.id }
    for (const one of [elsewhere, misled]) await faultOf(world.fabrics.finishSignIn(as.member, one))
    expect((await refusals()).map(({ details }) => details)).toEqual([
      { reason: 'another_session' },
      { reason: 'another_app_connection' }
    ])
  })

  test('of another tenant, at an honest workspace: neither tenant’s record tells of the other', async () => {
    const shared = await settleGlobex(world.workspace.url)
    await world.register([shared.connection.redirectUri], globex)
    const { attemptId, authorizationUrl } = await start(as.stranger, shared.fabric)
    const callback = await walk(authorizationUrl)
    const before = await redemptions()
    expect((await faultOf(world.fabrics.finishSignIn(as.member, callback))).code).toBe(
      'attempt_not_yours'
    )
    expect(await redemptions()).toBe(before)
    const [recorded, ...others] = await refusals()
    expect(others).toEqual([])
    expect(recorded).toMatchObject({
      tenant_id: 'ten_acme',
      actor_id: 'usr_member',
      object_id: attemptId,
      fabric_id: null,
      details: { reason: 'another_tenant' }
    })
    expect(JSON.stringify(recorded, (_, value) => String(value))).not.toContain('globex')
    const ofGlobex = await world.sql(`SELECT * FROM audit_events WHERE tenant_id = 'ten_globex'`)
    expect(
      JSON.stringify(ofGlobex, (_, value) => (typeof value === 'bigint' ? '' : value))
    ).not.toMatch(/acme|usr_member|dev@/)
    // Who began it may still finish it, and then as whom they choose in their own browser.
    expect((await world.fabrics.signInAttempt(as.stranger, attemptId)).status).toBe('pending')
  })
})

describe('T1 B1 whatever a workspace says of itself', () => {
  let thief: Server
  let stolen = 0
  const thiefOrigin = () => {
    const bound = thief.address()
    return `http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`
  }
  beforeAll(async () => {
    thief = createServer((socket) => {
      stolen += 1
      socket.destroy()
    })
    await new Promise<void>((resolve) => thief.listen(0, '127.0.0.1', resolve))
  })
  afterAll(() => new Promise((resolve) => thief.close(resolve)))

  test.each(['token_endpoint', 'authorization_endpoint', 'revocation_endpoint', 'issuer'])(
    'its %s elsewhere: no sign-in begins, and not one packet goes there',
    async (member) => {
      const elsewhere = [`${thiefOrigin()}/oidc/v1/token`, `${world.workspace.url}/oidc/v1/token`]
      const seen = (await world.log()).length
      for (const url of elsewhere) {
        hostile.metadata = (honest) => ({ ...honest, [member]: url })
        expect((await faultOf(start(as.stranger, theirs.fabric))).code).toBe('discovery_failed')
      }
      expect(stolen).toBe(0)
      expect(await world.log()).toHaveLength(seen)
      expect(hostile.requests.map(({ clientSecret }) => clientSecret)).not.toContain(
        globex.clientSecret
      )
    }
  )

  test('told after the sign-in began: the secret and the code stay here', async () => {
    const early = await start(as.stranger, theirs.fabric)
    world.clock.advance(6 * 60_000)
    const late = await start(as.stranger, theirs.fabric)
    expect(late.attemptId).not.toBe(early.attemptId)
    world.clock.advance(6 * 60_000)
    hostile.metadata = (honest) => ({ ...honest, token_endpoint: `${thiefOrigin()}/token` })
    const state = new URL(late.authorizationUrl).searchParams.get('state') ?? ''
    const callback = {
      appConnectionId: theirs.connection.id,
      query: `code=c&state=${state}`,
      sessionId: session
    }
    expect((await faultOf(world.fabrics.finishSignIn(as.stranger, callback))).code).toBe(
      'discovery_failed'
    )
    expect(stolen).toBe(0)
    expect(hostile.requests).toEqual([])
  })
})
