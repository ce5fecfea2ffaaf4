import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { requestClientCredentials } from '../../src/oauth/client-credentials.ts'
import type { RawAnswer } from '../../src/oauth/raw-answer.ts'
import { spendRefreshToken } from '../../src/oauth/refresh.ts'
import { revokeRefreshToken } from '../../src/oauth/revocation.ts'
import { readTokenAnswer } from '../../src/oauth/token-answer.ts'
import type { OAuthClient } from '../../src/oauth/token-endpoint.ts'
import { clientSecret, faultOf, openPlace, type Place, provider, tokenPath } from './place.ts'

let place: Place
let kept: RawAnswer[]
beforeEach(async () => {
  place = await openPlace()
  kept = []
})
afterEach(() => place.close())

const spent = 'canary-spent-refresh-token'
const fresh = 'canary-fresh-refresh-token'
const access = 'canary-access-token'
const canaries = [spent, fresh, access, clientSecret]
const good = { access_token: access, token_type: 'Bearer', expires_in: 3600, refresh_token: fresh }
const keep = async (answer: RawAnswer) => void kept.push(answer)
const refresh = (client: Partial<OAuthClient> = {}) =>
  spendRefreshToken(place.exchange, place.endpoint(client), new Secret(spent), keep)
const reply = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  place.replies.set(tokenPath, {
    status,
    headers,
    body: typeof body === 'string' ? body : JSON.stringify(body)
  })
const tokenRequests = () => place.seen.filter(({ path }) => path === tokenPath)

function expectSilent(error: unknown): void {
  const told =
    inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error) + String(error)
  for (const canary of canaries) expect(told).not.toContain(canary)
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const idToken = (claims: Record<string, unknown>) =>
  `${part({ alg: 'RS256', kid: 'k' })}.${part({ iss: 'x', aud: 'client-1', sub: 's', ...claims })}.c2ln`

describe('F9 the provider has rotated and the library does not like the answer', () => {
  test.each<[string, () => unknown, number?]>([
    ['an id token of another audience', () => ({ ...good, id_token: idToken({ aud: 'other' }) })],
    ['an id token that has ended', () => ({ ...good, id_token: idToken({ exp: 1, iat: 1 }) })],
    ['an id token from the future', () => ({ ...good, id_token: idToken({ iat: 4e9, exp: 5e9 }) })],
    ['an id token whose keys cannot be fetched', () => ({ ...good, id_token: rightClaims() })],
    ['an id token that is none', () => ({ ...good, id_token: 'rubbish' })],
    ['an id token that is no text', () => ({ ...good, id_token: 7 })],
    ['no token_type', () => ({ ...good, token_type: undefined })],
    ['an odd token_type', () => ({ ...good, token_type: 'N_A' })],
    ['expires_in that is a word', () => ({ ...good, expires_in: 'soon' })],
    ['expires_in that is negative', () => ({ ...good, expires_in: -1 })],
    ['a scope that is a list', () => ({ ...good, scope: ['a'] })],
    ['HTTP 201', () => good, 201],
    ['HTTP 206', () => good, 206],
    ['a body that is no JSON', () => `access_token=${access}&refresh_token=${fresh}`],
    ['half a body', () => JSON.stringify(good).slice(0, -2)],
    [
      'an error that quotes what was sent',
      () => ({ error: 'invalid_grant', error_description: spent }),
      400
    ],
    ['a server error that quotes what was sent', () => `<html>${spent} ${clientSecret}</html>`, 500]
  ])(
    '%s: the answer is kept before anything judges it, and comes back whole',
    async (_, body, status) => {
      const sent = body()
      reply(sent, status)
      const answer = await refresh()
      expect(kept).toEqual([answer])
      expect(answer.status).toBe(status ?? 200)
      expect(answer.body.reveal()).toBe(typeof sent === 'string' ? sent : JSON.stringify(sent))
      expect(tokenRequests()).toHaveLength(1)
      expectSilent(answer)
      expectSilent(readTokenAnswer(provider, answer))
    }
  )

  const rightClaims = () => {
    const now = Math.floor(Date.now() / 1_000)
    return idToken({ iss: `${place.origin}/oidc`, iat: now, exp: now + 600 })
  }

  test('another spelling of its body type does not matter either', async () => {
    reply(good, 200, { 'content-type': 'text/plain' })
    const verdict = readTokenAnswer(provider, await refresh())
    expect(verdict.kind === 'granted' && verdict.tokens.refreshToken?.reveal()).toBe(fresh)
  })
})

