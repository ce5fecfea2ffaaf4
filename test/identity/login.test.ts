import { createSecretKey } from 'node:crypto'
import { inspect } from 'node:util'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import {
  auditOf,
  browser,
  callbackOf,
  clientSecret,
  codeOf,
  createWorld,
  errorOf,
  personNamed,
  type World
} from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())
beforeEach(() => {
  world.oidc.reset()
  world.clock.advance(61_000)
})

const ann = personNamed('ann')
const hour = 3600
const week = 7 * 24 * hour

async function sessionCount(): Promise<number> {
  const [row] = await world.sql<{ count: number }>('SELECT count(*)::int FROM sessions')
  return row?.count ?? 0
}

/** A login that must not succeed: no session, one refusal on record. */
async function expectRefused(): Promise<void> {
  const before = { sessions: await sessionCount(), events: (await logins()).length }
  expect(await codeOf(world.login(ann))).toBe('unauthenticated')
  expect(await sessionCount()).toBe(before.sessions)
  const events = await logins()
  expect(events).toHaveLength(before.events + 1)
  expect(events.at(-1)).toMatchObject({ outcome: 'refused', code: 'unauthenticated' })
}

const logins = () => auditOf(world, world.acme.tenantId, 'login')

describe('the login as it should be', () => {
  test('leads through the identity provider to a session, with PKCE S256, state and nonce', async () => {
    const redirectUrl = new URL(await world.start({ returnTo: '/console/fabrics?tab=1' }))
    const { searchParams } = redirectUrl
    expect(redirectUrl.origin + redirectUrl.pathname).toBe(`${world.oidc.issuer}/authorize`)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'client-of-acme',
      redirect_uri: world.acme.redirectUri,
      scope: 'openid email profile',
      code_challenge_method: 'S256'
    })
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(searchParams.get(name)).toMatch(/^[A-Za-z0-9_-]{43}$/)
    }
    const query = world.oidc.authorize(redirectUrl.href, ann)
    const done = await world.identity.login.finish(callbackOf(redirectUrl.href, query))
    expect(done.returnTo).toBe('/console/fabrics?tab=1')
    const caller = await world.callerOf(done.sessionToken)
    const me = await world.identity.sessions.me(caller)
    expect(me).toMatchObject({
      user: { email: 'ann@acme.test', name: 'ann' },
      tenant: { slug: 'acme' },
      role: 'member',
      teams: [
        { name: 'Everyone', role: 'member' },
        { name: 'ann@acme.test', role: 'admin' }
      ]
    })
    expect((await logins()).at(-1)).toMatchObject({ outcome: 'succeeded', actor_kind: 'user' })
  })

  test('keeps neither state, verifier, browser token nor session token in clear', async () => {
    const redirectUrl = await world.start()
    const query = world.oidc.authorize(redirectUrl, ann)
    const { sessionToken } = await world.identity.login.finish(callbackOf(redirectUrl, query))
    const verifier = world.oidc.tokenRequests.at(-1)?.get('code_verifier') ?? 'none'
    const state = new URLSearchParams(query).get('state') ?? 'none'
    const rows = JSON.stringify([
      await world.sql('SELECT * FROM login_attempts'),
      await world.sql('SELECT * FROM sessions'),
      await world.sql('SELECT * FROM login_providers'),
      await world.sql('SELECT * FROM audit_events')
    ])
    for (const secret of [verifier, state, browser, sessionToken, clientSecret]) {
      expect(rows).not.toContain(secret)
    }
  })

  test('404 for a tenant that is not there, in whatever spelling', async () => {
    for (const tenantSlug of ['nobody', '*', '', 'ACME', 'acme\u0000', '\u0000']) {
      expect(await codeOf(world.start({ tenantSlug }))).toBe('not_found')
    }
  })

  test('I4 no record, no session: where the audit cannot be written, nobody is logged in', async () => {
    const before = await sessionCount()
    const [{ role } = { role: '' }] = await world.sql<{ role: string }>(
      `SELECT current_database() || '_app' AS role`
    )
    await world.sql(`REVOKE INSERT ON audit_events FROM ${role}`)
    const refused = await errorOf(world.login(ann))
    await world.sql(`GRANT INSERT ON audit_events TO ${role}`)
    expect(refused).not.toBeNull()
    expect(await sessionCount()).toBe(before)
  })
})

