import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { packRawAnswer } from '../../src/oauth/raw-answer.ts'
import { answerPlace } from '../../src/vault/refresh-claim.ts'
import { startFaultProxy, targetOf } from '../support/fault-proxy.ts'
import { type Behaviour, refusals, rewrites } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  type SeededGrant,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
  world.clock.freeze()
})
afterEach(() => world.close())

const hourMs = 3_600_000
const minuteMs = 60_000
const ask = ({ grantId }: Pick<SeededGrant, 'grantId'>, replica = world.own) =>
  replica.vault.accessToken(world.scope, grantId, 60_000)

const journalOf = ({ grantId }: SeededGrant) =>
  world.sql('SELECT * FROM refresh_journal WHERE grant_id = $1 ORDER BY id', [grantId])
const outcomesOf = async (grant: SeededGrant) =>
  (await journalOf(grant)).map(({ outcome }) => outcome)
const eventsOf = ({ grantId }: Pick<SeededGrant, 'grantId'>) =>
  world.sql(
    `SELECT action, outcome, code, fabric_id, details FROM audit_events
      WHERE object_kind = 'grant' AND object_id = $1 ORDER BY seq`,
    [grantId]
  )
const rowOf = async ({ grantId }: Pick<SeededGrant, 'grantId'>) =>
  (await world.sql('SELECT * FROM grants WHERE id = $1', [grantId]))[0]
const faultOf = async () =>
  (await world.sql('SELECT fault_code, fault_next_try_at, fault_count FROM app_connections'))[0]
const inMs = (ms: number) => new Date(world.clock.now().getTime() + ms)

/** A refresh of generation 1 that its owner did not finish. */
async function leaveBehind(
  grant: SeededGrant,
  entry: { generation?: number; outcome?: string; answer?: string } = {}
): Promise<void> {
  const id = newId('refreshEntry', world.clock)
  const { generation = 1, outcome = null, answer } = entry
  const raw = { status: 200, headers: {}, receivedAt: world.clock.now() }
  const sealed =
    answer === undefined
      ? null
      : await world.own.strongbox.seal(
          world.scope,
          answerPlace(id),
          packRawAnswer({ ...raw, body: new Secret(answer) })
        )
  await world.rows.insert('refresh_journal', {
    id,
    tenant_id: world.seeded.tenantId,
    grant_id: grant.grantId,
    generation,
    owner: 'dead',
    started_at: world.clock.now(),
    answer_sealed: sealed,
    answered_at: sealed === null ? null : world.clock.now(),
    outcome
  })
  // Ids of one millisecond are in no order.
  world.clock.advance(1)
}