describe('what the exchange waits for and what it throws', () => {
  test('nothing goes on before the answer is kept; where that fails, its error is the one thrown', async () => {
    reply(good)
    const away = new AppError('overloaded')
    const work = spendRefreshToken(place.exchange, place.endpoint(), new Secret(spent), () =>
      Promise.reject(away)
    )
    await expect(work).rejects.toBe(away)
  })

  test('only the date and retry-after of the answer’s headers are kept', async () => {
    reply({}, 429, { 'retry-after': '7', 'x-echo': spent, 'set-cookie': `a=${access}` })
    expect(Object.keys((await refresh()).headers).sort()).toEqual(['date', 'retry-after'])
  })

  test.each(['http://127.0.0.1:1/oidc/v1/token', 'https://evil.example/oidc/v1/token'])(
    'B1 a token endpoint at %s is not even dialled',
    async (tokenEndpoint) => {
      const endpoint = place.endpoint()
      const server = { ...endpoint.server, tokenEndpoint }
      const work = spendRefreshToken(
        place.exchange,
        { ...endpoint, server },
        new Secret(spent),
        keep
      )
      const fault = await faultOf(work)
      expect(fault.code).toBe('host_not_allowed')
      expectSilent(fault)
      expect([place.seen, kept]).toEqual([[], []])
    }
  )

  test.each([301, 302, 303, 307, 308])(
    'B11 a redirect (%i) of the token endpoint is an answer like any other bad one, and is not followed',
    async (status) => {
      reply('', status, { location: `${place.origin}/elsewhere` })
      const verdict = readTokenAnswer(provider, await refresh())
      expect(verdict).toMatchObject({ kind: 'failed', failure: { kind: 'malformed' } })
      expect(place.seen.map(({ path }) => path)).toEqual([tokenPath])
    }
  )

  test('T3 an endless answer is cut off, and its error tells nothing of it', async () => {
    reply(JSON.stringify({ ...good, more: access.repeat(20_000) }))
    const fault = await faultOf(refresh())
    expect(fault.code).toBe('upstream_unavailable')
    expectSilent(fault)
    expect(kept).toEqual([])
  })

  test('a host that is gone is told by outbound’s own error', async () => {
    await place.leave()
    const fault = await faultOf(refresh())
    expect(fault.code).toBe('workspace_unreachable')
    expectSilent(fault)
  })
})

describe('B12 how the client is authenticated', () => {
  const ids = ['3f2a9c1e-0b7d-4b5e-9a57-2f8d', 'a b+c%20:d~é']
  const secrets = ['plain-secret_1.2~3', '%+:&=é~ /?#"\\', 'ends with:colon:']
  const all = ids.flatMap((clientId) => secrets.map((secret) => [clientId, secret] as const))

  test.each(all)(
    'client_secret_post, %s and %s: in the form, as they are',
    async (clientId, secret) => {
      reply(good)
      const clientSecret = new Secret(secret)
      await refresh({ clientId, clientSecret, authMethod: 'client_secret_post' })
      const [request] = tokenRequests()
      const form = new URLSearchParams(request?.body)
      expect([form.get('client_id'), form.get('client_secret')]).toEqual([clientId, secret])
      expect(request?.headers.authorization).toBeUndefined()
    }
  )

  test.each(all)(
    'client_secret_basic, %s and %s: form-encoded in the header alone',
    async (clientId, secret) => {
      reply(good)
      const clientSecret = new Secret(secret)
      await refresh({ clientId, clientSecret, authMethod: 'client_secret_basic' })
      const [request] = tokenRequests()
      const [scheme, credentials = ''] = (request?.headers.authorization ?? '').split(' ')
      const parts = Buffer.from(credentials, 'base64').toString().split(':')
      const decoded = parts.map((one) => new URLSearchParams(`x=${one}`).get('x'))
      expect([scheme, ...decoded]).toEqual(['Basic', clientId, secret])
      const form = new URLSearchParams(request?.body)
      expect([form.has('client_secret'), form.get('refresh_token')]).toEqual([false, spent])
    }
  )

  test('a service principal asks for its scopes, a revocation names the token, never in a URL', async () => {
    reply(good)
    await requestClientCredentials(place.exchange, place.endpoint(), ['all-apis', 'sql'], keep)
    place.replies.set('/oidc/v1/revoke', { status: 200 })
    await revokeRefreshToken(place.exchange, place.endpoint(), new Secret(spent))
    const forms = place.seen.map(({ body }) => Object.fromEntries(new URLSearchParams(body)))
    expect(forms).toEqual([
      expect.objectContaining({ grant_type: 'client_credentials', scope: 'all-apis sql' }),
      expect.objectContaining({ token: spent, token_type_hint: 'refresh_token' })
    ])
    expect(place.seen.map(({ path }) => path)).toEqual([tokenPath, '/oidc/v1/revoke'])
  })

  test.each([400, 404, 500])(
    'a revocation that ends in %i fails without a word of it',
    async (status) => {
      place.replies.set('/oidc/v1/revoke', { status, body: JSON.stringify({ error: spent }) })
      const work = revokeRefreshToken(place.exchange, place.endpoint(), new Secret(spent))
      const fault = await faultOf(work)
      expect(fault.code).toBe('upstream_unavailable')
      expectSilent(fault)
    }
  )
})
