import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import { createWorkloads, idTokenType, type Workloads } from './workloads.ts'
import { auditOf, codeOf, type Replica } from './world.ts'

let world: Workloads
let elsewhere: Replica
let account: Awaited<ReturnType<Workloads['account']>>

beforeAll(async () => {
  world = await createWorkloads()
  elsewhere = world.replica()
  account = await world.account()
})
afterAll(() => world?.close())
beforeEach(() => world.clock.advance(61_000))
afterEach(() => world.oidc.reset())

const exchange = (token: string, more: Record<string, string> = {}) =>
  world.exchange(account.id, token, more)
const said = async (token: string) => (await exchange(token)).said
const seen = (bearer: string, { identity } = elsewhere) =>
  codeOf(
    identity.authenticate({
      sessionToken: null,
      bearer,
      source: '192.0.2.9',
      requestId: 'request-1'
    })
  )
const lastRecord = async () =>
  (await auditOf(world, world.acme.tenantId, 'service_token.issue')).at(-1)

describe('200 a token for a workload’s own', () => {
  test('stands for the service account, says by whom it was let in, and is on record', async () => {
    const { status, token } = await exchange(await world.sign())
    expect(status).toBe(200)
    const caller = await elsewhere.identity.authenticate({
      sessionToken: null,
      bearer: token,
      source: '192.0.2.9',
      requestId: 'request-1'
    })
    expect(caller).toMatchObject({ via: 'service_token', keyId: account.identityId })
    expect(caller.scope.actor).toEqual({ kind: 'service_account', id: account.id })
    const record = await lastRecord()
    expect(record).toMatchObject({
      outcome: 'succeeded',
      details: { federatedIdentityId: account.identityId, issuer: world.oidc.issuer }
    })
    expect(JSON.stringify(record)).not.toContain('eyJ')
    const { body } = await world.admin.call('GET', `${account.path}/${account.identityId}`)
    expect(body.lastUsedAt).not.toBeNull()
  })

  test.each(['RS256', 'ES256', 'EdDSA'])('signed with %s', async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg)
    const jwk = { ...(await exportJWK(publicKey)), kid: alg }
    world.oidc.script.keys = () => [jwk]
    const token = await new SignJWT(world.claims())
      .setProtectedHeader({ alg, kid: alg, typ: 'JWT' })
      .sign(privateKey)
    expect(await said(token)).toBe('token')
  })

  test('without a kid where the issuer has one key, and within the leeway of clocks', async () => {
    const sign = signWith(world.oidc.key, {})
    expect(await said(await sign(world.claims()))).toBe('token')
    const iat = world.claims().iat ?? 0
    expect(await said(await world.sign(world.claims({ iat: iat + 20, nbf: iat + 20 })))).toBe(
      'token'
    )
    expect(await said(await world.sign(world.claims({ exp: iat - 20 })))).toBe('token')
  })
})

