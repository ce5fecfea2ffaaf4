import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { packRawAnswer } from '../../src/oauth/raw-answer.ts'
import { answerPlace } from '../../src/vault/refresh-claim.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  type SeededGrant,
  type VaultWorld
} from '../support/vault-world.ts'
import { tracesIn } from './traces.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
  world.clock.freeze()
})
afterEach(() => world.close())

const hourMs = 3_600_000
const minuteMs = 60_000
const { ask, journalOf, outcomesOf, grantRowOf, inMs } = tracesIn(() => world)

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
    expect(await grantRowOf(grant)).toMatchObject({
      state: 'needs_sign_in',
      cause: 'rotation_lost'
    })
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
    expect(await grantRowOf(refused)).toMatchObject({ cause: 'rotation_lost' })
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

/** Every refresh that begins asks for the provider's metadata first. */
function countDiscoveries({ servers }: VaultWorld['own']) {
  const counter = { count: 0 }
  const { discover } = servers
  servers.discover = (...asked) => {
    counter.count += 1
    return discover(...asked)
  }
  return counter
}

describe('another replica was first', () => {
  test('F23 who comes upon its claim waits for the end of it, and begins nothing meanwhile', async () => {
    const [holder, waiter] = [world.replica(), world.replica()]
    const grant = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const first = ask(grant, holder)
    await world.server.arrived(1)
    const begun = countDiscoveries(waiter)
    const second = ask(grant, waiter)
    await expect.poll(() => waiter.transactions, { timeout: 15_000 }).toBeGreaterThan(12)
    expect(begun.count).toBe(1)
    held.resolve()
    expect((await second).token.reveal()).toBe((await first).token.reveal())
    expect(world.server.requests).toHaveLength(1)
  })

  test('F8 a kept answer whose owner still holds the claim is left to it', async () => {
    const grant = await world.seedGrant()
    await leaveBehind(grant, { answer: '{}' })
    await world.sql(
      `UPDATE grant_tokens SET claim_owner = 'another',
              claim_expires_at = now() + interval '1 hour' WHERE grant_id = $1`,
      [grant.grantId]
    )
    const asked = world.own.vault.accessToken(world.scope, grant.grantId, 60_000, { waitMs: 300 })
    expect(await codeOf(asked)).toBe('overloaded')
    expect(await outcomesOf(grant)).toEqual([null])
    await world.own.vault.close()
  })

  test('F11 the generation has moved on before the refresh begins: its token is handed out', async () => {
    const grant = await world.seedGrant({ lifeMs: 30 * minuteMs })
    const other = world.replica()
    // This one remembers generation 1, which the other one spends.
    expect(await ask(grant)).toMatchObject({ generation: 1, source: 'cached' })
    world.clock.advance(hourMs)
    const newer = await ask(grant, other)
    await world.own.noticeChanges()
    const before = world.server.requests.length
    const asked = countDiscoveries(world.own)
    const handed = await ask(grant)
    expect(asked.count).toBe(0)
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
