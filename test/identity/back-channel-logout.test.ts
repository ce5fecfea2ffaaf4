import { createSecretKey, randomUUID } from 'node:crypto'
import { type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newSigningKey, type SigningKey } from '../support/hostile-oidc.ts'
import {
  auditOf,
  clientSecret,
  codeOf,
  createWorld,
  personNamed,
  type Replica,
  type World
} from './world.ts'

const event = 'http://schemas.openid.net/event/backchannel-logout'
let world: World
let elsewhere: Replica
beforeAll(async () => {
  world = await createWorld()
  elsewhere = world.replica()
})
afterAll(() => world?.close())
beforeEach(() => world.clock.advance(61_000))

function seen(sessionToken: string) {
  return codeOf(
    elsewhere.identity.authenticate({
      sessionToken,
      bearer: null,
      source: '192.0.2.9',
      requestId: 'request-1'
    })
  )
}

function claimsOf(claims: JWTPayload = {}): JWTPayload {
  const iat = Math.floor(world.clock.now().getTime() / 1000)
  const own = { iss: world.oidc.issuer, aud: 'client-of-acme', iat, exp: iat + 120 }
  return { ...own, jti: randomUUID(), sub: 'sub-ann', events: { [event]: {} }, ...claims }
}

function signed(claims: JWTPayload, key: SigningKey = world.oidc.key, typ = 'logout+jwt') {
  const header = { alg: 'ES256', kid: key.kid, typ }
  return new SignJWT(claims).setProtectedHeader(header).sign(key.privateKey)
}

function send(logoutToken: string, loginProviderId = world.acme.loginProviderId) {
  const input = { loginProviderId, logoutToken, requestId: 'request-1' }
  return codeOf(world.identity.backChannelLogout(input))
}

const login = async (sid: string, name = 'ann', tenantSlug = 'acme') =>
  (await world.login(personNamed(name, { sid }), { tenantSlug })).sessionToken

describe('A13 a logout at the identity provider', () => {
  test('A13 ends the session that it names, and no other of the same person', async () => {
    const [one, other] = [await login('sid-1'), await login('sid-2')]
    expect([await seen(one), await seen(other)]).toEqual(['no error', 'no error'])
    expect(await send(await signed(claimsOf({ sid: 'sid-1' })))).toBe('no error')
    await elsewhere.noticeChanges()
    expect([await seen(one), await seen(other)]).toEqual(['unauthenticated', 'no error'])
    expect((await auditOf(world, world.acme.tenantId, 'logout')).at(-1)).toMatchObject({
      details: { reason: 'back_channel' }
    })
  })

  test('A13 that names a person ends all of theirs, and nobody else’s', async () => {
    const [one, other, bob] = [await login('a'), await login('b'), await login('c', 'bob')]
    expect(await send(await signed(claimsOf()))).toBe('no error')
    await elsewhere.noticeChanges()
    expect(await Promise.all([one, other, bob].map(seen))).toEqual([
      'unauthenticated',
      'unauthenticated',
      'no error'
    ])
  })

  test('A13 finds a session that has moved to another tenant', async () => {
    const globex = await world.createTenant('globex')
    await login('x', 'ann', 'globex')
    const caller = await world.callerOf(await login('sid-moved'))
    const { session } = await world.identity.sessions.switchTenant(caller, globex.tenantId)
    const moved = session?.token ?? ''
    expect(await seen(moved)).toBe('no error')
    expect(await send(await signed(claimsOf({ sid: 'sid-moved' })))).toBe('no error')
    await elsewhere.noticeChanges()
    expect(await seen(moved)).toBe('unauthenticated')
  })

  test('of a session that is not here is fine, and a sid of somebody else ends nothing', async () => {
    const one = await login('sid-9')
    expect(await send(await signed(claimsOf({ sid: 'sid-none' })))).toBe('no error')
    expect(await send(await signed(claimsOf({ sid: 'sid-9', sub: 'sub-bob' })))).toBe('no error')
    await elsewhere.noticeChanges()
    expect(await seen(one)).toBe('no error')
  })

  test('A14 a token is obeyed once: a replay ends no newer session', async () => {
    const token = await signed(claimsOf({ sid: 'sid-again' }))
    await login('sid-again')
    expect(await send(token)).toBe('no error')
    const newer = await login('sid-again')
    expect(await send(token)).toBe('invalid_request')
    expect(await seen(newer)).toBe('no error')
  })

  test('A14 a key rotated meanwhile is fetched anew', async () => {
    world.oidc.key = await newSigningKey()
    expect(await send(await signed(claimsOf()))).toBe('no error')
  })
})

