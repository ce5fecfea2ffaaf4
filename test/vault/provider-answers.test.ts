import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { refusals, rewrites } from '../support/hostile-authorization-server.ts'
import { codeOf, createVaultWorld, failureOf, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const lifeMs = 60_000
const hourMs = 3_600_000

async function refreshed(grantId: Parameters<VaultWorld['stateOf']>[0]) {
  const token = await world.own.vault.accessToken(world.scope, grantId, lifeMs)
  return { token, row: await world.stateOf(grantId) }
}

describe('answers that came after the token was spent', () => {
  const spoiled = {
    'a bad id_token': rewrites.withBadIdToken(),
    'no token_type': rewrites.without('token_type'),
    'an odd token_type': rewrites.withMembers({ token_type: 'N_A' }),
    'a DPoP token_type': rewrites.withMembers({ token_type: 'DPoP' }),
    'no access_token': rewrites.without('access_token'),
    'an access_token with a line break': rewrites.withMembers({ access_token: 'a\r\nx: y' }),
    'an access_token of 1 MB': rewrites.withMembers({ access_token: 'a'.repeat(100_000) }),
    'a bad expires_in': rewrites.withMembers({ expires_in: 'soon' }),
    'an infinite expires_in': rewrites.withMembers({ expires_in: 1e300 }),
    'HTTP 201': rewrites.withStatus(201),
    'an error beside the tokens': rewrites.withMembers({ error: 'server_error' })
  }
  test.each(Object.entries(spoiled))(
    'F9 B10 with %s, the rotated refresh token is kept and the grant heals by itself',
    async (_name, rewrite) => {
      const { grantId, family, refreshToken } = await world.seedGrant()
      world.server.next({ rewrite })
      await failureOf(world.own.vault.accessToken(world.scope, grantId, lifeMs))
      const kept = String(await world.refreshTokenOf(grantId))
      expect(kept).not.toBe(refreshToken)
      expect(world.server.books.isAlive(kept)).toBe(true)
      world.clock.advance(25 * hourMs)
      const { row } = await refreshed(grantId)
      expect(row).toMatchObject({ state: 'active', cause: null })
      expect(world.server.books.presented(refreshToken)).toBe(1)
      expect(family.isRevoked).toBe(false)
    }
  )

  const variants = {
    'is missing': rewrites.without('refresh_token'),
    'is empty': rewrites.withMembers({ refresh_token: '' }),
    'is null': rewrites.withMembers({ refresh_token: null })
  }
  test.each(Object.entries(variants))(
    'F13 G6 a refresh_token that %s leaves the one that was spent',
    async (_name, rewrite) => {
      world.server.rules.rotate = false
      const { grantId, refreshToken } = await world.seedGrant()
      world.server.next({ rewrite })
      const { row } = await refreshed(grantId)
      expect(row).toMatchObject({ state: 'active', generation: 2 })
      expect(await world.refreshTokenOf(grantId)).toBe(refreshToken)
      world.clock.advance(2 * hourMs)
      expect((await refreshed(grantId)).row).toMatchObject({ generation: 3 })
    }
  )

  test('G6 a narrower scope is what the grant has from then on', async () => {
    const { grantId } = await world.seedGrant()
    world.server.next({ rewrite: rewrites.withMembers({ scope: 'sql offline_access' }) })
    expect((await refreshed(grantId)).token.scope).toBe('sql offline_access')
  })
})

describe('how long a token lives', () => {
  const day = 24 * 3_600
  const jwt = (exp: unknown, iat?: number) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    return `${part({ alg: 'none' })}.${part({ exp, iat })}.c2ln`
  }
  const inSeconds = (seconds: number) => Math.floor(world.clock.now().getTime() / 1_000) + seconds
  const cases: [string, () => Record<string, unknown>, [least: number, most: number]][] = [
    ['a number', () => ({ expires_in: 1_800 }), [1_790, 1_800]],
    ['digits in a string', () => ({ expires_in: '1800' }), [1_790, 1_800]],
    ['more than a day', () => ({ expires_in: 1e12 }), [day - 10, day]],
    ['zero', () => ({ expires_in: 0 }), [61, 3_600]],
    ['negative', () => ({ expires_in: -5 }), [61, 3_600]],
    ['no number', () => ({ expires_in: 'soon' }), [61, 3_600]],
    ['null', () => ({ expires_in: null }), [61, 3_600]],
    ['an array', () => ({ expires_in: [3_600] }), [61, 3_600]],
    [
      'missing, the token a JWT',
      () => ({ expires_in: undefined, access_token: jwt(inSeconds(1_200)) }),
      [1_190, 1_200]
    ],
    [
      'missing, the token a JWT that ended long ago',
      () => ({ expires_in: undefined, access_token: jwt(5) }),
      [61, 3_600]
    ],
    [
      'missing, the token a JWT with a nonsense exp',
      () => ({ expires_in: undefined, access_token: jwt('later') }),
      [61, 3_600]
    ]
  ]
  test.each(cases)('F14 expires_in is %s', async (_name, members, [least, most]) => {
    const { grantId } = await world.seedGrant()
    world.server.next({ rewrite: rewrites.withMembers(members()) })
    const { token } = await refreshed(grantId)
    const seconds = (token.expiresAt.getTime() - world.clock.now().getTime()) / 1_000
    expect(seconds).toBeGreaterThan(least)
    expect(seconds).toBeLessThanOrEqual(most)
    // A safe default also means: no new token for every call.
    await refreshed(grantId)
    expect(world.server.requests).toHaveLength(1)
  })

  test('F17 a token with less than 60 s left is never handed out, whatever is asked for', async () => {
    const { grantId, accessToken } = await world.seedGrant({ lifeMs: 59_000 })
    const { token } = await world.own.vault
      .accessToken(world.scope, grantId, 0)
      .then((handed) => ({ token: handed.token.reveal() }))
    expect(token).not.toBe(accessToken)
    expect(world.server.books.holderOf(token)).not.toBeNull()
  })

  test('F17 a token with enough life is handed out without a call of the provider', async () => {
    const { grantId, accessToken } = await world.seedGrant({ lifeMs: 50 * 60_000 })
    const handed = await world.own.vault.accessToken(world.scope, grantId, lifeMs)
    expect(handed.token.reveal()).toBe(accessToken)
    expect(handed.source).toBe('cached')
    expect(world.server.requests).toHaveLength(0)
  })

  test.each([-600, -90, 90, 600])(
    'F46 a provider whose clock is off by %i s: no token is sent after its end by that clock',
    async (skewSeconds) => {
      const { grantId } = await world.seedGrant()
      const exp = inSeconds(skewSeconds + 1_200)
      const token = jwt(exp, exp - 1_200)
      const members = { expires_in: undefined, access_token: token }
      world.server.next({ rewrite: rewrites.withMembers(members) })
      await refreshed(grantId)
      world.clock.advance(1_200_000 - 30_000)
      const handed = await world.own.vault.accessToken(world.scope, grantId, 0)
      expect(handed.token.reveal()).not.toBe(token)
    }
  )

  test('F20 a token that lives shorter than the margin is used all the same', async () => {
    world.server.rules.accessTtlSeconds = 90
    const { grantId } = await world.seedGrant()
    for (let call = 0; call < 20; call += 1) {
      expect(await codeOf(world.own.vault.accessToken(world.scope, grantId, 0))).toBe('no error')
    }
    expect(world.server.requests.length).toBeLessThanOrEqual(3)
  })
})