describe('a refresh that is granted', () => {
  test('leaves the next generation, its record, and a closed entry without the answer', async () => {
    const grant = await world.seedGrant()
    await world.sql(`UPDATE grants SET failures = 3, cause = 'old' WHERE id = $1`, [grant.grantId])
    const before = await rowOf(grant)
    world.clock.advance(1_000)
    expect(await ask(grant)).toMatchObject({ source: 'refreshed', generation: 2 })
    const now = world.clock.now()
    expect(await rowOf(grant)).toMatchObject({
      state: 'active',
      cause: null,
      failures: 0,
      next_try_at: null,
      since: before?.since
    })
    const [entry] = await journalOf(grant)
    expect(entry).toMatchObject({
      generation: 1,
      outcome: 'projected',
      started_at: now,
      answered_at: now,
      finished_at: now,
      answer_sealed: null
    })
    expect(entry?.id).toMatch(/^rfj_/)
    const [tokens] = await world.sql('SELECT * FROM grant_tokens WHERE grant_id = $1', [
      grant.grantId
    ])
    expect(tokens).toMatchObject({
      generation: 2,
      claim_owner: null,
      claim_expires_at: null,
      refresh_issued_at: now,
      access_issued_at: now,
      access_expires_at: inMs(hourMs)
    })
    expect(await eventsOf(grant)).toEqual([
      {
        action: 'grant.refresh',
        outcome: 'succeeded',
        code: null,
        fabric_id: null,
        details: { generation: 2 }
      }
    ])
  })

  test('F4 while it runs, the claim holds for three quarters of a minute and says whose it is', async () => {
    const grant = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const before = world.server.requests.length
    const asked = ask(grant)
    await world.server.arrived(before + 1)
    const [claim] = await world.sql<{ owner: string; seconds: number }>(
      `SELECT claim_owner AS owner, extract(epoch FROM claim_expires_at - now())::float AS seconds
         FROM grant_tokens WHERE grant_id = $1`,
      [grant.grantId]
    )
    expect(claim?.seconds).toBeGreaterThan(25)
    expect(claim?.seconds).toBeLessThanOrEqual(45)
    const [entry] = await journalOf(grant)
    expect(entry).toMatchObject({ owner: claim?.owner, outcome: null, answer_sealed: null })
    held.resolve()
    await asked
  })

  test('F13 without a new refresh token the spent one stays, and its age with it', async () => {
    world.server.rules.rotate = false
    const grant = await world.seedGrant()
    const issuedAt = inMs(-hourMs)
    await world.sql('UPDATE grant_tokens SET refresh_issued_at = $2 WHERE grant_id = $1', [
      grant.grantId,
      issuedAt
    ])
    world.server.next({ rewrite: rewrites.without('refresh_token') })
    await ask(grant)
    world.server.rules.rotate = true
    const [tokens] = await world.sql('SELECT * FROM grant_tokens WHERE grant_id = $1', [
      grant.grantId
    ])
    expect(tokens).toMatchObject({ generation: 2, refresh_issued_at: issuedAt })
    expect(await world.refreshTokenOf(grant.grantId)).toBe(grant.refreshToken)
  })

  test('G11 of a service principal, names its fabric in the record', async () => {
    const principal = { clientId: 'sp', clientSecret: 'canary-sp-of-records' }
    world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
    const fabricId = await world.seedFabric(principal)
    const { vault } = world.own
    const grantId = await vault.openServicePrincipalGrant(
      world.scope,
      fabricId,
      world.server.origin
    )
    expect(await ask({ grantId })).toMatchObject({ generation: 2, source: 'refreshed' })
    expect(await eventsOf({ grantId })).toMatchObject([{ fabric_id: fabricId }])
    expect(await rowOf({ grantId })).toMatchObject({ state: 'active', since: world.clock.now() })
    expect(await world.refreshTokenOf(grantId)).toBeNull()
    expect(world.server.requests.at(-1)?.form.get('scope')).toBe('all-apis')
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
    const row = await rowOf(grant)
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
      const row = await rowOf(grant)
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
    expect(await rowOf(grant)).toMatchObject({ state: 'degraded', cause: 'workspace_unreachable' })
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
    expect(await rowOf(grant)).toMatchObject({ state: 'needs_sign_in', cause: 'sign_in_needed' })
  })
})

