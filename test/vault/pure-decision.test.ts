import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { plusMs } from '../../src/base/clock.ts'
import {
  type Decision,
  decide,
  type GrantFacts,
  type TokenWish
} from '../../src/vault/token-state.ts'

const now = new Date('2026-11-21T12:00:00.000Z')
const hourMs = 3_600_000
const minuteMs = 60_000

const fresh: GrantFacts = {
  kind: 'user',
  state: 'active',
  cause: null,
  nextTryAt: null,
  generation: 7,
  hasRefreshToken: true,
  accessIssuedAt: now,
  accessExpiresAt: plusMs(now, hourMs),
  turn: 0
}
const wish: TokenWish = { minLifeMs: minuteMs, rejectedGeneration: null }

/** A grant whose access token has so much of its life left. */
function withLife(leftMs: number, lifeMs = hourMs, more: Partial<GrantFacts> = {}): GrantFacts {
  const accessExpiresAt = plusMs(now, leftMs)
  return { ...fresh, accessExpiresAt, accessIssuedAt: plusMs(accessExpiresAt, -lifeMs), ...more }
}

/** A decision with its error in words. */
function told(decision: Decision) {
  if (decision.kind !== 'refuse') return decision
  const { code, retryAt } = decision.error
  return { kind: 'refuse', code, retryAt }
}

const decided = (grant: GrantFacts, wanted: Partial<TokenWish> = {}) =>
  told(decide(grant, { ...wish, ...wanted }, now))

describe('a token that is held', () => {
  test('is used as long as it lives for as long as the caller wants, to the millisecond', () => {
    const minLifeMs = 25 * minuteMs
    expect(decided(withLife(minLifeMs, hourMs, { turn: 1 }), { minLifeMs })).toEqual({
      kind: 'use',
      isDueSoon: false
    })
    const short = decided(withLife(minLifeMs - 1), { minLifeMs })
    expect(short).toEqual({ kind: 'refresh', isForced: false })
  })

  test('F17 is never handed out with less than a minute to live, whatever the caller wants', () => {
    expect(decided(withLife(minuteMs), { minLifeMs: 0 })).toMatchObject({ kind: 'use' })
    const short = decided(withLife(minuteMs - 1), { minLifeMs: 0 })
    expect(short).toEqual({ kind: 'refresh', isForced: false })
  })

  test('F20 of a provider whose tokens live for less than is asked for, is used for half its life', () => {
    const lifeMs = 40_000
    expect(decided(withLife(20_000, lifeMs))).toEqual({ kind: 'use', isDueSoon: false })
    expect(decided(withLife(19_999, lifeMs))).toEqual({ kind: 'refresh', isForced: false })
    const asked = decided(withLife(hourMs / 2), { minLifeMs: 10 * hourMs })
    expect(asked).toEqual({ kind: 'use', isDueSoon: false })
  })

  test('that ends at the moment it was issued, or has ended, is not used', () => {
    expect(decided(withLife(0, 0))).toEqual({ kind: 'refresh', isForced: false })
    expect(decided(withLife(-1))).toEqual({ kind: 'refresh', isForced: false })
    expect(decided(withLife(-hourMs, 2 * hourMs))).toEqual({ kind: 'refresh', isForced: false })
  })

  test('that does not tell when it was issued is used until it ends', () => {
    const accessIssuedAt = null
    expect(decided(withLife(1, hourMs, { accessIssuedAt }))).toMatchObject({ kind: 'use' })
    expect(decided(withLife(0, hourMs, { accessIssuedAt }))).toMatchObject({ kind: 'refresh' })
  })

  test('is renewed ahead within its last thirty minutes, at its own turn until its last five', () => {
    const dueSoon = (leftMs: number, turn: number) =>
      expect(decided(withLife(leftMs, hourMs, { turn })))
    dueSoon(30 * minuteMs, 0).toEqual({ kind: 'use', isDueSoon: false })
    dueSoon(30 * minuteMs - 1, 0).toEqual({ kind: 'use', isDueSoon: true })
    dueSoon(17.5 * minuteMs, 0.5).toEqual({ kind: 'use', isDueSoon: false })
    dueSoon(17.5 * minuteMs - 1, 0.5).toEqual({ kind: 'use', isDueSoon: true })
    dueSoon(5 * minuteMs - 1, 1).toEqual({ kind: 'use', isDueSoon: true })
  })

  test('F20 that lives for less than an hour is renewed ahead at half its life', () => {
    const lifeMs = 10 * minuteMs
    expect(decided(withLife(lifeMs / 2, lifeMs))).toEqual({ kind: 'use', isDueSoon: false })
    expect(decided(withLife(lifeMs / 2 - 1, lifeMs))).toEqual({ kind: 'use', isDueSoon: true })
  })

  test('F22 serves on while the provider is away, and is not renewed ahead before the next try', () => {
    const due = { state: 'degraded', cause: 'upstream_unavailable' } as const
    const waiting = withLife(5 * minuteMs, hourMs, { ...due, nextTryAt: plusMs(now, 1) })
    expect(decided(waiting)).toEqual({ kind: 'use', isDueSoon: false })
    const ready = withLife(5 * minuteMs, hourMs, { ...due, nextTryAt: now })
    expect(decided(ready)).toEqual({ kind: 'use', isDueSoon: true })
  })

  test('serves on after the end of its sign-in, and is not renewed ahead', () => {
    const ended = withLife(5 * minuteMs, hourMs, { state: 'needs_sign_in' })
    expect(decided(ended)).toEqual({ kind: 'use', isDueSoon: false })
  })

  test.each(['revoked', 'paused'] as const)('of a %s grant is not handed out', (state) => {
    expect(decided({ ...fresh, state })).toMatchObject({ kind: 'refuse' })
  })

  test.each(['pending', 'active', 'degraded', 'misconfigured'] as const)(
    'of a grant that is %s is handed out',
    (state) => expect(decided({ ...fresh, state })).toEqual({ kind: 'use', isDueSoon: false })
  )
})

