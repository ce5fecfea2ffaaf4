import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Behaviour, refusals } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  tally,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const lifeMs = 60_000
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const never = new Promise<void>(() => undefined)
const ask = (grantId: Parameters<VaultWorld['stateOf']>[0], waitMs = 15_000) =>
  world.own.vault.accessToken(world.scope, grantId, lifeMs, { waitMs })

describe('a day without the provider', () => {
  const outages: Record<string, Behaviour> = {
    'answers 503': { instead: refusals.unavailable() },
    'answers 502 with a page': { instead: refusals.page(502) },
    'answers 408': { instead: refusals.unavailable(408) },
    throttles: { instead: refusals.throttled(30) },
    'cuts every connection': { instead: 'drop' }
  }
  test.each(Object.entries(outages))(
    'F22 G7 a provider that %s disconnects nobody, is asked with restraint, and all heals by itself',
    async (_name, behaviour) => {
      const { grantId, family } = await world.seedGrant()
      world.server.always(behaviour)
      for (let minute = 0; minute < 24 * 60; minute += 20) {
        const error = await failureOf(ask(grantId))
        expect(error?.owner).toMatch(/^(upstream|platform)$/)
        expect(error?.retryAt?.getTime()).toBeGreaterThan(world.clock.now().getTime())
        world.clock.advance(20 * minuteMs)
      }
      expect(await world.stateOf(grantId)).toMatchObject({ state: 'degraded' })
      expect(world.server.requests.length).toBeLessThan(200)
      expect(world.server.requests.length).toBeGreaterThan(24)
      world.server.reset()
      world.clock.advance(20 * minuteMs)
      expect(await codeOf(ask(grantId))).toBe('no error')
      expect(await world.stateOf(grantId)).toMatchObject({ state: 'active', failures: 0 })
      expect(family.isRevoked).toBe(false)
      expect(family.redemptions).toBe(1)
    },
    60_000
  )

  test('F22 a workspace that cannot even tell its metadata disconnects nobody', async () => {
    const { grantId } = await world.seedGrant()
    world.server.metadataStatus = 503
    for (let hour = 0; hour < 24; hour += 1) {
      expect((await failureOf(ask(grantId)))?.code).toBe('discovery_failed')
      world.clock.advance(hourMs)
    }
    expect(world.server.requests).toHaveLength(0)
    world.server.reset()
    expect(await codeOf(ask(grantId))).toBe('no error')
  })

  test('F22 Retry-After is obeyed however hard the grant is hammered', async () => {
    const { grantId } = await world.seedGrant()
    world.server.always({ instead: refusals.throttled(600) })
    for (let second = 0; second < 590; second += 10) {
      const error = await failureOf(ask(grantId))
      expect(error?.retryAt?.getTime()).toBeGreaterThan(world.clock.now().getTime())
      world.clock.advance(10_000)
    }
    expect(world.server.requests).toHaveLength(1)
  })

  test('F22 a token that still lives is handed out during the outage', async () => {
    const { grantId, accessToken } = await world.seedGrant({ lifeMs: 10 * minuteMs })
    world.server.always({ instead: refusals.unavailable() })
    for (let minute = 0; minute < 8; minute += 1) {
      expect((await ask(grantId)).token.reveal()).toBe(accessToken)
      world.clock.advance(minuteMs)
    }
    expect(await world.stateOf(grantId)).not.toMatchObject({ state: 'needs_sign_in' })
  })
})

