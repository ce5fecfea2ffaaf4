import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { packRawAnswer, type RawAnswer, unpackRawAnswer } from '../../src/oauth/raw-answer.ts'
import { expiryOf, readTokenAnswer } from '../../src/oauth/token-answer.ts'
import { provider } from './place.ts'

const receivedAt = new Date('2026-11-21T12:00:00Z')
const answer = (body: unknown, status = 200): RawAnswer => ({
  status,
  headers: {},
  body: new Secret(typeof body === 'string' ? body : JSON.stringify(body)),
  receivedAt
})
const good = {
  access_token: 'access-1',
  token_type: 'Bearer',
  expires_in: 3600,
  refresh_token: 'refresh-1',
  scope: 'all-apis offline_access'
}
const read = (body: unknown, status?: number) => readTokenAnswer(provider, answer(body, status))
const jwt = (claims: unknown) =>
  ['{"alg":"none"}', JSON.stringify(claims), '']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

/** What a verdict says, in clear. */
function told(verdict: ReturnType<typeof read>) {
  if (verdict.kind === 'failed') {
    const { failure, refreshToken } = verdict
    return { failed: failure.kind, refreshToken: refreshToken?.reveal() ?? null }
  }
  const { accessToken, refreshToken, scope, accessExpiresAt } = verdict.tokens
  return {
    accessToken: accessToken.reveal(),
    refreshToken: refreshToken?.reveal() ?? null,
    scope,
    lifeSeconds: (accessExpiresAt.getTime() - receivedAt.getTime()) / 1_000
  }
}

describe('B10 G6 answers that grant', () => {
  const granted = {
    accessToken: 'access-1',
    refreshToken: 'refresh-1',
    scope: 'all-apis offline_access',
    lifeSeconds: 3600
  }
  test.each<[string, Record<string, unknown>, Partial<typeof granted> | { refreshToken: null }]>([
    ['as it should be', {}, {}],
    ['token_type in lower case', { token_type: 'bearer' }, {}],
    [
      'F13 no refresh token: the spent one stays',
      { refresh_token: undefined },
      { refreshToken: null }
    ],
    ['an empty refresh token', { refresh_token: '' }, { refreshToken: null }],
    ['a refresh token of null', { refresh_token: null }, { refreshToken: null }],
    ['a refresh token that is a number', { refresh_token: 7 }, { refreshToken: null }],
    ['a refresh token with a line break', { refresh_token: 'a\nb' }, { refreshToken: null }],
    [
      'a refresh token of RFC 6749 and not of RFC 6750',
      { refresh_token: 'a|b:c!' },
      { refreshToken: 'a|b:c!' }
    ],
    ['the same refresh token', { refresh_token: 'refresh-1' }, {}],
    ['a narrower scope', { scope: 'sql' }, { scope: 'sql' }],
    ['expires_in as digits', { expires_in: '1800' }, { lifeSeconds: 1800 }],
    ['F14 no expires_in', { expires_in: undefined }, { lifeSeconds: 300 }],
    ['an id token that is none', { id_token: 'a.b.c' }, {}]
  ])('%s', (_, change, expected) => {
    expect(told(read({ ...good, ...change }))).toEqual({ ...granted, ...expected })
  })

  test.each([200, 201, 206])('HTTP %i grants', (status) => {
    expect(told(read(good, status))).toEqual(granted)
  })

  test('duplicate members: the last one counts, once for all', () => {
    const body = `{"access_token":"a","access_token":"b","token_type":"Bearer","expires_in":60}`
    expect(told(read(body))).toMatchObject({ accessToken: 'b' })
  })
})