describe('no token that could be handed out', () => {
  const empty = { ...fresh, accessIssuedAt: null, accessExpiresAt: null }

  test('is asked for with the refresh token', () => {
    expect(decided(empty)).toEqual({ kind: 'refresh', isForced: false })
  })

  test('a person without a refresh token signs in; a service principal needs none', () => {
    const bare = { ...empty, hasRefreshToken: false }
    expect(decided(bare)).toEqual({ kind: 'refuse', code: 'sign_in_needed', retryAt: undefined })
    const principal = decided({ ...bare, kind: 'service_principal' })
    expect(principal).toEqual({ kind: 'refresh', isForced: false })
  })

  test('the provider is left alone until the next try, and the caller is told when that is', () => {
    const nextTryAt = plusMs(now, 1)
    const waiting = { ...empty, state: 'degraded', cause: 'dns_failed', nextTryAt } as const
    expect(decided(waiting)).toEqual({ kind: 'refuse', code: 'dns_failed', retryAt: nextTryAt })
    const over = { ...waiting, nextTryAt: now }
    expect(decided(over)).toEqual({ kind: 'refresh', isForced: false })
  })

  test.each([
    ['user', 'needs_sign_in', 'sign_in_needed'],
    ['user', 'revoked', 'sign_in_needed'],
    ['service_principal', 'needs_sign_in', 'service_principal_refused'],
    ['service_principal', 'revoked', 'service_principal_refused']
  ] as const)('%s, %s: %s, and no retry would help', (kind, state, code) => {
    const ended = { ...empty, kind, state, nextTryAt: plusMs(now, minuteMs) }
    expect(decided(ended)).toEqual({ kind: 'refuse', code, retryAt: undefined })
  })

  test.each([
    'app_connection_refused',
    'service_principal_refused',
    'scope_missing',
    'principal_not_in_workspace',
    'ip_not_allowed',
    'oauth_not_enabled',
    'workspace_unreachable',
    'dns_failed',
    'tls_failed',
    'upstream_timeout',
    'discovery_failed',
    'host_not_allowed',
    'app_connection_missing',
    'service_principal_missing'
  ] as const)('the cause %s is told as such', (cause) => {
    const paused = { ...empty, state: 'paused', cause } as const
    expect(decided(paused)).toEqual({ kind: 'refuse', code: cause, retryAt: undefined })
  })

  test.each([null, '', 'rotation_lost', 'internal', 'sign_in_needed'])(
    'the cause %o is told as an outage of the provider',
    (cause) => {
      const paused = { ...empty, state: 'paused', cause, nextTryAt: now } as const
      const outage = { kind: 'refuse', code: 'upstream_unavailable', retryAt: now }
      expect(decided(paused)).toEqual(outage)
    }
  )
})

describe('a token that the workspace refused', () => {
  test('is replaced by a newer one, which counts as forced while it had life enough', () => {
    const rejectedGeneration = 7
    expect(decided(fresh, { rejectedGeneration })).toEqual({ kind: 'refresh', isForced: true })
    const enough = decided(withLife(minuteMs), { rejectedGeneration })
    expect(enough).toEqual({ kind: 'refresh', isForced: true })
    const old = decided(withLife(minuteMs - 1), { rejectedGeneration })
    expect(old).toEqual({ kind: 'refresh', isForced: false })
  })

  test('is known by its generation: a newer one is used, an older one is not', () => {
    expect(decided(fresh, { rejectedGeneration: 6 })).toEqual({ kind: 'use', isDueSoon: false })
    const older = decided(fresh, { rejectedGeneration: 8 })
    expect(older).toEqual({ kind: 'refresh', isForced: true })
  })

  test('a caller who names none gets even the first generation', () => {
    const first = { ...fresh, generation: 0 }
    expect(decided(first)).toEqual({ kind: 'use', isDueSoon: false })
    expect(decided(first, { rejectedGeneration: 0 })).toMatchObject({ kind: 'refresh' })
  })
})

test('whatever a grant looks like, no token is used that is dead, refused or of an ended grant', () => {
  const date = fc.option(fc.integer({ min: -2 * hourMs, max: 2 * hourMs })).map((ms) => {
    return ms === null ? null : plusMs(now, ms)
  })
  const anyGrant: fc.Arbitrary<GrantFacts> = fc.record({
    kind: fc.constantFrom('user', 'service_principal'),
    state: fc.constantFrom(
      'pending',
      'active',
      'degraded',
      'needs_sign_in',
      'misconfigured',
      'paused',
      'revoked'
    ),
    cause: fc.option(fc.constantFrom('dns_failed', 'rotation_lost')),
    nextTryAt: date,
    generation: fc.nat(3),
    hasRefreshToken: fc.boolean(),
    accessExpiresAt: date,
    accessIssuedAt: date,
    turn: fc.double({ min: 0, max: 1, noNaN: true })
  })
  const anyWish: fc.Arbitrary<TokenWish> = fc.record({
    minLifeMs: fc.nat(2 * hourMs),
    rejectedGeneration: fc.option(fc.nat(3))
  })
  fc.assert(
    fc.property(anyGrant, anyWish, (grant, wanted) => {
      if (decide(grant, wanted, now).kind !== 'use') return
      expect(['paused', 'revoked']).not.toContain(grant.state)
      expect(grant.accessExpiresAt?.getTime()).toBeGreaterThan(now.getTime())
      expect(grant.generation).toBeGreaterThan(wanted.rejectedGeneration ?? -1)
    }),
    { numRuns: 1_000 }
  )
})
