import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createBrowserless } from '../../src/local/browserless.ts'
import type { RunningDatabricks } from '../../src/local/databricks/workspace.ts'
import {
  api,
  app,
  authorize,
  authorizeUrl,
  basic,
  machineToken,
  narrow,
  pkce,
  postForm,
  principal,
  readLog,
  refresh,
  resetFaults,
  setFaults,
  signIn,
  startWorkspace
} from './workspace-support.ts'

let workspace: RunningDatabricks
let origin: string
beforeAll(async () => {
  workspace = await startWorkspace()
  origin = workspace.url
})
afterEach(() => resetFaults(origin))
afterAll(() => workspace.stop())

describe('discovery', () => {
  test('the host metadata names the OIDC root, the workspace and the account', async () => {
    const { body } = await api(origin, '/.well-known/databricks-config', undefined)
    expect(body).toMatchObject({
      oidc_endpoint: `${origin}/oidc`,
      workspace_id: '900800700600',
      host_type: 'workspace'
    })
  })

  test.each(['oauth-authorization-server', 'openid-configuration'])(
    '%s has exactly the members of a real workspace',
    async (document) => {
      const { status, body } = await api(origin, `/oidc/.well-known/${document}`, undefined)
      expect(status).toBe(200)
      expect(Object.keys(body).sort()).toEqual([
        'authorization_endpoint',
        'claims_supported',
        'code_challenge_methods_supported',
        'grant_types_supported',
        'id_token_signing_alg_values_supported',
        'issuer',
        'jwks_uri',
        'request_uri_parameter_supported',
        'response_modes_supported',
        'response_types_supported',
        'scopes_supported',
        'subject_types_supported',
        'token_endpoint',
        'token_endpoint_auth_methods_supported'
      ])
      expect(body).toMatchObject({
        issuer: `${origin}/oidc`,
        token_endpoint: `${origin}/oidc/v1/token`
      })
    }
  )

  test('the key set holds RS256 keys with a kid of 64 hex characters and nothing private', async () => {
    const { body } = await api<{ keys: Record<string, string>[] }>(
      origin,
      '/oidc/jwks.json',
      undefined
    )
    expect(body.keys).toHaveLength(1)
    expect(body.keys[0]?.kid).toMatch(/^[0-9a-f]{64}$/)
    expect(body.keys[0]).not.toHaveProperty('d')
  })
})

