import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startFaultProxy, targetOf } from '../support/fault-proxy.ts'
import { type Behaviour, refusals } from '../support/hostile-authorization-server.ts'
import { codeOf, createVaultWorld, failureOf, type VaultWorld } from '../support/vault-world.ts'
import { tracesIn } from './traces.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
  world.clock.freeze()
})
afterEach(() => world.close())

const hourMs = 3_600_000
const minuteMs = 60_000
const faultOf = async () =>
  (await world.sql('SELECT fault_code, fault_next_try_at, fault_count FROM app_connections'))[0]
const { ask, journalOf, outcomesOf, eventsOf, grantRowOf, inMs } = tracesIn(() => world)

describe('what is nobody’s setback', () => {
  test('G12 a client secret that cannot be opened leaves the grant as it stands', async () => {
    const grant = await world.seedGrant()
    await world.sql(`UPDATE client_secrets SET sealed = 'e30.x'`)
    expect(await codeOf(ask(grant))).toBe('key_unavailable')
    expect(await grantRowOf(grant)).toMatchObject({
      state: 'active',
      failures: 0,
      next_try_at: null
    })
    expect(await eventsOf(grant)).toEqual([])
  })

  test('a fault of our own before the claim or after it is told as it is, and recorded as nothing', async () => {
    const grant = await world.seedGrant()
    const before = world.replica()
    before.servers.discover = async () => {
      throw new TypeError('a fault of ours')
    }
    await expect(ask(grant, before)).rejects.toThrow('a fault of ours')
    expect(await outcomesOf(grant)).toEqual([])
    const after = world.replica()
    const { fetchFor } = after.outbound
    after.outbound.fetchFor = (rule, limits) =>
      limits?.maxBytes === undefined
        ? fetchFor(rule, limits)
        : () => Promise.reject(new TypeError('a fault of ours'))
    await expect(ask(grant, after)).rejects.toThrow('a fault of ours')
    expect(await outcomesOf(grant)).toEqual([null])
    expect(await grantRowOf(grant)).toMatchObject({ state: 'active', failures: 0 })
  })
})