describe('who sends tokens that do not hold', () => {
  const from = (source: string) => async (logoutToken: string) => {
    const { loginProviderId } = world.acme
    const input = { loginProviderId, logoutToken, requestId: 'request-1', source }
    return await codeOf(world.identity.backChannelLogout(input))
  }
  const many = async (sender: (token: string) => Promise<string>) =>
    await Promise.all(Array.from({ length: 40 }, () => sender('a.b.c')))

  test('A14 is put off after thirty a minute, wherever in its network it sends from; nobody else is', async () => {
    const session = await login('sid-flood')
    const token = await signed(claimsOf({ sid: 'sid-flood' }))
    for (let sent = 0; sent < 30; sent += 1) {
      expect(await from(`2001:db8::${sent}`)('a.b.c')).toBe('invalid_request')
    }
    expect(await from('2001:db8::ffff')(token)).toBe('rate_limited')
    expect(await seen(session)).toBe('no error')
    expect(await from('198.51.100.7')(token)).toBe('no error')
    await elsewhere.noticeChanges()
    expect(await seen(session)).toBe('unauthenticated')
    world.clock.advance(61_000)
    expect(await from('2001:db8::ffff')('a.b.c')).toBe('invalid_request')
  })

  test('A14 does not hold up a provider that was right from the same address lately', async () => {
    const provider = from('203.0.113.9')
    expect(await provider(await signed(claimsOf()))).toBe('no error')
    expect(new Set(await many(provider))).toEqual(new Set(['invalid_request']))
    expect(await provider(await signed(claimsOf()))).toBe('no error')
  })
})

describe('A14 the negative matrix of logout tokens', () => {
  const now = () => Math.floor(world.clock.now().getTime() / 1000)
  const cases: [string, () => JWTPayload][] = [
    ['another issuer', () => ({ iss: 'https://evil.test' })],
    ['another audience', () => ({ aud: 'another' })],
    ['a second audience without azp', () => ({ aud: ['client-of-acme', 'other'] })],
    ['no events', () => ({ events: undefined })],
    ['another event', () => ({ events: { 'http://evil.test/event': {} } })],
    ['an event that is no object', () => ({ events: { [event]: true } })],
    ['events as a list', () => ({ events: [event] })],
    ['a nonce', () => ({ nonce: 'n' })],
    ['neither sid nor sub', () => ({ sub: undefined as never, sid: undefined })],
    ['a sid that is no text', () => ({ sid: 7 })],
    ['an empty sid', () => ({ sid: '' })],
    ['no jti', () => ({ jti: undefined as never })],
    ['no iat', () => ({ iat: undefined as never })],
    ['expired', () => ({ exp: now() - 120 })],
    ['issued an hour ago', () => ({ iat: now() - 3_600, exp: now() + 60 })],
    ['issued in an hour', () => ({ iat: now() + 3_600, exp: now() + 7_200 })],
    ['not before a time to come', () => ({ nbf: now() + 3_600 })]
  ]
  test.each(cases)('A14 refused: %s', async (_name, claims) => {
    const session = await login('sid-kept')
    const token = await signed(claimsOf({ sid: 'sid-kept', ...claims() }))
    expect(await send(token)).toBe('invalid_request')
    expect(await seen(session)).toBe('no error')
  })

  test('A14 refused: alg none, HS256 by the client secret, another key, another typ, no JWT', async () => {
    const session = await login('sid-kept')
    const claims = claimsOf({ sid: 'sid-kept' })
    const secret = createSecretKey(Buffer.from(clientSecret))
    const tokens = [
      new UnsecuredJWT(claims).encode(),
      await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(secret),
      await signed(claims, await newSigningKey(world.oidc.key.kid)),
      await signed(claims, await newSigningKey()),
      await signed(claims, world.oidc.key, 'at+jwt'),
      'a.b.c',
      'nonsense'
    ]
    for (const token of tokens) expect(await send(token)).toBe('invalid_request')
    expect(await seen(session)).toBe('no error')
  })

  test('A7 an ID token is no logout token', async () => {
    const session = await login('sid-kept')
    const { events: _, ...idToken } = claimsOf({ sid: 'sid-kept', nonce: 'n' })
    expect(await send(await signed(idToken, world.oidc.key, 'JWT'))).toBe('invalid_request')
    expect(await seen(session)).toBe('no error')
  })

  test('D1 a token for one tenant’s provider means nothing to another’s', async () => {
    const hooli = await world.createTenant('hooli')
    const token = await signed(claimsOf())
    expect(await send(token, hooli.loginProviderId)).toBe('invalid_request')
    const nowhere = `lgp_${'0'.repeat(26)}` as typeof hooli.loginProviderId
    expect(await send(token, nowhere)).toBe('not_found')
  })
})
