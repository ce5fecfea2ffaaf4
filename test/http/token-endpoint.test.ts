import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { plusMs } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
import type { App } from '../../src/http/route.ts'
import type { ExchangeRequest, ServiceTokens, TokenRequest } from '../../src/identity/identity.ts'
import { anId, anonymous, appWith, fabricId, now, publicUrl, room } from './fakes.ts'

const id = anId('serviceAccount')
const secret = 'wfts_right'
const places = ['/oauth2/token', `/fabrics/${fabricId}/oidc/v1/token`]

const key = { kty: 'EC', kid: 'sgk_a', use: 'sig', alg: 'ES256', crv: 'P-256', x: 'x', y: 'y' }
let app: App
let lines: Record<string, unknown>[]
let asked: TokenRequest[] = []
let exchanged: ExchangeRequest[] = []
let failure: AppError | null = null

beforeAll(async () => {
  const serviceTokens = room<ServiceTokens>(
    {
      issue: async (request) => {
        asked.push(request)
        if (failure) throw failure
        const isRight = request.serviceAccountId === id && request.serviceKey === secret
        if (!isRight) throw new AppError('unauthenticated')
        return { accessToken: 'eyJ.token.x', expiresInSeconds: 3600 }
      },
      exchange: async (request) => {
        exchanged.push(request)
        if (failure) throw failure
        return { accessToken: 'eyJ.token.x', expiresInSeconds: 3600 }
      }
    },
    'serviceTokens'
  )
  const signingKeys = { published: async () => ({ keys: [key] }) }
  const built = await appWith({ identity: { serviceTokens, signingKeys } })
  app = built.app
  lines = built.lines
})
afterAll(() => app.close())

const form = (values: Record<string, string>) => new URLSearchParams(values).toString()
const grant = { grant_type: 'client_credentials' }
const tokenType = 'urn:ietf:params:oauth:token-type:'
const exchange = {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
  client_id: id,
  subject_token: 'eyJ.subject.x',
  subject_token_type: `${tokenType}jwt`
}
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
})
/** As RFC 6749 §2.3.1 has it at its strictest: every byte that is no letter or digit. */
const encode = (text: string) =>
  text.replaceAll(/[^A-Za-z0-9]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)

async function post(
  payload: string,
  headers: Record<string, string> = {},
  url = '/oauth2/token',
  type = 'application/x-www-form-urlencoded'
) {
  asked = []
  exchanged = []
  const answer = await app.inject({
    method: 'POST',
    url,
    headers: { ...anonymous, 'content-type': type, ...headers },
    payload
  })
  return { status: answer.statusCode, headers: answer.headers, body: answer.json() }
}