describe('the app connection at fault', () => {
  test('F19 G7 is noted with its next try, keeps everybody else from asking, and is cleared', async () => {
    const [one, other] = [await world.seedGrant(), await world.seedGrant()]
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
    expect(await rowOf(other)).toMatchObject({
      state: 'misconfigured',
      next_try_at: inMs(minuteMs),
      failures: 1
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

describe('what an earlier owner left', () => {
  test('F8 with nothing kept is closed as abandoned, and the token is tried once', async () => {
    const grant = await world.seedGrant()
    await leaveBehind(grant)
    await ask(grant)
    expect(await outcomesOf(grant)).toEqual(['abandoned', 'projected'])
    expect(await journalOf(grant)).toMatchObject([{ finished_at: world.clock.now() }, {}])
  })

  test('F8 of an older generation is closed as superseded, whatever was kept, and no doubt', async () => {
    const grant = await world.seedGrant()
    await leaveBehind(grant, { generation: 0, answer: '{}' })
    await ask(grant)
    expect(await outcomesOf(grant)).toEqual(['superseded', 'projected'])
  })

  test('F8 twice with nothing kept: the token is shown no third time', async () => {
    const grant = await world.seedGrant()
    await leaveBehind(grant, { outcome: 'abandoned' })
    await leaveBehind(grant)
    const before = world.server.requests.length
    expect(await codeOf(ask(grant))).toBe('sign_in_needed')
    expect(world.server.requests).toHaveLength(before)
    expect(await outcomesOf(grant)).toEqual(['abandoned', 'abandoned', 'refused'])
    expect(await rowOf(grant)).toMatchObject({ state: 'needs_sign_in', cause: 'rotation_lost' })
  })

  test('F8 an answer that was lost on the way does not count as an owner’s death', async () => {
    await world.sql('UPDATE app_connections SET has_single_use_refresh_tokens = true')
    const grant = await world.seedGrant()
    await leaveBehind(grant, { outcome: 'unknown' })
    expect(await codeOf(ask(grant))).toBe('no error')
    const refused = await world.seedGrant()
    await leaveBehind(refused, { outcome: 'unknown' })
    world.server.next({ instead: refusals.invalidGrant() })
    expect(await codeOf(ask(refused))).toBe('sign_in_needed')
    expect(await rowOf(refused)).toMatchObject({ cause: 'rotation_lost' })
  })

  test('F8 a service principal’s secret is shown again, whoever died', async () => {
    const principal = { clientId: 'sp-2', clientSecret: 'canary-sp-of-the-dead' }
    world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
    const fabricId = await world.seedFabric(principal)
    const { vault } = world.own
    const { origin } = world.server
    const grantId = await vault.openServicePrincipalGrant(world.scope, fabricId, origin)
    const grant = { ...(await world.seedGrant()), grantId }
    await leaveBehind(grant, { outcome: 'abandoned' })
    await leaveBehind(grant)
    expect(await codeOf(ask(grant))).toBe('no error')
  })
})

describe('another replica was first', () => {
  test('F11 the generation has moved on before the refresh begins: its token is handed out', async () => {
    const grant = await world.seedGrant({ lifeMs: 30 * minuteMs })
    const other = world.replica()
    // This one remembers generation 1, which the other one spends.
    expect(await ask(grant)).toMatchObject({ generation: 1, source: 'cached' })
    world.clock.advance(hourMs)
    const newer = await ask(grant, other)
    await world.own.noticeChanges()
    const before = world.server.requests.length
    const handed = await ask(grant)
    expect(handed).toMatchObject({ generation: 2, source: 'refreshed' })
    expect(handed.token.reveal()).toBe(newer.token.reveal())
    expect(world.server.requests).toHaveLength(before)
    expect(await outcomesOf(grant)).toEqual(['projected'])
  })

  test('F21 its fresh setback counts for those who meet it at the claim', async () => {
    const [slow, quick] = [world.replica(), world.replica()]
    const grant = await world.seedGrant()
    // The slow one has looked, and waits for the metadata; meanwhile the other is set back.
    const gate = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const discover = slow.servers.discover
    slow.servers.discover = async (...asked) => {
      const found = await discover(...asked)
      reached.resolve()
      await gate.promise
      return found
    }
    const late = failureOf(ask(grant, slow))
    await reached.promise
    world.server.next({ instead: refusals.throttled(120) })
    expect(await codeOf(ask(grant, quick))).toBe('upstream_unavailable')
    const before = world.server.requests.length
    gate.resolve()
    expect(await late).toMatchObject({ code: 'upstream_unavailable', retryAt: inMs(120_000) })
    expect(world.server.requests).toHaveLength(before)
    expect(await outcomesOf(grant)).toEqual(['refused'])
  })
})
