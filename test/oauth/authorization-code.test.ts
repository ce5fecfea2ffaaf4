import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  authorizationUrl,
  newCodeVerifier,
  redeemCode,
  redirectUriOf
} from '../../src/oauth/authorization-code.ts'
import { clientSecret, faultOf, openPlace, type Place, tokenPath } from './place.ts'

const redirectUri = redirectUriOf('https://weft.test', 'apc_1')
const state = 'canary-state-0123456789'
const verifier = 'canary-verifier-'.padEnd(43, 'v')
let place: Place

beforeAll(async () => {
  place = await openPlace()
  const body = { access_token: 'a', token_type: 'Bearer', expires_in: 60, refresh_token: 'r' }
  place.replies.set(tokenPath, { body: JSON.stringify(body) })
})
afterAll(() => place.close())
beforeEach(() => {
  place.seen.splice(0)
})

const redeem = (query: string, change: Record<string, unknown> = {}) => {
  const endpoint = place.endpoint()
  return redeemCode(place.exchange, {
    endpoint: { ...endpoint, server: { ...endpoint.server, ...change } },
    redirectUri,
    query,
    state: new Secret(state),
    codeVerifier: new Secret(verifier)
  })
}
const canaries = [state, verifier, clientSecret, 'canary-code']
const printed = (error: unknown) =>
  inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error)

describe('B8 the authorization request', () => {
  test('1,000 of them: all S256, every verifier its own and long enough, none in the URL', async () => {
    const { server } = place.endpoint()
    const seen = new Set<string>()
    for (let index = 0; index < 1_000; index += 1) {
      const codeVerifier = newCodeVerifier()
      const scopes = ['all-apis', 'offline_access']
      const request = { server, clientId: 'client-1', redirectUri, scopes, codeVerifier }
      const url = await authorizationUrl({ ...request, state: new Secret(`state-${index}`) })
      const { searchParams, origin, pathname } = new URL(url)
      const clear = codeVerifier.reveal()
      const challenge = createHash('sha256').update(clear).digest('base64url')
      expect(Object.fromEntries(searchParams)).toEqual({
        response_type: 'code',
        client_id: 'client-1',
        redirect_uri: redirectUri,
        scope: 'all-apis offline_access',
        state: `state-${index}`,
        code_challenge: challenge,
        code_challenge_method: 'S256'
      })
      expect(origin + pathname).toBe(server.authorizationEndpoint)
      expect(clear).toMatch(/^[A-Za-z0-9._~-]{43,128}$/)
      expect(url).not.toContain(clear)
      seen.add(clear)
    }
    expect(seen.size).toBe(1_000)
  })

  test('B3 each app connection has a redirect URI of its own', () => {
    expect(redirectUriOf('https://weft.test', 'apc_2')).toBe(
      'https://weft.test/oauth/callback/apc_2'
    )
    expect(redirectUri).not.toBe(redirectUriOf('https://weft.test', 'apc_2'))
  })
})

describe('the callback', () => {
  test('that fits is redeemed with code, verifier, redirect URI and nothing in the URL', async () => {
    const iss = encodeURIComponent(`${place.origin}/oidc`)
    const answer = await redeem(`code=canary-code&state=${state}&iss=${iss}`)
    expect(answer.status).toBe(200)
    expect(place.seen).toHaveLength(1)
    expect(place.seen[0]?.path).toBe(tokenPath)
    expect(Object.fromEntries(new URLSearchParams(place.seen[0]?.body))).toEqual({
      grant_type: 'authorization_code',
      code: 'canary-code',
      redirect_uri: redirectUri,
      code_verifier: verifier,
      client_id: 'client-1',
      client_secret: clientSecret
    })
  })

  const iss = (value: string) => `code=canary-code&state=${state}&iss=${encodeURIComponent(value)}`
  test.each<[string, () => string, Record<string, unknown>?]>([
    ['no parameters', () => ''],
    ['no code', () => `state=${state}`],
    ['no state', () => 'code=canary-code'],
    ['a wrong state', () => 'code=canary-code&state=other'],
    ['an empty state', () => 'code=canary-code&state='],
    ['two states', () => `code=canary-code&state=${state}&state=${state}`],
    ['two codes', () => `code=canary-code&code=canary-code&state=${state}`],
    ['a code in a list', () => `code[]=canary-code&state=${state}`],
    ['code and error', () => `code=canary-code&error=access_denied&state=${state}`],
    ['JARM', () => `response=a.b.c&state=${state}`],
    ['B7 another issuer', () => iss('https://evil.example/oidc')],
    ['B7 an issuer with a slash more', () => iss(`${place.origin}/oidc/`)],
    ['B7 an issuer in another case', () => iss(`${place.origin}/OIDC`)],
    ['B7 two issuers', () => `${iss(`${place.origin}/oidc`)}&iss=x`],
    [
      'B7 no issuer where one is promised',
      () => `code=canary-code&state=${state}`,
      { isIssuerPromised: true }
    ],
    ['access_denied', () => `error=access_denied&state=${state}`],
    ['access_denied with a wrong state', () => 'error=access_denied&state=other'],
    [
      'an error nobody knows',
      () => `error=canary-code&error_description=canary-code&state=${state}`
    ]
  ])('with %s sends nothing, and the error tells nothing of it', async (_, query, change) => {
    const fault = await faultOf(redeem(query(), change))
    expect(fault.code).toBe('invalid_request')
    expect(place.seen).toEqual([])
    for (const canary of canaries) expect(printed(fault)).not.toContain(canary)
  })

  test('access_denied is told as such; words of the provider’s own are not passed on', async () => {
    const denied = await faultOf(redeem(`error=access_denied&error_description=x&state=${state}`))
    expect(denied.detail).toContain('access_denied')
    const odd = await faultOf(redeem(`error=%3Cscript%3E&state=${state}`))
    expect(odd.detail).toContain('an unknown error')
  })

  test('B9 whatever comes back, it ends in an AppError and nothing is sent', async () => {
    const name = fc.oneof(
      fc.constantFrom(
        'code',
        'state',
        'iss',
        'error',
        'error_description',
        'response',
        'id_token',
        'code[]'
      ),
      fc.string({ maxLength: 8 })
    )
    const value = fc.oneof(
      fc.constantFrom(
        'canary-code',
        '',
        '\0',
        '%00',
        '%',
        '%zz',
        'a'.repeat(200_000),
        '\r\n',
        '{}'
      ),
      fc.string({ unit: 'binary' })
    )
    const parts = fc.array(fc.tuple(name, value), { maxLength: 6 })
    const encoded = parts.map((pairs) =>
      pairs.map(([key, val]) => `${key}=${encode(val)}`).join('&')
    )
    const raw = parts.map((pairs) => pairs.map((pair) => pair.join('=')).join('&'))
    await fc.assert(
      fc.asyncProperty(fc.oneof(encoded, raw), async (query) => {
        const fault: unknown = await redeem(query).catch((error: unknown) => error)
        expect(fault).toBeInstanceOf(AppError)
        expect(printed(fault)).not.toMatch(/canary/)
      }),
      { numRuns: 2_000 }
    )
    expect(place.seen).toEqual([])
  })
})

function encode(value: string): string {
  return encodeURIComponent(value.toWellFormed())
}