describe('A1 an ID token with a bad signature logs nobody in', () => {
  test('A1 signed by another key under the same kid', async () => {
    const other = await newSigningKey(world.oidc.key.kid)
    world.oidc.script.sign = signWith(other)
    await expectRefused()
  })

  test('A1 a third segment of AAAA, claims untouched', async () => {
    world.oidc.script.sign = async (claims) =>
      `${(await signWith(world.oidc.key)(claims)).split('.').slice(0, 2).join('.')}.AAAA`
    await expectRefused()
  })

  test('A1 no signature at all', async () => {
    world.oidc.script.sign = async (claims) =>
      `${(await signWith(world.oidc.key)(claims)).split('.').slice(0, 2).join('.')}.`
    await expectRefused()
  })

  test('A1 one claim changed after signing', async () => {
    world.oidc.script.sign = async (claims) => {
      const [header, , signature] = (await signWith(world.oidc.key)(claims)).split('.')
      const forged = { ...claims, sub: 'somebody-else' }
      return [header, Buffer.from(JSON.stringify(forged)).toString('base64url'), signature].join(
        '.'
      )
    }
    await expectRefused()
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
    await expectRefused()
    world.oidc.reset()
    expect(await codeOf(world.login(ann))).toBe('no error')
  })

  test('A2 refused: alg none', async () => {
    world.oidc.script.sign = async (claims) => new UnsecuredJWT(claims).encode()
    await expectRefused()
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
    await expectRefused()
  })

  test('A2 refused: an algorithm that the provider does not announce', async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES384')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'es384', use: 'sig' }
    world.oidc.script.keys = () => [jwk]
    world.oidc.script.sign = (claims) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES384', kid: 'es384' }).sign(privateKey)
    await expectRefused()
  })

  test('A2 refused: no kid while there are two keys', async () => {
    const second = await newSigningKey()
    world.oidc.script.keys = () => [second.jwk, world.oidc.key.jwk]
    world.oidc.script.sign = signWith(world.oidc.key, {})
    world.clock.advance(11 * 60_000)
    await expectRefused()
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
    for (let n = 0; n < 8; n += 1) await expectRefused()
    expect(world.oidc.counts.keys - before).toBe(1)
    world.clock.advance(61_000)
    await expectRefused()
    expect(world.oidc.counts.keys - before).toBe(2)
  })
})

describe('A3 login CSRF', () => {
  async function attempt() {
    const redirectUrl = await world.start()
    return callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, personNamed('mallory')))
  }

  test("A3 the attacker's code and state do nothing in a browser without their cookie", async () => {
    const before = { sessions: await sessionCount(), tokens: world.oidc.counts.token }
    const callback = await attempt()
    const { finish } = world.identity.login
    expect(await codeOf(finish({ ...callback, browserToken: null }))).toBe('attempt_not_yours')
    expect(await codeOf(finish({ ...callback, browserToken: '' }))).toBe('attempt_not_yours')
    const other = 'o'.repeat(43)
    expect(await codeOf(finish({ ...callback, browserToken: other }))).toBe('attempt_not_yours')
    expect(await sessionCount()).toBe(before.sessions)
    expect(world.oidc.counts.token).toBe(before.tokens)
    expect((await logins()).at(-1)).toMatchObject({ outcome: 'refused', code: 'attempt_not_yours' })
    // And the attempt is still the one of the browser that began it.
    expect(await codeOf(finish(callback))).toBe('no error')
  })

  test('A3 no state, an empty state, two states: refused with the cookie and without', async () => {
    const callback = await attempt()
    const query = new URLSearchParams(callback.query)
    const state = query.get('state') ?? ''
    query.delete('state')
    const queries = [`${query}`, `${query}&state=`, `${query}&state=${state}&state=${state}`, '']
    for (const broken of queries) {
      for (const browserToken of [browser, null]) {
        const work = world.identity.login.finish({ ...callback, query: broken, browserToken })
        expect(await codeOf(work)).toBe('attempt_not_yours')
      }
    }
  })

  test('A3 a state that was never given out is an expired link', async () => {
    const callback = await attempt()
    const query = new URLSearchParams(callback.query)
    query.set('state', 's'.repeat(43))
    const work = world.identity.login.finish({ ...callback, query: query.toString() })
    expect(await codeOf(work)).toBe('attempt_expired')
  })
})