describe('a refresh that is set back', () => {
  const cases: [string, Behaviour, Record<string, unknown>][] = [
    ['throttled', { instead: refusals.throttled(90) }, { outcome: 'refused', state: 'degraded' }],
    [
      'dead',
      { instead: refusals.invalidGrant() },
      { outcome: 'refused', state: 'needs_sign_in', cause: 'refresh_token_refused' }
    ],
    ['cut', { cut: 'before_answer' }, { outcome: 'unknown', state: 'degraded' }]
  ]
  test.each(cases)('%s: the entry, the state and one event say so', async (_name, how, end) => {
    const grant = await world.seedGrant()
    world.clock.advance(1_000)
    world.server.next(how)
    expect((await failureOf(ask(grant)))?.code).toBeDefined()
    const { outcome, ...standing } = end
    const now = world.clock.now()
    expect(await journalOf(grant)).toMatchObject([{ outcome, finished_at: now }])
    const row = await grantRowOf(grant)
    expect(row).toMatchObject({ ...standing, failures: 1, since: now })
    const tokens = { claim_owner: null, generation: 1 }
    expect(await world.stateOf(grant.grantId)).toMatchObject(tokens)
    expect(await eventsOf(grant)).toMatchObject([
      {
        action: 'grant.refresh',
        outcome: 'failed',
        details: { state: row?.state, cause: row?.cause }
      }
    ])
  })

  test('F22 once more in the same way: counted, and no event; another cause is one', async () => {
    const grant = await world.seedGrant()
    const since = inMs(0)
    for (const failures of [1, 2]) {
      world.server.next({ instead: refusals.unavailable() })
      const error = await failureOf(ask(grant))
      const row = await grantRowOf(grant)
      expect(row).toMatchObject({ state: 'degraded', failures, since })
      expect(error?.retryAt).toEqual(row?.next_try_at)
      expect(await eventsOf(grant)).toHaveLength(1)
      world.clock.advance(hourMs)
    }
    world.server.next({ cut: 'before_answer' })
    await failureOf(ask(grant))
    expect((await eventsOf(grant)).length).toBeLessThanOrEqual(2)
    world.clock.advance(hourMs)
    world.server.next({ instead: refusals.scopesNotAssigned() })
    expect(await codeOf(ask(grant))).toBe('scope_missing')
    expect((await eventsOf(grant)).at(-1)).toMatchObject({ code: 'scope_missing' })
    // The same state for another cause is news, too.
    const before = (await eventsOf(grant)).length
    world.clock.advance(hourMs)
    world.server.clients.set(world.clientId, new Set())
    expect(await codeOf(ask(grant))).toBe('app_connection_refused')
    expect(await eventsOf(grant)).toHaveLength(before + 1)
  })

  test('F8 a request that never left raises no doubt about the token', async () => {
    const proxy = await startFaultProxy(targetOf(world.server.origin))
    const workspaceOrigin = `http://127.0.0.1:${proxy.port}`
    const honest = world.server.metadata
    world.server.metadata = (members) =>
      JSON.parse(JSON.stringify(members).replaceAll(world.server.origin, workspaceOrigin))
    const replica = world.replica({ extraOrigins: [workspaceOrigin] })
    const known = await world.seedGrant({ workspaceOrigin })
    expect(await codeOf(ask(known, replica))).toBe('no error')
    await proxy.close()
    const grant = await world.seedGrant({ workspaceOrigin })
    expect(await codeOf(ask(grant, replica))).toBe('workspace_unreachable')
    world.server.metadata = honest
    expect(world.server.books.presented(grant.refreshToken)).toBe(0)
    expect(await outcomesOf(grant)).toEqual(['transient'])
    expect(await grantRowOf(grant)).toMatchObject({
      state: 'degraded',
      cause: 'workspace_unreachable'
    })
  })

  test('F13 a grant that has lost its refresh token needs a sign-in, and nobody is asked', async () => {
    const grant = await world.seedGrant({ lifeMs: 30 * minuteMs })
    expect(await codeOf(ask(grant))).toBe('no error')
    world.clock.advance(hourMs)
    await world.own.noticeChanges()
    // Lost between the decision, which still has the reading from before, and the claim.
    await world.sql('UPDATE grant_tokens SET refresh_token_sealed = NULL WHERE grant_id = $1', [
      grant.grantId
    ])
    const before = world.server.requests.length
    expect(await codeOf(ask(grant))).toBe('sign_in_needed')
    expect(world.server.requests).toHaveLength(before)
    expect(await grantRowOf(grant)).toMatchObject({
      state: 'needs_sign_in',
      cause: 'sign_in_needed'
    })
  })
})

describe('the app connection at fault', () => {
  test('F19 G7 is noted with its next try, keeps everybody else from asking, and is cleared', async () => {
    const [one, other] = [await world.seedGrant(), await world.seedGrant()]
    world.clock.advance(1_000)
    world.server.clients.set(world.clientId, new Set())
    expect(await codeOf(ask(one))).toBe('app_connection_refused')
    const fault = await faultOf()
    expect(fault).toEqual({
      fault_code: 'app_connection_refused',
      fault_next_try_at: inMs(minuteMs),
      fault_count: 1
    })
    const asked = world.server.requests.length
    const error = await failureOf(ask(other))
    expect(error).toMatchObject({ code: 'app_connection_refused', retryAt: inMs(minuteMs) })
    expect(world.server.requests).toHaveLength(asked)
    // Who was not even asked makes it no worse.
    expect(await faultOf()).toEqual(fault)
    expect(await outcomesOf(other)).toEqual([])
    expect(await grantRowOf(other)).toMatchObject({
      state: 'misconfigured',
      next_try_at: inMs(minuteMs),
      failures: 1,
      since: world.clock.now()
    })
    expect(await eventsOf(other)).toMatchObject([{ outcome: 'failed', fabric_id: null }])
    world.server.clients.set(world.clientId, new Set([world.clientSecret]))
    world.clock.advance(minuteMs)
    expect(await codeOf(ask(one))).toBe('no error')
    const clear = { fault_code: null, fault_next_try_at: null, fault_count: 0 }
    expect(await faultOf()).toEqual(clear)
    expect(await codeOf(ask(other))).toBe('no error')
  })

  test('an answer against one person is no fault of the app connection', async () => {
    const grant = await world.seedGrant()
    world.server.next({ instead: refusals.scopesNotAssigned() })
    expect(await codeOf(ask(grant))).toBe('scope_missing')
    expect(await faultOf()).toMatchObject({ fault_code: null })
  })
})
