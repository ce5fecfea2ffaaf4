import { createSecretKey } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import { ann, expectRefused } from './refusal.ts'
import { callbackOf, clientSecret, codeOf, createWorld, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())
beforeEach(() => {
  world.oidc.reset()
  world.clock.advance(61_000)
})

const hour = 3600
const week = 7 * 24 * hour

describe('A1 an ID token with a bad signature logs nobody in', () => {
  test('A1 signed by another key under the same kid', async () => {
    const other = await newSigningKey(world.oidc.key.kid)
    world.oidc.script.sign = signWith(other)
    await expectRefused(world)
  })

  test('A1 a third segment of AAAA, claims untouched', async () => {
    world.oidc.script.sign = async (claims) =>
      `${(await signWith(world.oidc.key)(claims)).split('.').slice(0, 2).join('.')}.AAAA`
    await expectRefused(world)
  })

  test('A1 no signature at all', async () => {
    world.oidc.script.sign = async (claims) =>
      `${(await signWith(world.oidc.key)(claims)).split('.').slice(0, 2).join('.')}.`
    await expectRefused(world)
  })

  test('A1 one claim changed after signing', async () => {
    world.oidc.script.sign = async (claims) => {
      const [header, , signature] = (await signWith(world.oidc.key)(claims)).split('.')
      const forged = { ...claims, sub: 'somebody-else' }
      return [header, Buffer.from(JSON.stringify(forged)).toString('base64url'), signature].join(
        '.'
      )
    }
    await expectRefused(world)
  })
})

describe('A2 the negative matrix of ID tokens', () => {
  const now = () => Math.floor(Date.now() / 1000)
  const without = (name: string) => (claims: JWTPayload) => {
    const { [name]: _gone, ...rest } = claims
    return rest
  }
  const cases: [string, (claims: JWTPayload) => JWTPayload][] = [
    ['another issuer', (claims) => ({ ...claims, iss: 'https://evil.test' })],
    ['the issuer with a slash more', (claims) => ({ ...claims, iss: `${claims.iss}/` })],
    ['another audience', (claims) => ({ ...claims, aud: 'another-client' })],
    [
      'a second audience without azp',
      (claims) => ({ ...claims, aud: ['client-of-acme', 'other'] })
    ],
    ['azp of another client', (claims) => ({ ...claims, aud: ['client-of-acme', 'b'], azp: 'b' })],
    ['expired', (claims) => ({ ...claims, exp: now() - 120 })],
    ['not before a time to come', (claims) => ({ ...claims, nbf: now() + 2 * hour })],
    ['issued a week ago', (claims) => ({ ...claims, iat: now() - week })],
    ['issued in an hour', (claims) => ({ ...claims, iat: now() + week, exp: now() + 2 * week })],
    ['no subject', without('sub')],
    ['an empty subject', (claims) => ({ ...claims, sub: '' })],
    ['a subject with a control character', (claims) => ({ ...claims, sub: 'a\u0000b' })],
    ['a subject of 300 characters', (claims) => ({ ...claims, sub: 'a'.repeat(300) })],
    ['no iat', without('iat')],
    ['no exp', without('exp')],
    ['no nonce', without('nonce')],
    ['another nonce', (claims) => ({ ...claims, nonce: 'n'.repeat(43) })]
  ]
  test.each(cases)('A2 refused: %s', async (_name, claims) => {
    world.oidc.script.claims = claims
    await expectRefused(world)
    world.oidc.reset()
    expect(await codeOf(world.login(ann))).toBe('no error')
  })

  test('A2 refused: alg none', async () => {
    world.oidc.script.sign = async (claims) => new UnsecuredJWT(claims).encode()
    await expectRefused(world)
  })

  test('A2 refused: HS256 keyed with the client secret, even where the metadata allows it', async () => {
    const key = createSecretKey(Buffer.from(clientSecret))
    world.oidc.script.metadata = (metadata) => ({
      ...metadata,
      id_token_signing_alg_values_supported: ['ES256', 'HS256']
    })
    world.clock.advance(11 * 60_000)
    world.oidc.script.sign = (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(key)
    await expectRefused(world)
  })

  test('A2 refused: an algorithm that the provider does not announce', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES384')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'es384', use: 'sig' }
    world.oidc.script.keys = () => [jwk]
    world.oidc.script.sign = (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES384', kid: 'es384' }).sign(privateKey)
    await expectRefused(world)
  })

  test('A2 refused: no kid while there are two keys', async () => {
    const second = await newSigningKey()
    world.oidc.script.keys = () => [second.jwk, world.oidc.key.jwk]
    world.oidc.script.sign = signWith(world.oidc.key, {})
    world.clock.advance(11 * 60_000)
    await expectRefused(world)
  })

  test('A2 accepted: no kid while there is one key', async () => {
    world.clock.advance(11 * 60_000)
    world.oidc.script.sign = signWith(world.oidc.key, {})
    expect(await codeOf(world.login(ann))).toBe('no error')
  })

  test('A2 accepted: a key rotated between start and finish, after one fetch and one token request', async () => {
    await world.login(ann)
    const redirectUrl = await world.start()
    world.oidc.key = await newSigningKey()
    const before = { ...world.oidc.counts }
    const query = world.oidc.authorize(redirectUrl, ann)
    expect(await codeOf(world.identity.login.finish(callbackOf(redirectUrl, query)))).toBe(
      'no error'
    )
    expect(world.oidc.counts.keys - before.keys).toBe(1)
    expect(world.oidc.counts.token - before.token).toBe(1)
  })

  test('A2 accepted: a key rotated under the same kid', async () => {
    await world.login(ann)
    world.oidc.key = await newSigningKey(world.oidc.key.kid)
    expect(await codeOf(world.login(ann))).toBe('no error')
  })

  test('A2 a flood of unknown kids fetches the keys once in a cool-down', async () => {
    await world.login(ann)
    const before = world.oidc.counts.keys
    world.oidc.script.sign = signWith(await newSigningKey())
    for (let n = 0; n < 8; n += 1) await expectRefused(world)
    expect(world.oidc.counts.keys - before).toBe(1)
    world.clock.advance(61_000)
    await expectRefused(world)
    expect(world.oidc.counts.keys - before).toBe(2)
  })
})