describe('refusals', () => {
  const dead = {
    'invalid_request with 400': refusals.deadRefreshToken(400),
    'invalid_request with 401': refusals.deadRefreshToken(401),
    invalid_grant: refusals.invalidGrant()
  }
  test.each(Object.entries(dead))(
    'F18 %s ends the sign-in, and nobody asks the provider again',
    async (_name, instead) => {
      const { grantId } = await world.seedGrant()
      world.server.always({ instead })
      for (let hour = 0; hour < 48; hour += 1) {
        const error = await failureOf(world.own.vault.accessToken(world.scope, grantId, lifeMs))
        expect(error?.code).toBe('sign_in_needed')
        world.clock.advance(hourMs)
      }
      expect(await world.stateOf(grantId)).toMatchObject({ state: 'needs_sign_in' })
      expect(world.server.requests.length).toBeLessThanOrEqual(1)
    }
  )

  test('G7 a refused client is the app connection at fault: the sign-in survives and heals', async () => {
    const { grantId, family, refreshToken } = await world.seedGrant()
    world.server.clients.set(world.clientId, new Set())
    const error = await failureOf(world.own.vault.accessToken(world.scope, grantId, lifeMs))
    expect(error).toMatchObject({ code: 'app_connection_refused', owner: 'tenant_admin' })
    expect(await world.refreshTokenOf(grantId)).toBe(refreshToken)
    expect(await world.stateOf(grantId)).toMatchObject({ state: 'misconfigured' })
    world.server.clients.set(world.clientId, new Set([world.clientSecret]))
    world.clock.advance(hourMs)
    expect((await refreshed(grantId)).row).toMatchObject({ state: 'active', cause: null })
    expect(family.redemptions).toBe(1)
  })

  test('G7 scopes that are not assigned are told as such, and cost nobody the sign-in', async () => {
    const { grantId } = await world.seedGrant()
    world.server.next({ instead: refusals.scopesNotAssigned() })
    const error = await failureOf(world.own.vault.accessToken(world.scope, grantId, lifeMs))
    expect(error?.code).toBe('scope_missing')
    world.clock.advance(hourMs)
    expect((await refreshed(grantId)).row).toMatchObject({ state: 'active' })
  })

  test('G7 a web page in place of an answer costs nobody the sign-in', async () => {
    const { grantId } = await world.seedGrant()
    for (const status of [200, 403, 404, 502]) {
      world.server.next({ instead: refusals.page(status) })
      const error = await failureOf(world.own.vault.accessToken(world.scope, grantId, lifeMs))
      expect(error?.code).not.toBe('sign_in_needed')
      world.clock.advance(hourMs)
    }
    expect((await refreshed(grantId)).row).toMatchObject({ state: 'active' })
  })
})