describe('authorize', () => {
  test('an unknown client gets the JSON page and no redirect', async () => {
    const url = authorizeUrl(origin, pkce().challenge, { client_id: 'nobody' })
    const page = await createBrowserless().visit(url)
    expect(page.status).toBe(400)
    expect(JSON.parse(page.text)).toEqual({
      error: 'invalid_request',
      error_description: expect.stringMatching(
        /^OAuth application with client_id: 'nobody' not available in Databricks account '[0-9a-f-]+'\.$/
      )
    })
  })

  test.each([
    'http://localhost:9999/oauth/callback/apc_2',
    'http://localhost:9998/oauth/callback/apc_1',
    'http://localhost:9999/oauth/callback/apc_1/',
    'http://localhost:9999/oauth/callback/apc_1?x=1'
  ])('redirect URI %s is not the registered one: JSON page, no redirect', async (redirectUri) => {
    const url = authorizeUrl(origin, pkce().challenge, { redirect_uri: redirectUri })
    const page = await createBrowserless().visit(url, { headers: { accept: 'text/html' } })
    expect(page.status).toBe(400)
    expect(page.headers.get('location')).toBeNull()
    expect(JSON.parse(page.text)).toEqual({
      error: 'invalid_request',
      error_description: `redirect_uri '${redirectUri}' not registered for OAuth application '${app.clientId}'`
    })
  })

  test.each([
    ['no challenge', { code_challenge: '', code_challenge_method: '' }],
    ['plain', { code_challenge_method: 'plain' }]
  ])('PKCE with S256 is required: %s is sent back as invalid_request', async (_name, more) => {
    const callback = await authorize(origin, { challenge: pkce().challenge, more })
    expect(callback.get('error')).toBe('invalid_request')
    expect(callback.get('state')).toBe('state-1')
  })

  test('a scope that the app lacks is sent back as invalid_scope', async () => {
    const more = { scope: 'all-apis clusters' }
    const callback = await authorize(origin, { challenge: pkce().challenge, more })
    expect(callback.get('error')).toBe('invalid_scope')
  })

  test('denying sends access_denied back, with state and iss', async () => {
    const callback = await authorize(origin, { challenge: pkce().challenge, consent: 'deny' })
    expect(callback.get('error')).toBe('access_denied')
    expect(callback.get('state')).toBe('state-1')
    expect(callback.get('iss')).toBe(`${origin}/oidc`)
  })

  test('allowing sends code, state and iss; a second time only consent is asked', async () => {
    const browser = createBrowserless()
    const first = await authorize(origin, { challenge: pkce().challenge, browser })
    expect([...first.keys()].sort()).toEqual(['code', 'iss', 'state'])
    const again = await browser.walk(authorizeUrl(origin, pkce().challenge), {
      login: 'nobody presses this button',
      stopAt: (url) => url.port === '9999'
    })
    expect(new URL(again.url).searchParams.get('code')).toBeTruthy()
  })

  test('the legacy path of SQL drivers is an alias', async () => {
    const url = authorizeUrl(origin, pkce().challenge).replace(
      '/v1/authorize',
      '/oauth2/v2.0/authorize'
    )
    const landing = await createBrowserless().walk(url, {
      login: 'dev@acme.test',
      stopAt: (target) => target.port === '9999'
    })
    expect(new URL(landing.url).searchParams.get('code')).toBeTruthy()
  })
})

describe('token', () => {
  test('a sign-in gives an RS256 access token, an opaque refresh token and no id token unasked', async () => {
    const tokens = await signIn(origin)
    expect(tokens).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    expect(tokens.scope.split(' ').sort()).toEqual(['all-apis', 'offline_access'])
    expect(tokens.refresh_token).toMatch(/^doau/)
    expect(tokens).not.toHaveProperty('id_token')
    const { body: keys } = await api<{ keys: [] }>(origin, '/oidc/jwks.json', undefined)
    const { payload } = await jwtVerify(tokens.access_token, createLocalJWKSet(keys))
    expect(payload).toMatchObject({ iss: `${origin}/oidc`, sub: 'dev@acme.test' })
    expect(decodeProtectedHeader(tokens.access_token).kid).toMatch(/^[0-9a-f]{64}$/)
  })

  test('openid gives an id token with email; without offline_access there is no refresh token', async () => {
    const tokens = await signIn(origin, { scope: 'all-apis openid email' })
    expect(tokens).not.toHaveProperty('refresh_token')
    const { body: keys } = await api<{ keys: [] }>(origin, '/oidc/jwks.json', undefined)
    const { payload } = await jwtVerify(tokens.id_token ?? '', createLocalJWKSet(keys))
    expect(payload).toMatchObject({ aud: app.clientId, email: 'dev@acme.test' })
  })

  test('a code works once, and only with its verifier', async () => {
    const { verifier, challenge } = pkce()
    const code = (await authorize(origin, { challenge })).get('code') ?? ''
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: app.redirectUrls[0] ?? '',
      code_verifier: verifier
    }
    const auth = basic(app.clientId, app.clientSecret)
    const url = `${origin}/oidc/v1/token`
    const wrong = await postForm(url, { ...form, code_verifier: pkce().verifier }, auth)
    expect(wrong).toMatchObject({ status: 400, body: { error: 'invalid_grant' } })
    expect((await postForm(url, form, auth)).status).toBe(200)
    expect(await postForm(url, form, auth)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' }
    })
  })

  test('client credentials work by Basic and in the body, and give no refresh token', async () => {
    const byBasic = await machineToken(origin, principal)
    expect(byBasic).toMatchObject({ status: 200, body: { scope: 'all-apis', expires_in: 3600 } })
    expect(byBasic.body).not.toHaveProperty('refresh_token')
    const byPost = await postForm(`${origin}/oidc/v1/token`, {
      grant_type: 'client_credentials',
      scope: 'all-apis',
      client_id: principal.clientId,
      client_secret: principal.clientSecret
    })
    expect(byPost.status).toBe(200)
  })

  test('a wrong secret is invalid_client', async () => {
    const answer = await machineToken(origin, { ...principal, clientSecret: 'dose-wrong' })
    expect(answer).toMatchObject({
      status: 401,
      body: { error: 'invalid_client', error_description: 'Client authentication failed' }
    })
  })

  test('a scope that the secret does not carry is access_denied', async () => {
    const answer = await machineToken(origin, narrow)
    expect(answer.body.error).toBe('access_denied')
    expect(answer.body.error_description).toMatch(/^Scopes 'all-apis' are not assigned/)
  })

  test('a replaced secret works at once, and the previous one as long as it is listed', async () => {
    const put = (value: object) =>
      fetch(`${origin}/_sim/service-principals`, { method: 'PUT', body: JSON.stringify(value) })
    const next = { ...principal, clientSecret: 'dose-next' }
    await put({ ...next, previousClientSecrets: [principal.clientSecret] })
    expect((await machineToken(origin, next)).status).toBe(200)
    expect((await machineToken(origin, principal)).status).toBe(200)
    await put(next)
    expect((await machineToken(origin, principal)).status).toBe(401)
    await put(principal)
  })
})

