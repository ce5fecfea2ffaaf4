import { createLocalJWKSet, jwtVerify } from 'jose'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createBrowserless } from '../../src/local/browserless.ts'
import {
  type RunningIdentityProvider,
  startIdentityProvider
} from '../../src/local/identity-provider.ts'
import { api, basic, pkce, postForm, readLog, resetFaults, setFaults } from './workspace-support.ts'

const client = {
  clientId: 'weft-acme',
  clientSecret: 'login-secret',
  redirectUris: ['http://localhost:9999/auth/callback/*']
}
const people = [
  { email: 'admin@acme.test', name: 'Ada Admin' },
  { email: 'guest@globex.test', name: 'Gus Guest' }
]
const callback = 'http://localhost:9999/auth/callback/lgp_1'

let idp: RunningIdentityProvider
beforeAll(async () => {
  idp = await startIdentityProvider({ port: 0, people, clients: [client] })
})
afterEach(() => resetFaults(idp.url))
afterAll(() => idp.stop())

function loginUrl(challenge: string, redirectUri = callback): string {
  const url = new URL(`${idp.url}/auth`)
  const params = {
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    state: 's',
    nonce: 'nonce-1',
    code_challenge: challenge,
    code_challenge_method: 'S256'
  }
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value)
  return url.href
}

async function logIn(email: string, browser = createBrowserless()) {
  const { verifier, challenge } = pkce()
  const stopAt = (url: URL) => url.port === '9999'
  const landing = await browser.walk(loginUrl(challenge), { login: email, stopAt })
  const answer = await postForm(
    `${idp.url}/token`,
    {
      grant_type: 'authorization_code',
      code: new URL(landing.url).searchParams.get('code') ?? '',
      redirect_uri: callback,
      code_verifier: verifier
    },
    basic(client.clientId, client.clientSecret)
  )
  return answer
}

async function claimsOf(idToken: string | undefined) {
  const { body: keys } = await api<{ keys: [] }>(idp.url, '/jwks', undefined)
  const options = { issuer: idp.url, audience: client.clientId, algorithms: ['RS256'] }
  return (await jwtVerify(idToken ?? '', createLocalJWKSet(keys), options)).payload
}

test('a login gives an RS256 id token with verified email, name, nonce and a stable subject', async () => {
  const first = await claimsOf((await logIn('admin@acme.test')).body.id_token)
  expect(first).toMatchObject({
    email: 'admin@acme.test',
    email_verified: true,
    name: 'Ada Admin',
    nonce: 'nonce-1'
  })
  expect(first.sub).not.toContain('@')
  const again = await claimsOf((await logIn('admin@acme.test')).body.id_token)
  expect(again.sub).toBe(first.sub)
  const other = await claimsOf((await logIn('guest@globex.test')).body.id_token)
  expect(other.sub).not.toBe(first.sub)
})

test('a redirect URI may fill one last segment of a registered pattern and nothing more', async () => {
  const { visit } = createBrowserless()
  for (const uri of [
    'http://localhost:9999/auth/callback/',
    'http://localhost:9999/auth/callback/a/b',
    'http://localhost:9999/auth/callback/a?x=1',
    'http://localhost:9998/auth/callback/a'
  ]) {
    const page = await visit(loginUrl(pkce().challenge, uri))
    expect(page.status).toBe(400)
    expect(page.headers.get('location')).toBeNull()
  }
})

test('an added redirect URI works at once', async () => {
  const uri = 'http://localhost:9999/elsewhere'
  expect((await createBrowserless().visit(loginUrl(pkce().challenge, uri))).status).toBe(400)
  idp.addRedirectUri(client.clientId, uri)
  expect((await createBrowserless().visit(loginUrl(pkce().challenge, uri))).status).toBe(303)
})

test('idTokenSignature bad: the id token no longer verifies', async () => {
  await setFaults(idp.url, { idTokenSignature: 'bad' })
  const { body } = await logIn('admin@acme.test')
  await expect(claimsOf(body.id_token)).rejects.toThrow(/signature/)
})

test('tokenStatus and tokenDelayMs work, and the log tells of it without secrets', async () => {
  await setFaults(idp.url, { tokenStatus: 503 })
  expect((await logIn('admin@acme.test')).status).toBe(503)
  await setFaults(idp.url, { tokenStatus: null, tokenDelayMs: 150 })
  const startedAt = performance.now()
  expect((await logIn('admin@acme.test')).status).toBe(200)
  expect(performance.now() - startedAt).toBeGreaterThan(145)
  const items = await readLog(idp.url)
  const tokens = items.filter(({ path }) => path === '/token')
  expect(tokens.at(-1)).toMatchObject({ grantType: 'authorization_code', status: 200 })
  expect(JSON.stringify(items)).not.toContain(client.clientSecret)
})

test('logout by the client ends the session and leads back', async () => {
  const browser = createBrowserless()
  const { body } = await logIn('admin@acme.test', browser)
  const url = new URL(`${idp.url}/session/end`)
  url.searchParams.set('id_token_hint', body.id_token ?? '')
  url.searchParams.set('post_logout_redirect_uri', 'http://localhost:9999/')
  const stopAt = (target: URL) => target.port === '9999'
  const landing = await browser.walk(url.href, { login: '', stopAt })
  expect(landing.url).toBe('http://localhost:9999/')
  const page = await browser.walk(loginUrl(pkce().challenge), {
    login: 'guest@globex.test',
    stopAt
  })
  expect(new URL(page.url).searchParams.get('code')).toBeTruthy()
})
