import { expect, test } from 'vitest'
import { predictSignIn, type SignInLife } from '../../src/vault/token-state.ts'

const dayMinutes = 24 * 60
const life: SignInLife = {
  signedInAt: new Date('2026-11-01T00:00:00.000Z'),
  refreshIssuedAt: new Date('2026-11-20T00:00:00.000Z'),
  refreshTokenTtlMinutes: 7 * dayMinutes,
  absoluteSessionMinutes: 30 * dayMinutes
}
const predicted = (more: Partial<SignInLife>) => predictSignIn({ ...life, ...more })?.toISOString()

test('a person signs in again when the refresh token ends or the session does, whichever is first', () => {
  expect(predicted({})).toBe('2026-11-27T00:00:00.000Z')
  expect(predicted({ absoluteSessionMinutes: 20 * dayMinutes })).toBe('2026-11-21T00:00:00.000Z')
  expect(predicted({ refreshTokenTtlMinutes: 1 })).toBe('2026-11-20T00:01:00.000Z')
})

test('a session without an end lasts as long as its refresh token', () => {
  expect(predicted({ absoluteSessionMinutes: null })).toBe('2026-11-27T00:00:00.000Z')
  expect(predicted({ signedInAt: null })).toBe('2026-11-27T00:00:00.000Z')
})

test('a session without a known refresh token lasts until its own end', () => {
  expect(predicted({ refreshIssuedAt: null })).toBe('2026-12-01T00:00:00.000Z')
})

test('where neither end is known, nothing is predicted', () => {
  expect(predictSignIn({ ...life, refreshIssuedAt: null, signedInAt: null })).toBeNull()
  expect(predictSignIn({ ...life, refreshIssuedAt: null, absoluteSessionMinutes: null })).toBeNull()
})