describe('refresh', () => {
  test('rotation gives a new token and kills the old one, in Databricks words', async () => {
    const first = await signIn(origin)
    const second = await refresh(origin, first.refresh_token)
    expect(second.status).toBe(200)
    expect(second.body.refresh_token).not.toBe(first.refresh_token)
    expect(await refresh(origin, first.refresh_token)).toMatchObject({
      status: 400,
      body: { error: 'invalid_request', error_description: 'Refresh token is invalid' }
    })
  })

  test('F2 a used refresh token that comes again kills the whole family, fresh tokens included', async () => {
    const first = await signIn(origin)
    const { body: second } = await refresh(origin, first.refresh_token)
    await refresh(origin, first.refresh_token)
    expect((await refresh(origin, second.refresh_token)).status).toBe(400)
    expect((await api(origin, '/api/2.0/preview/scim/v2/Me', second.access_token)).status).toBe(403)
  })

  test('another sign-in of the same person is another family', async () => {
    const [one, other] = [await signIn(origin), await signIn(origin)]
    await refresh(origin, one.refresh_token)
    await refresh(origin, one.refresh_token)
    expect((await refresh(origin, other.refresh_token)).status).toBe(200)
  })

  test('revokeFamilyOnReuse off: the used token is refused and the fresh one lives', async () => {
    await setFaults(origin, { revokeFamilyOnReuse: false })
    const first = await signIn(origin)
    const { body: second } = await refresh(origin, first.refresh_token)
    expect((await refresh(origin, first.refresh_token)).status).toBe(400)
    expect((await refresh(origin, second.refresh_token)).status).toBe(200)
  })

  test('rotateRefreshTokens off: the same token serves again and again', async () => {
    await setFaults(origin, { rotateRefreshTokens: false })
    const first = await signIn(origin)
    for (const _ of [1, 2, 3]) expect((await refresh(origin, first.refresh_token)).status).toBe(200)
  })

  test('F1 of many that spend one token at the same instant, at most one passes', async () => {
    const first = await signIn(origin)
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => refresh(origin, first.refresh_token))
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
  })
})

