import { createHash, randomBytes } from 'node:crypto'
import { type Browserless, createBrowserless } from '../../src/local/browserless.ts'
import { type RunningDatabricks, startDatabricks } from '../../src/local/databricks/workspace.ts'

export const app = {
  clientId: '0b1c2d3e-app',
  clientSecret: 'dose-app-secret',
  redirectUrls: ['http://localhost:9999/oauth/callback/apc_1'],
  scopes: ['all-apis', 'sql', 'offline_access', 'openid', 'email', 'profile']
}

export const principal = {
  clientId: '5f0f6c9e-3a41-4f6e-9d2b-0c1a2b3c4d5e',
  clientSecret: 'dose-principal-secret',
  displayName: 'Night Worker'
}

export const narrow = {
  clientId: '9e9e6c9e-3a41-4f6e-9d2b-0c1a2b3c4d5e',
  clientSecret: 'dose-narrow-secret',
  displayName: 'Sql Only',
  scopes: ['sql']
}

export const people = [
  { email: 'admin@acme.test', name: 'Ada Admin' },
  { email: 'dev@acme.test', name: 'Dev Devi' }
]

export function startWorkspace(): Promise<RunningDatabricks> {
  return startDatabricks({
    port: 0,
    workspaceId: '900800700600',
    name: 'Test workspace',
    people,
    apps: [app],
    servicePrincipals: [principal, narrow]
  })
}

export interface TokenAnswer {
  access_token: string
  refresh_token?: string
  id_token?: string
  token_type: string
  expires_in: number
  scope: string
  error?: string
  error_description?: string
}

export interface JsonAnswer<T> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

export async function postForm<T = TokenAnswer>(
  url: string,
  form: Record<string, string>,
  headers: Record<string, string> = {}
): Promise<JsonAnswer<T>> {
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form), headers })
  const text = await answer.text()
  return {
    status: answer.status,
    headers: answer.headers,
    body: text === '' ? '' : JSON.parse(text)
  }
}

export function basic(id: string, secret: string): Record<string, string> {
  return { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` }
}

export function pkce() {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}

export function authorizeUrl(origin: string, challenge: string, more: Record<string, string> = {}) {
  const url = new URL(`${origin}/oidc/v1/authorize`)
  const params = {
    response_type: 'code',
    client_id: app.clientId,
    redirect_uri: app.redirectUrls[0] ?? '',
    scope: 'all-apis offline_access',
    state: 'state-1',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...more
  }
  for (const [name, value] of Object.entries(params)) {
    if (value !== '') url.searchParams.set(name, value)
  }
  return url.href
}

/** Walks to the callback and returns its parameters. */
export async function authorize(
  origin: string,
  options: {
    challenge: string
    browser?: Browserless
    email?: string
    consent?: 'allow' | 'deny'
    more?: Record<string, string>
  }
): Promise<URLSearchParams> {
  const browser = options.browser ?? createBrowserless()
  const landing = await browser.walk(authorizeUrl(origin, options.challenge, options.more), {
    login: options.email ?? 'dev@acme.test',
    consent: options.consent ?? 'allow',
    stopAt: (url) => url.port === '9999'
  })
  return new URL(landing.url).searchParams
}

export async function signIn(
  origin: string,
  more: Record<string, string> = {}
): Promise<TokenAnswer> {
  const { verifier, challenge } = pkce()
  const callback = await authorize(origin, { challenge, more })
  const { body } = await postForm(`${origin}/oidc/v1/token`, {
    grant_type: 'authorization_code',
    code: callback.get('code') ?? '',
    redirect_uri: app.redirectUrls[0] ?? '',
    code_verifier: verifier,
    client_id: app.clientId,
    client_secret: app.clientSecret
  })
  return body
}

export function refresh(origin: string, refreshToken: string | undefined) {
  return postForm(`${origin}/oidc/v1/token`, {
    grant_type: 'refresh_token',
    refresh_token: refreshToken ?? '',
    client_id: app.clientId,
    client_secret: app.clientSecret
  })
}

export function machineToken(
  origin: string,
  { clientId, clientSecret }: { clientId: string; clientSecret: string },
  scope = 'all-apis'
) {
  const form = { grant_type: 'client_credentials', scope }
  return postForm(`${origin}/oidc/v1/token`, form, basic(clientId, clientSecret))
}

export async function api<T = Record<string, unknown>>(
  origin: string,
  path: string,
  token: string | undefined,
  init: { method?: string; body?: unknown; headers?: Record<string, string> } = {}
): Promise<JsonAnswer<T>> {
  const answer = await fetch(`${origin}${path}`, {
    method: init.method ?? (init.body === undefined ? 'GET' : 'POST'),
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...init.headers
    },
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) })
  })
  const text = await answer.text()
  return {
    status: answer.status,
    headers: answer.headers,
    body: text === '' ? '' : JSON.parse(text)
  }
}

export async function setFaults(origin: string, patch: Record<string, unknown>): Promise<void> {
  const answer = await fetch(`${origin}/_sim/faults`, {
    method: 'PATCH',
    body: JSON.stringify(patch)
  })
  if (answer.status !== 200) throw new TypeError(await answer.text())
}

export async function resetFaults(origin: string): Promise<void> {
  await fetch(`${origin}/_sim/faults`, { method: 'DELETE' })
}

export interface LogItem {
  at: string
  method: string
  path: string
  status: number | null
  grantType: string | null
  clientId: string | null
  familyId: string | null
  tokenId: string | null
  principal: string | null
  bodySha256: string | null
  aborted: boolean
}

export async function readLog(origin: string, since?: string): Promise<LogItem[]> {
  const query = since === undefined ? '' : `?since=${encodeURIComponent(since)}`
  const { body } = await api<{ items: LogItem[] }>(origin, `/_sim/log${query}`, undefined)
  return body.items
}