describe.each(places)('200 at %s', (url) => {
  test.each([
    ['Basic, raw', basic(id, secret), {}],
    ['Basic, percent-encoded', basic(encode(id), encode(secret)), {}],
    ['Basic, and the id in the body too', basic(id, secret), { client_id: id }],
    ['the body', {}, { client_id: id, client_secret: secret }],
    ['an unknown parameter beside it', basic(id, secret), { x: 'y' }],
    ['the scope that SDKs ask for', basic(id, secret), { scope: 'all-apis' }]
  ])('a token for a client that authenticates by %s', async (_how, headers, more) => {
    const answer = await post(form({ ...grant, ...more }), headers, url)
    expect(answer.body).toEqual({
      access_token: 'eyJ.token.x',
      token_type: 'Bearer',
      expires_in: 3600,
      scope: 'all-apis'
    })
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const target = url === '/oauth2/token' ? null : { fabricId }
    expect(asked).toMatchObject([
      { serviceAccountId: id, serviceKey: secret, tenantSlug: null, target }
    ])
    expect(asked[0]?.source).toBe('127.0.0.1')
  })

  const wrong: [string, Record<string, string>, string][] = [
    ['a wrong key', basic(id, 'wfts_wrong'), form(grant)],
    ['no credentials', {}, form(grant)],
    ['an id alone', {}, form({ ...grant, client_id: id })],
    ['another scheme', { authorization: `Bearer ${secret}` }, form(grant)],
    ['what is no base64', { authorization: 'Basic ???' }, form(grant)],
    ['Basic without a colon', { authorization: 'Basic YWJj' }, form(grant)],
    ['a broken percent-encoding', basic('%zz', '%'), form(grant)]
  ]
  test.each(wrong)('401 invalid_client for %s', async (_what, headers, payload) => {
    const { status, headers: told, body } = await post(payload, headers, url)
    expect(body).toEqual({
      error: 'invalid_client',
      error_description: 'Client authentication failed'
    })
    expect(status).toBe(401)
    expect(told['www-authenticate']).toBe('Basic realm="weft"')
    expect(told['content-type']).toMatch(/^application\/json/)
    expect(told['cache-control']).toBe('no-store')
    expect(told['x-weft-problem']).toBe('unauthenticated')
  })

  const client = { client_id: id, client_secret: secret }
  const refused: [string, string, string, string?][] = [
    ['invalid_request', 'no grant type', form(client)],
    ['invalid_request', 'a parameter twice', `${form({ ...grant, ...client })}&scope=a&scope=a`],
    ['invalid_request', 'a JSON body', JSON.stringify({ ...grant, ...client }), 'application/json'],
    ['invalid_request', 'plain text', form({ ...grant, ...client }), 'text/plain'],
    ['unsupported_grant_type', 'a password', form({ ...client, grant_type: 'password' })],
    ['unsupported_grant_type', 'an empty grant type', form({ ...client, grant_type: '' })],
    ['invalid_scope', 'another scope', form({ ...grant, ...client, scope: 'all-apis sql' })]
  ]
  test.each(refused)('400 %s for %s', async (error, _what, payload, type) => {
    const { status, body } = await post(payload, {}, url, type)
    expect(body).toEqual({ error, error_description: expect.stringMatching(/^[ -!#-[\]-~]+$/) })
    expect(status).toBe(400)
    expect(asked).toEqual([])
  })

  test('400 invalid_request for two ways at once, and for two clients', async () => {
    for (const more of [client, { client_id: anId('serviceAccount', 'b') }]) {
      const { status, body } = await post(form({ ...grant, ...more }), basic(id, secret), url)
      expect([status, body.error]).toEqual([400, 'invalid_request'])
    }
    expect(asked).toEqual([])
  })

  test('413 for a form that is larger than any', async () => {
    const { status, body } = await post(form({ ...grant, padding: 'x'.repeat(20_000) }), {}, url)
    expect([status, body.error]).toEqual([413, 'invalid_request'])
  })

  test('429 and 503 say when to try again, 500 says nothing', async () => {
    const cases = [
      [new AppError('rate_limited', { retryAt: plusMs(now, 30_000) }), 429, '30'],
      [new AppError('overloaded', { retryAt: plusMs(now, 2_000) }), 503, '2'],
      [new AppError('internal'), 500, undefined]
    ] as const
    for (const [error, status, after] of cases) {
      failure = error
      const answer = await post(form({ ...grant, ...client }), {}, url)
      expect([answer.status, answer.headers['retry-after']]).toEqual([status, after])
      expect(answer.body.error).toBe(status === 500 ? 'server_error' : 'temporarily_unavailable')
    }
    failure = null
  })
})

describe.each(places)('an exchange at %s', (url) => {
  test.each(['jwt', 'id_token'] as const)(
    '200 a token for a subject token of type %s',
    async (type) => {
      const more = { subject_token_type: tokenType + type }
      const { status, body } = await post(form({ ...exchange, ...more }), {}, url)
      expect(status).toBe(200)
      expect(body).toEqual({
        access_token: 'eyJ.token.x',
        issued_token_type: `${tokenType}access_token`,
        token_type: 'Bearer',
        expires_in: 3600,
        scope: 'all-apis'
      })
      const target = url === '/oauth2/token' ? null : { fabricId }
      expect(exchanged).toMatchObject([
        { serviceAccountId: id, assertion: exchange.subject_token, assertionType: type, target }
      ])
    }
  )

  test('400 invalid_request for a key beside it, and for what it does not serve', async () => {
    const wrong: [Record<string, string>, Record<string, string>][] = [
      [{ client_secret: secret }, {}],
      [{}, basic(id, secret)],
      [{ client_id: '' }, {}],
      [{ subject_token: '' }, {}],
      [{ subject_token_type: `${tokenType}access_token` }, {}],
      [{ actor_token: 'eyJ.actor.x' }, {}],
      [{ requested_token_type: `${tokenType}refresh_token` }, {}]
    ]
    for (const [more, headers] of wrong) {
      const { status, body } = await post(form({ ...exchange, ...more }), headers, url)
      expect([status, body.error]).toEqual([400, 'invalid_request'])
      expect(exchanged).toEqual([])
    }
  })

  test('502 temporarily_unavailable while the issuer’s keys can’t be had', async () => {
    failure = new AppError('upstream_unavailable')
    const { status, body } = await post(form(exchange), {}, url)
    expect([status, body.error]).toEqual([502, 'temporarily_unavailable'])
    failure = null
  })
})

describe('the one fabric that a token is to be good for', () => {
  const url = `${publicUrl}/fabrics/${fabricId}`
  const other = anId('fabric', 'b')
  const own = places[1] ?? ''
  test.each<[string, string, Record<string, string>, object | null]>([
    ['nothing', '/oauth2/token', {}, null],
    ['the deployment itself', '/oauth2/token', { resource: publicUrl }, null],
    ['resource', '/oauth2/token', { resource: url }, { fabricId }],
    ['resource with a slash', '/oauth2/token', { resource: `${url}/` }, { fabricId }],
    ['audience', '/oauth2/token', { audience: fabricId }, { fabricId }],
    ['scope', '/oauth2/token', { scope: `all-apis fabric:${fabricId}` }, { fabricId }],
    ['all alike', '/oauth2/token', { resource: url, audience: fabricId }, { fabricId }],
    ['the fabric itself, at its address', own, { resource: url }, { fabricId }]
  ])('is asked for by %s', async (_how, place, more, target) => {
    await post(form({ ...grant, ...more }), basic(id, secret), place)
    expect(asked).toMatchObject([{ target }])
  })

  test.each<[string, string, Record<string, string>]>([
    ['another resource', '/oauth2/token', { resource: 'https://elsewhere.test/' }],
    ['a path below a fabric', '/oauth2/token', { resource: `${url}/x` }],
    ['two fabrics', '/oauth2/token', { resource: url, audience: other }],
    ['another fabric at a fabric’s address', own, { audience: other }]
  ])('400 invalid_target for %s', async (_what, place, more) => {
    const { status, body } = await post(form({ ...grant, ...more }), basic(id, secret), place)
    expect([status, body.error]).toEqual([400, 'invalid_target'])
    expect(asked).toEqual([])
  })

  test('400 invalid_target for a fabric that the account may not reach', async () => {
    failure = new AppError('not_found', { detail: 'no such fabric' })
    const { status, body } = await post(form({ ...grant, resource: url }), basic(id, secret))
    expect([status, body.error]).toEqual([400, 'invalid_target'])
    failure = null
  })
})

test('I1 no credential reaches the log', async () => {
  await post(form({ ...grant, client_id: id, client_secret: secret }))
  await post(form(grant), basic(id, secret))
  await post(form(exchange))
  expect(lines.length).toBeGreaterThan(1)
  expect(JSON.stringify(lines)).not.toMatch(/wfts_|eyJ|Basic/)
})

describe('metadata', () => {
  const get = async (url: string) =>
    (await app.inject({ method: 'GET', url, headers: anonymous })).json()

  test('200 Weft’s own authorization server (RFC 8414)', async () => {
    expect(await get('/.well-known/oauth-authorization-server')).toMatchObject({
      issuer: publicUrl,
      token_endpoint: `${publicUrl}/oauth2/token`,
      jwks_uri: `${publicUrl}/oauth2/jwks`,
      grant_types_supported: ['client_credentials', exchange.grant_type],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none']
    })
  })

  test('200 Weft as the issuer of workload identities (OpenID Connect Discovery §3)', async () => {
    expect(await get('/.well-known/openid-configuration')).toEqual({
      issuer: publicUrl,
      jwks_uri: `${publicUrl}/oauth2/jwks`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
      claims_supported: ['iss', 'sub', 'aud', 'jti', 'iat', 'exp']
    })
  })

  test('200 a fabric’s address as a workspace describes itself, each URL below it', async () => {
    const base = `${publicUrl}/fabrics/${fabricId}`
    const config = await get(`/fabrics/${fabricId}/.well-known/databricks-config`)
    expect(config).toEqual({ oidc_endpoint: `${base}/oidc`, host_type: 'workspace' })
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      expect(await get(`/fabrics/${fabricId}/oidc/.well-known/${name}`)).toMatchObject({
        issuer: `${base}/oidc`,
        authorization_endpoint: `${base}/oidc/v1/authorize`,
        token_endpoint: `${base}/oidc/v1/token`,
        jwks_uri: `${base}/oidc/jwks.json`
      })
    }
  })

  test('200 the keys that check tokens, which anybody may keep for a while', async () => {
    for (const url of ['/oauth2/jwks', `/fabrics/${fabricId}/oidc/jwks.json`]) {
      const answer = await app.inject({ method: 'GET', url, headers: anonymous })
      expect(answer.json()).toEqual({ keys: [key] })
      expect(answer.headers['cache-control']).toBe('public, max-age=900')
    }
  })

  test('404 for what is no fabric’s address', async () => {
    expect(await get('/fabrics/fab_1/.well-known/databricks-config')).toMatchObject({
      code: 'not_found',
      error_code: 'not_found'
    })
  })
})