describe('A4 a login attempt is used once, by its own kind', () => {
  test('A4 twenty copies of one callback: one session, one token request', async () => {
    const redirectUrl = await world.start()
    const callback = callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, ann))
    const before = { sessions: await sessionCount(), tokens: world.oidc.counts.token }
    const replicas = [world.identity, world.replica().identity]
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        codeOf((replicas[at % 2] ?? world.identity).login.finish(callback))
      )
    )
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 'attempt_expired')).toHaveLength(19)
    expect(await sessionCount()).toBe(before.sessions + 1)
    expect(world.oidc.counts.token).toBe(before.tokens + 1)
  })

  test('A4 a finished callback cannot be replayed', async () => {
    const redirectUrl = await world.start()
    const callback = callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, ann))
    await world.identity.login.finish(callback)
    expect(await codeOf(world.identity.login.finish(callback))).toBe('attempt_expired')
  })

  test('A4 a refused attempt is spent too', async () => {
    const redirectUrl = await world.start()
    const { searchParams } = new URL(redirectUrl)
    const refusal = `error=access_denied&state=${searchParams.get('state')}&iss=${world.oidc.issuer}`
    const callback = callbackOf(redirectUrl, refusal)
    const err = await errorOf(world.identity.login.finish(callback))
    expect(err).toMatchObject({ code: 'unauthenticated' })
    expect(err?.detail).toContain('access_denied')
    const honest = { ...callback, query: world.oidc.authorize(redirectUrl, ann) }
    expect(await codeOf(world.identity.login.finish(honest))).toBe('attempt_expired')
  })

  test('A4 ten minutes, and not a second more', async () => {
    const redirectUrl = await world.start()
    const callback = callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, ann))
    world.clock.advance(10 * 60_000 + 1000)
    expect(await codeOf(world.identity.login.finish(callback))).toBe('attempt_expired')
  })

  test("A4 one login provider's state does not finish at another's callback", async () => {
    const globex = await world.createTenant('globex')
    const redirectUrl = await world.start()
    const callback = callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, ann))
    const { loginProviderId } = globex
    const work = world.identity.login.finish({ ...callback, loginProviderId })
    expect(await codeOf(work)).toBe('attempt_not_yours')
  })

  test('A5 three tabs finish 2-3-1, each on its own return path', async () => {
    const tabs = await Promise.all(
      ['/one', '/two', '/three'].map((returnTo) => world.start({ returnTo }))
    )
    const paths: string[] = []
    for (const at of [1, 2, 0]) {
      const redirectUrl = tabs[at] ?? ''
      const query = world.oidc.authorize(redirectUrl, ann)
      paths.push((await world.identity.login.finish(callbackOf(redirectUrl, query))).returnTo)
    }
    expect(paths).toEqual(['/two', '/three', '/one'])
  })

  test('A5 abandoned attempts are swept as new ones begin', async () => {
    for (let n = 0; n < 5; n += 1) await world.start()
    world.clock.advance(21 * 60_000)
    await world.start()
    const [row] = await world.sql<{ count: number }>(
      'SELECT count(*)::int FROM login_attempts WHERE tenant_id = $1',
      [world.acme.tenantId]
    )
    expect(row?.count).toBe(1)
  })
})