describe('B10 answers that do not grant', () => {
  const kept = { refreshToken: 'refresh-1' }
  const lost = { refreshToken: null }
  test.each<[string, unknown, number, Record<string, unknown>]>([
    ['token_type DPoP', { ...good, token_type: 'DPoP' }, 200, { failed: 'malformed', ...kept }],
    ['token_type N_A', { ...good, token_type: 'N_A' }, 200, { failed: 'malformed', ...kept }],
    ['no token_type', { ...good, token_type: undefined }, 200, { failed: 'malformed', ...kept }],
    [
      'no access token',
      { ...good, access_token: undefined },
      200,
      { failed: 'malformed', ...kept }
    ],
    ['an empty access token', { ...good, access_token: '' }, 200, { failed: 'malformed', ...kept }],
    [
      'an access token with CR LF',
      { ...good, access_token: 'a\r\nx-evil: 1' },
      200,
      { failed: 'malformed', ...kept }
    ],
    [
      'an access token of 1 MB',
      { ...good, access_token: 'a'.repeat(1e6) },
      200,
      { failed: 'malformed', ...kept }
    ],
    [
      'an access token in a list',
      { ...good, access_token: ['a'] },
      200,
      { failed: 'malformed', ...kept }
    ],
    [
      '200 with an error',
      { ...good, error: 'invalid_grant' },
      200,
      { failed: 'malformed', ...kept }
    ],
    ['a web page', '<!doctype html><p>hello', 200, { failed: 'oauth_not_enabled', ...lost }],
    ['nothing', '', 200, { failed: 'malformed', ...lost }],
    ['half of it', '{"access_token":"a', 200, { failed: 'malformed', ...lost }],
    ['a list', [good], 200, { failed: 'malformed', ...lost }],
    ['a redirect', '', 302, { failed: 'malformed', ...lost }],
    ['400 with tokens in it', good, 400, { ...lost }],
    [
      'F18 Databricks’ words for a dead refresh token',
      { error: 'invalid_request', error_description: 'Refresh token is invalid' },
      400,
      { failed: 'dead_grant', ...lost }
    ],
    ['invalid_grant', { error: 'invalid_grant' }, 400, { failed: 'dead_grant', ...lost }],
    ['invalid_client', { error: 'invalid_client' }, 401, { failed: 'client_refused', ...lost }],
    [
      '503 that says invalid_grant',
      { error: 'invalid_grant' },
      503,
      { failed: 'transient', ...lost }
    ],
    ['429', { error: 'invalid_grant' }, 429, { failed: 'throttled', ...lost }]
  ])('%s', (_, body, status, expected) => {
    expect(told(read(body, status))).toMatchObject(expected)
  })
})

describe('F14 when an access token ends', () => {
  const inSeconds = (seconds: number) => Math.floor(receivedAt.getTime() / 1_000) + seconds
  test.each<[string, unknown, string, number]>([
    ['a number', 3600, 'a', 3600],
    ['digits', '3600', 'a', 3600],
    ['a fraction', 1.5, 'a', 1.5],
    ['absent', undefined, 'a', 300],
    ['null', null, 'a', 300],
    ['zero', 0, 'a', 300],
    ['negative', -1, 'a', 300],
    ['NaN', Number.NaN, 'a', 300],
    ['endless', Number.POSITIVE_INFINITY, 'a', 300],
    ['words', 'soon', 'a', 300],
    ['digits with a sign', '-5', 'a', 300],
    ['1e30', 1e30, 'a', 86_400],
    ['two days', 172_800, 'a', 86_400],
    ['absent, and the token is a JWT that tells', undefined, jwt({ exp: inSeconds(900) }), 900],
    ['zero, and the token is a JWT that tells', 0, jwt({ exp: inSeconds(900) }), 900],
    ['told, and the JWT says otherwise', 60, jwt({ exp: inSeconds(900) }), 60],
    ['absent, and the JWT has ended', undefined, jwt({ exp: inSeconds(-900) }), 300],
    ['absent, and the JWT lives for a year', undefined, jwt({ exp: inSeconds(3e7) }), 86_400],
    [
      'F46 absent, and the JWT is of a server whose clock is 90 s ahead',
      undefined,
      jwt({ iat: inSeconds(90), exp: inSeconds(990) }),
      900
    ],
    [
      'F46 absent, and the JWT is of a server whose clock is 90 s behind',
      undefined,
      jwt({ iat: inSeconds(-90), exp: inSeconds(810) }),
      810
    ],
    [
      'absent, and the JWT begins after its end',
      undefined,
      jwt({ iat: inSeconds(901), exp: inSeconds(900) }),
      900
    ],
    ['absent, and the JWT has no end', undefined, jwt({}), 300],
    ['absent, and the JWT’s end is no number', undefined, jwt({ exp: 'soon' }), 300]
  ])('expires_in %s', (_, expiresIn, token, seconds) => {
    const end = expiryOf(expiresIn, new Secret(token), receivedAt)
    expect((end.getTime() - receivedAt.getTime()) / 1_000).toBe(seconds)
  })
})

test('a raw answer comes out of its packing as it went in', () => {
  const raw = { ...answer('{"a":"\u2028 ü"}', 201), headers: { 'retry-after': '3' } }
  const back = unpackRawAnswer(packRawAnswer(raw))
  expect({ ...back, body: back.body.reveal() }).toEqual({ ...raw, body: raw.body.reveal() })
})