describe('token faults', () => {
  test('lifetimes: a refresh token past its own is invalid', async () => {
    await setFaults(origin, { accessTokenTtlSeconds: 77, refreshTokenTtlSeconds: 1 })
    const first = await signIn(origin)
    expect(first.expires_in).toBe(77)
    await expect
      .poll(async () => (await refresh(origin, first.refresh_token)).status, {
        timeout: 5000,
        interval: 1100
      })
      .toBe(400)
  })

  test('tokenStatus with Retry-After refuses and spends nothing', async () => {
    const first = await signIn(origin)
    await setFaults(origin, { tokenStatus: 429, tokenRetryAfterSeconds: 7 })
    const refused = await refresh(origin, first.refresh_token)
    expect(refused.status).toBe(429)
    expect(refused.headers.get('retry-after')).toBe('7')
    await resetFaults(origin)
    expect((await refresh(origin, first.refresh_token)).status).toBe(200)
  })

  test('tokenStatus 201 and tokenBody spend the token and answer otherwise', async () => {
    const first = await signIn(origin)
    await setFaults(origin, { tokenStatus: 201 })
    const odd = await refresh(origin, first.refresh_token)
    expect(odd.status).toBe(201)
    await setFaults(origin, { tokenStatus: null, tokenBody: '{"access_token":"verbatim" }' })
    const verbatim = await fetch(`${origin}/oidc/v1/token`, {
      method: 'POST',
      headers: basic(app.clientId, app.clientSecret),
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: odd.body.refresh_token ?? ''
      })
    })
    expect(await verbatim.text()).toBe('{"access_token":"verbatim" }')
    await resetFaults(origin)
    expect((await refresh(origin, odd.body.refresh_token)).status).toBe(400)
  })

  test('tokenExpiresInText sends expires_in as text', async () => {
    await setFaults(origin, { tokenExpiresInText: true })
    expect((await machineToken(origin, principal)).body.expires_in).toBe('3600')
  })

  test('tokenOmit leaves members out', async () => {
    const first = await signIn(origin)
    await setFaults(origin, { tokenOmit: ['refresh_token', 'expires_in'] })
    const { body } = await refresh(origin, first.refresh_token)
    expect(Object.keys(body).sort()).toEqual(['access_token', 'scope', 'token_type'])
  })

  test('dropTokenAnswer spends the token and cuts the connection', async () => {
    const first = await signIn(origin)
    await setFaults(origin, { dropTokenAnswer: true })
    await expect(refresh(origin, first.refresh_token)).rejects.toThrow()
    await resetFaults(origin)
    expect((await refresh(origin, first.refresh_token)).status).toBe(400)
    const items = await readLog(origin)
    expect(items.filter(({ aborted }) => aborted)).toEqual([])
  })

  test('tokenDelayMs holds the answer back; the token is spent although the caller has left', async () => {
    const first = await signIn(origin)
    await setFaults(origin, { tokenDelayMs: 1000 })
    const since = new Date().toISOString()
    const left = fetch(`${origin}/oidc/v1/token`, {
      method: 'POST',
      headers: basic(app.clientId, app.clientSecret),
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: first.refresh_token ?? ''
      }),
      signal: AbortSignal.timeout(150)
    })
    await expect(left).rejects.toThrow()
    await expect.poll(async () => (await readLog(origin, since))[0]?.aborted).toBe(true)
    await resetFaults(origin)
    expect((await refresh(origin, first.refresh_token)).status).toBe(400)
  })

  test('idTokenSignature bad: the id token no longer verifies', async () => {
    await setFaults(origin, { idTokenSignature: 'bad' })
    const tokens = await signIn(origin, { scope: 'all-apis openid' })
    const { body: keys } = await api<{ keys: [] }>(origin, '/oidc/jwks.json', undefined)
    await expect(jwtVerify(tokens.id_token ?? '', createLocalJWKSet(keys))).rejects.toThrow(
      /signature/
    )
  })

  test('an unknown fault or a wrong value is refused and changes nothing', async () => {
    const answer = await fetch(`${origin}/_sim/faults`, {
      method: 'PATCH',
      body: JSON.stringify({ ipBlocked: true, tokenDelay: 5, deadTokenStatus: 500 })
    })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toEqual({ errors: [expect.any(String), expect.any(String)] })
    const { body } = await api(origin, '/_sim/faults', undefined)
    expect(body).toMatchObject({ ipBlocked: false, deadTokenStatus: 403 })
  })
})