describe('A14 a broken identity provider logs nobody in and gives nothing away', () => {
  test('A14 discovery that fails is asked once in a while, not once a login', async () => {
    await world.createTenant('initech')
    world.oidc.script.discoveryStatus = 500
    const before = world.oidc.counts.discovery
    for (let n = 0; n < 5; n += 1) {
      expect(await codeOf(world.start({ tenantSlug: 'initech' }))).toBe('upstream_unavailable')
    }
    expect(world.oidc.counts.discovery).toBe(before + 1)
    world.oidc.reset()
    world.clock.advance(6_000)
    expect(await codeOf(world.start({ tenantSlug: 'initech' }))).toBe('no error')
  })

  const spoiled: [string, Record<string, unknown>][] = [
    ['another issuer', { issuer: 'https://evil.test' }],
    ['an issuer with a slash more', { issuer: 'SLASH' }],
    ['no keys', { jwks_uri: undefined }],
    ['no token endpoint', { token_endpoint: undefined }]
  ]
  test.each(spoiled)('A14 metadata with %s is not used', async (name, change) => {
    const slug = `broken-${name.replaceAll(/[^a-z]+/g, '-')}`
    await world.createTenant(slug)
    world.oidc.script.metadata = (metadata) => ({
      ...metadata,
      ...change,
      ...(change.issuer === 'SLASH' ? { issuer: `${metadata.issuer}/` } : {})
    })
    expect(await codeOf(world.start({ tenantSlug: slug }))).toBe('discovery_failed')
  })

  test('B2 metadata that points to a private address is not followed', async () => {
    await world.createTenant('umbrella')
    world.oidc.script.metadata = (metadata) => ({
      ...metadata,
      jwks_uri: 'http://169.254.169.254/latest/meta-data'
    })
    expect(await codeOf(world.start({ tenantSlug: 'umbrella' }))).toBe('host_not_allowed')
  })

  test('A14 a wrong client secret', async () => {
    world.oidc.script.tokenAnswer = { status: 401, body: { error: 'invalid_client' } }
    const err = await errorOf(world.login(ann))
    expect(err).toMatchObject({ code: 'unauthenticated' })
    expect(err?.detail).toContain('invalid_client')
  })

  test('A14 an outage at the token endpoint is an outage, on record as a failure', async () => {
    world.oidc.script.tokenAnswer = { status: 503, body: 'down' }
    expect(await codeOf(world.login(ann))).toBe('upstream_unavailable')
    expect((await logins()).at(-1)).toMatchObject({ outcome: 'failed' })
  })

  test('A14 an empty key set', async () => {
    world.oidc.script.keys = () => []
    world.oidc.script.sign = signWith(await newSigningKey())
    await expectRefused()
  })

  test('I1 nothing that the identity provider says travels in an error', async () => {
    const canary = 'canary-7d1f'
    const bodies = [
      { error: 'invalid_grant', error_description: canary },
      { error: canary, error_description: canary },
      { access_token: canary, token_type: canary, id_token: canary },
      { access_token: canary, token_type: 'Bearer', id_token: `${canary}.${canary}.${canary}` },
      canary
    ]
    for (const [at, body] of bodies.entries()) {
      world.oidc.script.tokenAnswer = { status: at < 2 ? 400 : 200, body }
      const err = await errorOf(world.login(ann))
      const shown = inspect(err, { depth: 20, showHidden: true })
      expect(shown).not.toContain(canary)
      expect(shown).not.toContain(clientSecret)
      expect(err).toMatchObject({ code: 'unauthenticated' })
      expect(err?.cause).toBeUndefined()
    }
  })
})
