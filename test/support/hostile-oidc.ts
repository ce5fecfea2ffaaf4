import { createHash, randomUUID, type webcrypto } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: webcrypto.CryptoKey
  readonly jwk: JWK
}

/** What it does wrong; each test sets what it needs, `reset` makes it honest again. */
export interface Script {
  /** Last word on the claims. */
  claims: (claims: JWTPayload) => JWTPayload
  /** The whole ID token from its claims. */
  sign: (claims: JWTPayload) => Promise<string>
  /** The published keys. */
  keys: () => readonly JWK[]
  metadata: (metadata: Record<string, unknown>) => Record<string, unknown>
  /** Instead of the honest answer. */
  tokenAnswer: { status: number; body: unknown } | null
  discoveryStatus: number
  /** Answer of the userinfo endpoint, which is announced only where there is one. */
  userinfo: JWTPayload | null
}

export interface HostileOidc {
  readonly issuer: string
  readonly script: Script
  readonly counts: { discovery: number; keys: number; token: number }
  readonly tokenRequests: URLSearchParams[]
  key: SigningKey
  /** What the browser brings back from the authorization endpoint: the callback's query. */
  authorize(redirectUrl: string, person: JWTPayload): string
  reset(): void
  stop(): Promise<void>
}

interface Code {
  readonly nonce: string
  readonly challenge: string
  readonly clientId: string
  readonly redirectUri: string
  readonly person: JWTPayload
}

export async function newSigningKey(kid: string = randomUUID()): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256')
  return {
    kid,
    privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' }
  }
}

export function signWith(key: SigningKey, header: Record<string, unknown> = { kid: key.kid }) {
  return (claims: JWTPayload) =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', ...header }).sign(key.privateKey)
}

/** An OpenID provider that signs whatever a test tells it to; its clients' secret is `client-secret`. */
export async function startHostileOidc(now: () => Date): Promise<HostileOidc> {
  const codes = new Map<string, Code>()
  const server = createServer((req, res) => {
    answer(req, res).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`

  const oidc: HostileOidc = {
    issuer,
    key: await newSigningKey(),
    counts: { discovery: 0, keys: 0, token: 0 },
    tokenRequests: [],
    script: honest(),
    authorize(redirectUrl, person) {
      const { searchParams } = new URL(redirectUrl)
      const code = randomUUID()
      const read = (name: string) => searchParams.get(name) ?? ''
      codes.set(code, {
        nonce: read('nonce'),
        challenge: read('code_challenge'),
        clientId: read('client_id'),
        redirectUri: read('redirect_uri'),
        person
      })
      return new URLSearchParams({ code, state: read('state'), iss: issuer }).toString()
    },
    reset: () => void Object.assign(oidc.script, honest()),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      })
  }

  function metadataNow(): Record<string, unknown> {
    const userinfo =
      oidc.script.userinfo === null ? {} : { userinfo_endpoint: `${issuer}/userinfo` }
    return oidc.script.metadata({ ...metadataOf(issuer), ...userinfo })
  }

  function honest(): Script {
    return {
      claims: (claims) => claims,
      sign: (claims) => signWith(oidc.key)(claims),
      keys: () => [oidc.key.jwk],
      metadata: (metadata) => metadata,
      tokenAnswer: null,
      discoveryStatus: 200,
      userinfo: null
    }
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const { pathname } = new URL(req.url ?? '/', issuer)
    if (pathname.endsWith('/.well-known/openid-configuration')) {
      oidc.counts.discovery += 1
      return send(res, oidc.script.discoveryStatus, metadataNow())
    }
    if (pathname === '/keys') {
      oidc.counts.keys += 1
      return send(res, 200, { keys: oidc.script.keys() })
    }
    if (pathname === '/userinfo') return send(res, 200, oidc.script.userinfo)
    if (pathname !== '/token') return send(res, 404, {})
    oidc.counts.token += 1
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const form = new URLSearchParams(Buffer.concat(chunks).toString())
    oidc.tokenRequests.push(form)
    if (oidc.script.tokenAnswer !== null) {
      return send(res, oidc.script.tokenAnswer.status, oidc.script.tokenAnswer.body)
    }
    const code = codes.get(form.get('code') ?? '')
    codes.delete(form.get('code') ?? '')
    const fault = faultOf(form, code)
    if (code === undefined || fault !== null) return send(res, 400, { error: fault })
    const iat = Math.floor(now().getTime() / 1000)
    const times = { iat, exp: iat + 300 }
    const claims = { iss: issuer, aud: code.clientId, nonce: code.nonce, ...times, ...code.person }
    const id_token = await oidc.script.sign(oidc.script.claims(claims))
    return send(res, 200, { access_token: randomUUID(), token_type: 'Bearer', id_token })
  }
  return oidc
}

function metadataOf(issuer: string): Record<string, unknown> {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/keys`,
    end_session_endpoint: `${issuer}/logout`,
    response_types_supported: ['code'],
    id_token_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: ['client_secret_post'],
    authorization_response_iss_parameter_supported: true
  }
}

/** RFC 6749 §4.1.3 and RFC 7636 §4.6: what an honest provider checks. */
function faultOf(form: URLSearchParams, code: Code | undefined): string | null {
  if (form.get('client_secret') !== 'client-secret') return 'invalid_client'
  if (code === undefined || form.get('client_id') !== code.clientId) return 'invalid_grant'
  if (form.get('redirect_uri') !== code.redirectUri) return 'invalid_grant'
  const verifier = form.get('code_verifier') ?? ''
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  return challenge === code.challenge ? null : 'invalid_grant'
}

function send(res: ServerResponse, status: number, body: unknown): void {
  res.writeHead(status, { 'content-type': 'application/json' })
  res.end(typeof body === 'string' ? body : JSON.stringify(body))
}
