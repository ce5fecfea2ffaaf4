import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, type Behaviour, refusals } from '../support/hostile-authorization-server.ts'
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
})
afterEach(() => world.close())

const lifeMs = 60_000
const event = { action: 'connection.delete' } as const
const ask = ({ grantId }: SeededGrant, replica = world.own) =>
  replica.vault.accessToken(world.scope, grantId, lifeMs)

describe('a grant that is forgotten', () => {
  test('F27 G8 during a refresh: it stays forgotten, and its tokens are revoked at the provider', async () => {
    const grant = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    let rotated = 'none yet'
    const rewrite = (honest: Answer) => {
      if (typeof honest.body === 'object') rotated = String(honest.body.refresh_token)
      return honest
    }
    world.server.next({ holdAfter: held.promise, rewrite })
    const call = failureOf(ask(grant))
    await world.server.arrived(1)
    expect(await world.own.vault.forget(world.scope, grant.grantId, event)).toBe(true)
    held.resolve()
    expect(await call).toMatchObject({ code: 'sign_in_needed' })
    await world.own.vault.settle()
    expect(await world.stateOf(grant.grantId)).toBeNull()
    expect(await world.sql('SELECT 1 FROM refresh_journal')).toHaveLength(0)
    expect(grant.family.isRevoked).toBe(true)
    // The one that was held, and the one that came for a grant that was gone.
    const revoked = world.server.revocations.map((form) => form.get('token'))
    expect(revoked.sort()).toEqual([grant.refreshToken, rotated].sort())
    const records = `SELECT outcome FROM audit_events WHERE action = 'grant.revoke'`
    expect(await world.sql(records)).toEqual([{ outcome: 'succeeded' }, { outcome: 'succeeded' }])
  })

  test('G8 a provider that cannot revoke is on record, and the grant is gone all the same', async () => {
    const grant = await world.seedGrant()
    world.server.revocationStatus = 503
    expect(await world.own.vault.forget(world.scope, grant.grantId, event)).toBe(true)
    await world.own.vault.settle()
    expect(world.server.revocations).toHaveLength(1)
    expect(world.server.revocations[0]?.get('token')).toBe(grant.refreshToken)
    expect(await world.stateOf(grant.grantId)).toBeNull()
    const records = await world.sql(
      `SELECT outcome FROM audit_events WHERE action = 'grant.revoke'`
    )
    expect(records).toEqual([{ outcome: 'failed' }])
    expect(await codeOf(ask(grant))).toBe('sign_in_needed')
  })

  test('G8 a database that is away is an error and never a success', async () => {
    const grant = await world.seedGrant()
    const broken = world.replica({ via: () => 'postgresql://nobody:x@127.0.0.1:1/none' })
    const forgetting = broken.vault.forget(world.scope, grant.grantId, event)
    expect(await failureOf(forgetting)).toMatchObject({ code: 'overloaded', status: 503 })
    expect(await world.stateOf(grant.grantId)).not.toBeNull()
  })

  const runs = Number(process.env.WEFT_TEST_INTERLEAVINGS ?? 1_000)

  test(`G8 ${runs} random interleavings with a refresh: never does a row come back`, async () => {
    const seed = Number(process.env.WEFT_TEST_SEED ?? Date.now() % 1_000_000)
    const random = randomFrom(seed)
    const [one, other] = [world.own, world.replica()]
    const behaviours: Behaviour[] = [
      {},
      {},
      { instead: refusals.unavailable() },
      { instead: refusals.deadRefreshToken(400) },
      { cut: 'before_answer' }
    ]
    const lanes = await Promise.all(Array.from({ length: 10 }, () => world.seedGrant()))
    const endings: Record<string, number> = {}
    let resurrected = 0
    const lane = async (first: SeededGrant) => {
      let grant = first
      for (let run = 0; run < runs / lanes.length; run += 1) {
        world.server.next(behaviours[Math.floor(random() * behaviours.length)] ?? {})
        const [a, b] = random() < 0.5 ? [one, other] : [other, one]
        // Mostly while the refresh runs; at times after it, however slow the machine is.
        const forgetAfterMs = random() ** 3 * 400
        const isAfter = random() < 0.1
        const asking = codeOf(ask(grant, a))
        await (isAfter ? asking : delay(forgetAfterMs))
        const forgetting = b.vault.forget(world.scope, grant.grantId, event)
        const [ending] = await Promise.all([asking, forgetting])
        await Promise.all([a.vault.settle(), b.vault.settle()])
        endings[ending] = (endings[ending] ?? 0) + 1
        if ((await world.stateOf(grant.grantId)) !== null) resurrected += 1
        grant = await world.seedGrant({ userId: grant.userId })
      }
    }
    await Promise.all(lanes.map(lane))
    expect({ seed, resurrected }).toEqual({ seed, resurrected: 0 })
    // Both orders did happen, or the test proves nothing.
    expect(endings['no error'] ?? 0).toBeGreaterThan(0)
    expect(endings.sign_in_needed ?? 0).toBeGreaterThan(0)
    const [orphans] = await world.sql<{ count: number }>(
      'SELECT count(*)::int FROM grant_tokens WHERE grant_id NOT IN (SELECT id FROM grants)'
    )
    expect(orphans?.count).toBe(0)
  }, 300_000)
})

/** Mulberry32: the same numbers for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