describe('callers who do not give up', () => {
  test('F21 a dead grant costs the provider a handful of calls in an hour', async () => {
    const { grantId } = await world.seedGrant()
    world.server.always({ instead: refusals.deadRefreshToken(400) })
    for (let second = 0; second < 3_600; second += 6) {
      expect(await codeOf(ask(grantId))).toBe('sign_in_needed')
      world.clock.advance(6_000)
    }
    expect(world.server.requests.length).toBeLessThanOrEqual(5)
  })

  test('F21 a refused client costs a handful of calls in an hour, for all its users together', async () => {
    const grants = await Promise.all(Array.from({ length: 4 }, () => world.seedGrant()))
    world.server.clients.set(world.clientId, new Set())
    for (let minute = 0; minute < 60; minute += 2) {
      for (const { grantId } of grants) {
        expect(await codeOf(ask(grantId))).toBe('app_connection_refused')
      }
      world.clock.advance(2 * minuteMs)
    }
    expect(world.server.requests.length).toBeLessThanOrEqual(20)
    for (const { grantId } of grants) {
      expect(await world.stateOf(grantId)).not.toMatchObject({ state: 'needs_sign_in' })
    }
  })
})

test.each([
  { error: 'invalid_request', error_description: 'User is deactivated' },
  { error: 'access_denied', error_description: 'User is not a member of this workspace' }
])('G7 what the provider says of one person (%o) stops nobody else', async (body) => {
  const [odd, other] = [await world.seedGrant(), await world.seedGrant()]
  world.server.next({ instead: { status: 400, body } })
  expect(await codeOf(ask(odd.grantId))).not.toBe('no error')
  expect(await codeOf(ask(other.grantId))).toBe('no error')
})

describe('a provider that is slow', () => {
  test('F24 a call that hangs is bounded, and the next caller starts clean', async () => {
    const { grantId, family } = await world.seedGrant()
    world.server.next({ holdBefore: never })
    const hung = failureOf(ask(grantId))
    await world.server.arrived(1)
    world.clock.advance(10_500)
    expect(await hung).toMatchObject({ code: 'upstream_timeout' })
    expect(await world.stateOf(grantId)).toMatchObject({ state: 'degraded', claim_owner: null })
    world.clock.advance(minuteMs)
    expect(await codeOf(ask(grantId))).toBe('no error')
    expect(family.redemptions).toBe(1)
  })

  test('F5 waiters who give up are told when to come back, and spend nothing', async () => {
    const { grantId, family } = await world.seedGrant()
    const other = world.replica()
    const held = Promise.withResolvers<void>()
    world.server.always({ holdAfter: held.promise })
    const first = ask(grantId)
    await world.server.arrived(1)
    for (let round = 0; round < 5; round += 1) {
      for (const vault of [world.own.vault, other.vault]) {
        const late = vault.accessToken(world.scope, grantId, lifeMs, { waitMs: 30 })
        const error = await failureOf(late)
        expect(error).toMatchObject({ code: 'overloaded', status: 503 })
        expect(error?.retryAt?.getTime()).toBeGreaterThan(world.clock.now().getTime())
      }
    }
    held.resolve()
    expect(await tally([first])).toEqual({ token: 1 })
    expect(family.redemptions).toBe(1)
  })

  test('F3 G3 one slower than its deadline: one redemption while anybody waits', async () => {
    world.server.rules.rotate = false
    const { grantId, refreshToken } = await world.seedGrant()
    const replicas = [world.own, world.replica(), world.replica()]
    const held = Promise.withResolvers<void>()
    world.server.next({ holdAfter: held.promise })
    const waitMs = 60_000
    world.clock.freeze()
    const calls = replicas.flatMap(({ vault }) =>
      Array.from({ length: 30 }, () => vault.accessToken(world.scope, grantId, lifeMs, { waitMs }))
    )
    const outcome = tally(calls)
    await world.server.arrived(1)
    world.clock.advance(10_500)
    const counts = await outcome
    expect(Object.keys(counts)).not.toContain('sign_in_needed')
    expect(world.server.books.presented(refreshToken)).toBe(1)
    held.resolve()
    world.clock.advance(minuteMs)
    expect(await codeOf(ask(grantId))).toBe('no error')
    expect(await world.stateOf(grantId)).toMatchObject({ state: 'active' })
  })
})