describe('A2 400 invalid_request, in the same words, for', () => {
  const wrongClaims: [string, (now: number) => Record<string, unknown>][] = [
    ['another issuer', () => ({ iss: 'https://elsewhere.test' })],
    ['the issuer with a slash', () => ({ iss: `${world.oidc.issuer}/` })],
    ['no issuer', () => ({ iss: undefined })],
    ['another audience', () => ({ aud: 'https://elsewhere.test' })],
    ['no audience', () => ({ aud: undefined })],
    ['another subject', () => ({ sub: 'system:serviceaccount:etl:other' })],
    ['no subject', () => ({ sub: undefined })],
    ['a time that is over', (now) => ({ exp: now - 31 })],
    ['no end', () => ({ exp: undefined })],
    ['a time that has not begun', (now) => ({ nbf: now + 31 })],
    ['an issue in the future', (now) => ({ iat: now + 31 })],
    ['no issue', () => ({ iat: undefined })],
    ['a life of more than a day', (now) => ({ exp: now + 86_401 })]
  ]
  test.each(wrongClaims)('%s', async (_what, more) => {
    const now = world.claims().iat ?? 0
    const answer = await exchange(await world.sign(world.claims(more(now))))
    expect([answer.status, answer.said]).toEqual([400, 'invalid_request'])
    expect(answer.description).toBe(
      'The subject token fits no federated identity of this service account'
    )
  })

  const wrongSignatures: [string, () => Promise<string>][] = [
    ['alg none', async () => new UnsecuredJWT(world.claims()).encode()],
    [
      'HS256 by the public key',
      () =>
        new SignJWT(world.claims())
          .setProtectedHeader({ alg: 'HS256', kid: world.oidc.key.kid })
          .sign(new TextEncoder().encode(JSON.stringify(world.oidc.key.jwk)))
    ],
    [
      'another key under the same kid',
      async () => signWith(await newSigningKey(world.oidc.key.kid))(world.claims())
    ],
    ['an unknown kid', async () => signWith(world.oidc.key, { kid: 'other' })(world.claims())],
    [
      'changed claims under a true signature',
      async () => {
        const [header, , signature] = (await world.sign()).split('.')
        const claims = Buffer.from(JSON.stringify(world.claims())).toString('base64url')
        return [header, claims, signature].join('.')
      }
    ],
    ['no signature', async () => (await world.sign()).replace(/[^.]+$/, '')],
    ['what is no JWT', async () => 'eyJhbGciOiJFUzI1NiJ9.e30'],
    [
      'a header that must be understood',
      async () =>
        signWith(world.oidc.key, { kid: world.oidc.key.kid, crit: ['b64'], b64: true })(
          world.claims()
        )
    ]
  ]
  test.each(wrongSignatures)('%s', async (_what, make) => {
    expect(await said(await make())).toBe('invalid_request')
  })

  test('a kid that is absent where the issuer has two keys', async () => {
    const other = await newSigningKey()
    world.clock.advance(11 * 60_000)
    world.oidc.script.keys = () => [world.oidc.key.jwk, other.jwk]
    expect(await said(await signWith(world.oidc.key, {})(world.claims()))).toBe('invalid_request')
  })

  test('tokens of another kind: an access token, the ID token of a login, Weft’s own', async () => {
    const sign = (typ: string) =>
      signWith(world.oidc.key, { kid: world.oidc.key.kid, typ })(world.claims())
    for (const typ of ['at+jwt', 'logout+jwt', 'application/at+jwt', 'dpop+jwt']) {
      expect(await said(await sign(typ))).toBe('invalid_request')
    }
    const idToken = await world.sign(world.claims({ nonce: 'n' }))
    expect(await said(idToken)).toBe('invalid_request')
    expect((await exchange(idToken, { subject_token_type: idTokenType })).said).toBe('token')
    const { token: own } = await exchange(await world.sign())
    expect(await said(own)).toBe('invalid_request')
    expect(await seen(await world.sign())).toBe('unauthenticated')
  })

  test('an account that is not there, or believes nobody, or believes somebody else', async () => {
    const { body } = await world.admin.call('POST', '/api/v1/service-accounts', { name: 'lonely' })
    const other = await world.account({ subject: 'system:serviceaccount:etl:*', audience: 'a' })
    for (const id of [`sva_${'0'.repeat(26)}`, 'x', body.id, other.id]) {
      const answer = await world.exchange(id, await world.sign())
      expect([answer.status, answer.said]).toEqual([400, 'invalid_request'])
    }
  })

  test('a form that is not an exchange’s', async () => {
    const token = await world.sign()
    const wrong: Record<string, string>[] = [
      { subject_token: '' },
      { client_id: '' },
      { subject_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
      { subject_token_type: '' },
      { client_secret: 'wfts_x' },
      { actor_token: 'x' },
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }
    ]
    for (const more of wrong) expect((await exchange(token, more)).said).toBe('invalid_request')
    expect((await exchange(token, { resource: 'https://elsewhere.test' })).said).toBe(
      'invalid_target'
    )
  })
})

describe('patterns and one use', () => {
  test('each claim that is asked for must fit', async () => {
    const claims = { '/kubernetes.io/namespace': 'etl', environment: 'prod*' }
    const { id } = await world.account({ subject: null, claims })
    const ask = async (more: JWTPayload) =>
      (await world.exchange(id, await world.sign(world.claims(more)))).said
    const k8s = { 'kubernetes.io': { namespace: 'etl' } }
    expect(await ask({ ...k8s, environment: 'production' })).toBe('token')
    expect(await ask({ ...k8s, environment: 'test' })).toBe('invalid_request')
    expect(await ask({ environment: 'production' })).toBe('invalid_request')
  })

  test('an assertion of one use is good for one of many at once, on any replica, and one without an id for none', async () => {
    const { id } = await world.account({ oneUse: true })
    const token = await world.sign()
    const answers = await Promise.all(Array.from({ length: 8 }, () => world.exchange(id, token)))
    expect(answers.map((answer) => answer.said).toSorted()).toEqual([
      ...Array.from({ length: 7 }, () => 'invalid_request'),
      'token'
    ])
    const asked = { tenantSlug: null, target: null, source: '192.0.2.7', requestId: 'request-1' }
    const again = elsewhere.identity.serviceTokens.exchange({
      ...asked,
      serviceAccountId: id,
      assertion: token,
      assertionType: 'jwt'
    })
    expect(await codeOf(again)).toBe('invalid_request')
    const anonymous = await world.sign(world.claims({ jti: undefined }))
    expect((await world.exchange(id, anonymous)).said).toBe('invalid_request')
    expect((await world.exchange(id, await world.sign())).said).toBe('token')
  })

  test('an assertion may be asked to be young', async () => {
    const { id } = await world.account({ maxAgeSeconds: 60 })
    const iat = world.claims().iat ?? 0
    const old = await world.sign(world.claims({ iat: iat - 91, nbf: iat - 91 }))
    expect((await world.exchange(id, old)).said).toBe('invalid_request')
    const young = await world.sign(world.claims({ iat: iat - 60, nbf: iat - 60 }))
    expect((await world.exchange(id, young)).said).toBe('token')
  })
})
