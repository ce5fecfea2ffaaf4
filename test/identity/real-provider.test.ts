import { createHash, randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { Secret } from '../../src/base/secret.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { createIdentity, createLoginClient, type Identity } from '../../src/identity/identity.ts'
import {
  type RunningIdentityProvider,
  startIdentityProvider
} from '../../src/local/identity-provider.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { createTenantVersions } from '../../src/store/tenant-versions.ts'
import { createTokenMarks } from '../../src/vault/token-marks.ts'
import { browser, codeOf, createWorld, publicUrl, redirectOf, type World } from './world.ts'

const email = 'admin@acme.test'
const client = {
  clientId: 'weft',
  clientSecret: 'a-secret-of-some-length-and-more-of-it',
  redirectUris: [`${publicUrl}/auth/callback/*`]
}
let world: World
let provider: RunningIdentityProvider
let outbound: Outbound
let identity: Identity

beforeAll(async () => {
  world = await createWorld()
  const people = [{ email, name: 'Ada Admin' }]
  provider = await startIdentityProvider({ port: 0, people, clients: [client] })
  const { clock, db, strongbox } = world
  outbound = createOutbound({ extraOrigins: [provider.url], clock, userAgent: 'weft-test' })
  identity = createIdentity({
    vault: {
      forget: async () => false,
      revokeEnded: () => async () => null,
      prepareRevocations: async () => async () => ({ revoked: 0, notRevoked: 0 })
    },
    db,
    strongbox,
    clock,
    publicUrl,
    audit: createAudit(db, clock),
    versions: createTenantVersions(db, clock),
    lastUses: world.lastUses,
    signingKeys: world.signingKeys,
    tokenMarks: createTokenMarks({ db, strongbox, clock }),
    issuerOutbound: outbound,
    loginClient: createLoginClient({ outbound, clock }),
    bootstrap: { tenantSlug: 'real', adminEmail: email }
  })
  await world.bootstrap.ensureBootstrap({
    tenantSlug: 'real',
    login: {
      issuer: provider.url,
      clientId: client.clientId,
      clientSecret: new Secret(client.clientSecret),
      emailDomains: ['acme.test']
    }
  })
})

afterAll(async () => {
  await outbound?.destroy()
  await provider?.stop()
  await world?.close()
})

/** Follows redirects as a browser does, logs in where it is asked to, stops at Weft's own callback. */
async function browse(start: string): Promise<URL> {
  const cookies = new Map<string, string>()
  let url = new URL(start)
  let form: URLSearchParams | null = null
  for (let hop = 0; hop < 10; hop += 1) {
    if (url.origin === publicUrl) return url
    const response = await fetch(url, {
      method: form === null ? 'GET' : 'POST',
      ...(form === null ? {} : { body: form }),
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      redirect: 'manual'
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    form = location === null ? new URLSearchParams({ login: email }) : null
    if (location !== null) url = new URL(location, url)
  }
  throw new TypeError('the login leads nowhere')
}

async function logIn(tenantSlug: string | null) {
  const started = await identity.login.start({
    tenantSlug,
    loginProviderId: null,
    email: null,
    returnTo: '/console',
    browserToken: browser
  })
  const redirectUrl = redirectOf(started)
  const callback = await browse(redirectUrl)
  const loginProviderId = callback.pathname.split('/').at(-1) ?? ''
  return await identity.login.finish({
    loginProviderId: loginProviderId as never,
    query: callback.search.slice(1),
    browserToken: browser,
    sessionToken: null,
    invitationToken: null,
    userAgent: 'test',
    requestId: randomUUID()
  })
}

test('a certified OpenID provider logs a person in through real redirects', async () => {
  const { sessionToken, returnTo } = await logIn(null)
  expect(returnTo).toBe('/console')
  const credentials = { sessionToken, bearer: null, source: '192.0.2.9', requestId: 'request-1' }
  const me = await identity.sessions.me(await identity.authenticate(credentials))
  expect(me).toMatchObject({
    user: { email, name: 'Ada Admin' },
    tenant: { slug: 'real' },
    role: 'tenant_admin'
  })
  const { endSessionUrl } = await identity.sessions.logout(sessionToken, 'request-1')
  const page = await fetch(endSessionUrl ?? '')
  expect(page.status).toBe(200)
  expect(await codeOf(identity.authenticate(credentials))).toBe('unauthenticated')
})

test('its ID token stands for a workload where a service account believes it, and its spoilt one does not', async () => {
  const admin = await callerOfAdmin()
  const account = await identity.serviceAccounts.create(admin, { name: 'workload' })
  const jwt = await idToken()
  const { sub = '' } = decodeJwt(jwt)
  await identity.federatedIdentities.create(admin, account.id, {
    name: 'real',
    issuer: provider.url,
    audience: 'weft',
    subject: sub,
    claims: {},
    jwksUri: null,
    jwks: null,
    maxAgeSeconds: 300,
    oneUse: false
  })
  const exchange = (assertion: string) =>
    identity.serviceTokens.exchange({
      serviceAccountId: account.id,
      assertion,
      assertionType: 'id_token',
      tenantSlug: 'real',
      target: null,
      source: '192.0.2.1',
      requestId: 'request-1'
    })
  const { accessToken } = await exchange(jwt)
  const credentials = {
    sessionToken: null,
    bearer: accessToken,
    source: '192.0.2.9',
    requestId: 'request-1'
  }
  const { scope } = await identity.authenticate(credentials)
  expect(scope.actor).toEqual({ kind: 'service_account', id: account.id })
  const [header, claims, signature = ''] = jwt.split('.')
  const spoilt = [header, claims, signature.split('').reverse().join('')].join('.')
  expect(await codeOf(exchange(spoilt))).toBe('invalid_request')
})

async function callerOfAdmin(): Promise<TenantScope> {
  const { sessionToken } = await logIn('real')
  const credentials = { sessionToken, bearer: null, source: '192.0.2.9', requestId: 'request-1' }
  return (await identity.authenticate(credentials)).scope
}

/** As any client of the provider's gets it: authorization code with PKCE. */
async function idToken(): Promise<string> {
  const verifier = 'v'.repeat(43)
  const redirectUri = `${publicUrl}/auth/callback/other`
  const authorize = new URL(`${provider.url}/auth`)
  authorize.search = new URLSearchParams({
    client_id: client.clientId,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256'
  }).toString()
  const callback = await browse(authorize.href)
  const answer = await fetch(`${provider.url}/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: callback.searchParams.get('code') ?? '',
      redirect_uri: redirectUri,
      code_verifier: verifier
    })
  })
  return ((await answer.json()) as { id_token: string }).id_token
}

test('A1 its ID token with a spoilt signature logs nobody in', async () => {
  const faults = `${provider.url}/_sim/faults`
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify({ idTokenSignature: 'bad' })
  expect((await fetch(faults, { method: 'PATCH', headers, body })).ok).toBe(true)
  expect(await codeOf(logIn('real'))).toBe('unauthenticated')
  await fetch(faults, { method: 'DELETE' })
  expect(await codeOf(logIn('real'))).toBe('no error')
})
