import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Behaviour, refusals, rewrites } from '../support/hostile-authorization-server.ts'
import { codeOf, createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { tracesIn } from './traces.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
  world.clock.freeze()
})
afterEach(() => world.close())

const hourMs = 3_600_000
const { ask, journalOf, outcomesOf, eventsOf, grantRowOf, tokenRowOf, inMs } = tracesIn(() => world)

describe('a refresh that is granted', () => {
  test('leaves the next generation, its record, and a closed entry without the answer', async () => {
    const grant = await world.seedGrant()
    await world.sql(`UPDATE grants SET failures = 3, cause = 'old' WHERE id = $1`, [grant.grantId])
    const before = await grantRowOf(grant)
    world.clock.advance(1_000)
    expect(await ask(grant)).toMatchObject({ source: 'refreshed', generation: 2 })
    const now = world.clock.now()
    expect(await grantRowOf(grant)).toMatchObject({
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
    const tokens = await tokenRowOf(grant)
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
    const tokens = await tokenRowOf(grant)
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
    expect(await grantRowOf({ grantId })).toMatchObject({
      state: 'active',
      since: world.clock.now()
    })
    expect(await world.refreshTokenOf(grantId)).toBeNull()
    expect(world.server.requests.at(-1)?.form.get('scope')).toBe('all-apis')
  })
})

describe('an answer that is of no use', () => {
  test('F9 a refresh token in it is kept all the same, at the next generation', async () => {
    const grant = await world.seedGrant()
    world.clock.advance(1_000)
    world.server.next({ rewrite: rewrites.without('access_token') })
    expect(await codeOf(ask(grant))).toBe('upstream_unavailable')
    const kept = String(await world.refreshTokenOf(grant.grantId))
    expect(world.server.books.isAlive(kept)).toBe(true)
    expect(await world.stateOf(grant.grantId)).toMatchObject({
      state: 'degraded',
      generation: 2,
      access_token_sealed: null,
      access_expires_at: null
    })
    const tokens = await tokenRowOf(grant)
    const now = world.clock.now()
    expect(tokens).toMatchObject({ access_issued_at: null, scope: null, refresh_issued_at: now })
    expect(await outcomesOf(grant)).toEqual(['projected'])
    expect(await grantRowOf(grant)).toMatchObject({ failures: 1, since: now })
    expect(await eventsOf(grant)).toMatchObject([{ details: { generation: 2 } }])
  })

  test.each([
    ['granted', {}],
    ['refused', { instead: refusals.invalidGrant() }]
  ] as [string, Behaviour][])(
    'F11 F27 of a generation that was overtaken, %s, is closed as superseded',
    async (_name, how) => {
      const grant = await world.seedGrant()
      const held = Promise.withResolvers<void>()
      world.server.next({ ...how, holdBefore: held.promise })
      const asked = codeOf(ask(grant))
      await world.server.arrived(1)
      await world.sql(
        `UPDATE grant_tokens SET generation = 7, claim_owner = NULL, claim_expires_at = NULL,
                access_expires_at = now() + interval '1 day' WHERE grant_id = $1`,
        [grant.grantId]
      )
      held.resolve()
      expect(await asked).toBe('no error')
      expect(await outcomesOf(grant)).toEqual(['superseded'])
      expect(await world.stateOf(grant.grantId)).toMatchObject({ state: 'active', generation: 7 })
      expect(await eventsOf(grant)).toEqual([])
    }
  )
})
