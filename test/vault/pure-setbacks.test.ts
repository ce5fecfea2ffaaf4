import { describe, expect, test } from 'vitest'
import { plusMs } from '../../src/base/clock.ts'
import { AppError, type ProblemCode } from '../../src/base/errors.ts'
import type { OAuthFailure, OAuthFailureKind } from '../../src/providers/provider.ts'
import { codeOfCause, type GrantKind, setbackOf } from '../../src/vault/token-state.ts'

const now = new Date('2026-11-21T12:00:00.000Z')
const at = { now, failures: 0, jitter: 0 }
const firstTryMs = 1_000
const askAgainMs = 60_000

/** A setback in words; an error says the same as the grant. */
function told(kind: GrantKind, failure: OAuthFailure | AppError, more: Partial<typeof at> = {}) {
  const { state, cause, nextTryAt, error } = setbackOf(kind, failure, { ...at, ...more })
  expect(error.retryAt).toEqual(nextTryAt ?? undefined)
  const waitMs = nextTryAt === null ? null : nextTryAt.getTime() - now.getTime()
  return { state, cause, code: error.code, waitMs }
}

describe("the provider's answer", () => {
  test('a dead refresh token ends a sign-in at once', () => {
    const ended = { state: 'needs_sign_in', cause: 'refresh_token_refused', code: 'sign_in_needed' }
    expect(told('user', { kind: 'dead_grant' })).toEqual({ ...ended, waitMs: null })
  })

  test.each<[GrantKind, OAuthFailureKind, ProblemCode]>([
    ['service_principal', 'dead_grant', 'service_principal_refused'],
    ['user', 'client_refused', 'app_connection_refused'],
    ['user', 'refused', 'principal_not_in_workspace'],
    ['service_principal', 'client_refused', 'service_principal_refused'],
    ['service_principal', 'refused', 'service_principal_refused'],
    ['user', 'scope_missing', 'scope_missing'],
    ['service_principal', 'scope_missing', 'scope_missing'],
    ['user', 'ip_not_allowed', 'ip_not_allowed'],
    ['service_principal', 'oauth_not_enabled', 'oauth_not_enabled'],
    ['user', 'redirect_uri_mismatch', 'app_connection_refused']
  ])('%s, %s: misconfigured by %s, asked again in a minute', (kind, failure, code) => {
    const expected = { state: 'misconfigured', cause: code, code, waitMs: askAgainMs }
    expect(told(kind, { kind: failure })).toEqual(expected)
  })

  test.each<[GrantKind, OAuthFailureKind]>([
    ['user', 'throttled'],
    ['user', 'transient'],
    ['user', 'malformed'],
    ['service_principal', 'throttled'],
    ['service_principal', 'transient'],
    ['service_principal', 'malformed']
  ])('F22 %s, %s: never ends a grant, tried again soon', (kind, failure) => {
    const code = 'upstream_unavailable'
    const expected = { state: 'degraded', cause: code, code, waitMs: firstTryMs }
    expect(told(kind, { kind: failure })).toEqual(expected)
  })
})

describe('no answer', () => {
  test('a sign-in that holds no refresh token has ended', () => {
    const code = 'sign_in_needed'
    const expected = { state: 'needs_sign_in', cause: code, code, waitMs: null }
    expect(told('user', new AppError(code))).toEqual(expected)
  })

  test.each<ProblemCode>([
    'app_connection_missing',
    'host_not_allowed',
    'service_principal_missing',
    'oauth_not_enabled'
  ])('%s is for an admin, and asked again in a minute', (code) => {
    const expected = { state: 'misconfigured', cause: code, code, waitMs: askAgainMs }
    expect(told('user', new AppError(code))).toEqual(expected)
  })

  test.each<ProblemCode>([
    'workspace_unreachable',
    'dns_failed',
    'tls_failed',
    'upstream_timeout',
    'discovery_failed',
    'overloaded',
    'key_unavailable'
  ])('F22 %s is an outage that ends nothing', (code) => {
    const expected = { state: 'degraded', cause: code, code, waitMs: firstTryMs }
    expect(told('user', new AppError(code))).toEqual(expected)
  })
})

describe('the time to the next try', () => {
  const waitMs = (failures: number, jitter: number, retryAfterSeconds?: number) => {
    const asked = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
    return told('user', { kind: 'throttled', ...asked }, { failures, jitter }).waitMs
  }

  test('F21 doubles with each failure in a row, from two seconds up to a quarter of an hour', () => {
    const waits = [0, 1, 2, 3, 8, 9, 20, 50, 5_000].map((failures) => waitMs(failures, 0))
    const quarterHourMs = 900_000
    const doubled = [2_000, 4_000, 8_000, 16_000, 512_000]
    const capped = [quarterHourMs, quarterHourMs, quarterHourMs, quarterHourMs]
    expect(waits).toEqual([...doubled, ...capped].map((ms) => ms / 2))
  })

  test('is spread over the upper half of that, so that nobody tries in step', () => {
    expect(waitMs(0, 0.5)).toBe(1_500)
    expect(waitMs(3, 0.25)).toBe(10_000)
    expect(waitMs(50, 0.999)).toBe(899_550)
  })

  test('F22 is never before the moment that the provider asked for', () => {
    expect(waitMs(0, 0, 30)).toBe(30_000)
    expect(waitMs(0, 0, 1)).toBe(1_000)
    expect(waitMs(5, 0, 3)).toBe(32_000)
  })

  test('counts from now', () => {
    const later = plusMs(now, 5_000)
    const { nextTryAt } = setbackOf('user', { kind: 'transient' }, { ...at, now: later })
    expect(nextTryAt).toEqual(plusMs(later, firstTryMs))
  })
})

test('a cause is told by its own code only where the caller may know it', () => {
  expect(codeOfCause('ip_not_allowed')).toBe('ip_not_allowed')
  for (const cause of [null, '', 'rotation_lost', 'key_unavailable', 'refresh_token_refused']) {
    expect(codeOfCause(cause)).toBe('upstream_unavailable')
  }
})
