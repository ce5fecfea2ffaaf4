import { randomBytes } from 'node:crypto'
import { Secret } from '../base/secret.ts'
import type { OAuthFailure } from '../providers/provider.ts'
import { authorizationUrl, newCodeVerifier, redeemCode } from './authorization-code.ts'
import { readTokenAnswer } from './token-answer.ts'
import type { TokenEndpoint, TokenExchangeDeps } from './token-endpoint.ts'

/** What is asked about: a client, where it would send people back to, and what it would ask for. */
export interface ProbedClient {
  readonly endpoint: Omit<TokenEndpoint, 'client'>
  readonly clientId: string
  readonly redirectUri: string
  readonly scopes: readonly string[]
}

const authorizationMaxBytes = 256 * 1024

/**
 * Asks for an authorization as a browser without a session would (RFC 6749 §4.1.1), and goes no further than
 * the first answer.
 * @returns null: the client, its redirect URI and the scopes were taken
 * @throws AppError of outbound, when no answer came
 */
export async function probeAuthorization(
  { outbound }: Pick<TokenExchangeDeps, 'outbound'>,
  { endpoint, clientId, redirectUri, scopes }: ProbedClient,
  signal: AbortSignal
): Promise<OAuthFailure | null> {
  const { provider, workspaceOrigin, server } = endpoint
  const codeVerifier = newCodeVerifier()
  const asked = { server, clientId, redirectUri, scopes, state: nonce(), codeVerifier }
  const url = await authorizationUrl(asked)
  const { status, headers, body } = await outbound.request({
    url,
    rule: { kind: 'origin', origin: workspaceOrigin },
    method: 'GET',
    headers: { accept: 'text/html, application/json' },
    maxBytes: authorizationMaxBytes,
    signal
  })
  const location = headers.location === undefined ? null : URL.parse(headers.location, url)
  const answer = { status, headers, body: body.toString('utf8'), location }
  return provider.oauth.readAuthorizationAnswer(answer, redirectUri)
}

/**
 * Redeems a code that nobody issued: a server authenticates the client before it looks at the code
 * (RFC 6749 §4.1.3), so what it objects to tells whether the secret is right.
 * @returns null: the server knew the client by its secret, and refused only the code
 * @throws AppError of outbound, when no answer came
 */
export async function probeClientSecret(
  deps: TokenExchangeDeps,
  endpoint: TokenEndpoint,
  redirectUri: string
): Promise<OAuthFailure | null> {
  const state = nonce()
  const query = new URLSearchParams({
    code: `probe-${nonce().reveal()}`,
    state: state.reveal(),
    iss: endpoint.server.issuer
  })
  const answer = await redeemCode(deps, {
    endpoint,
    redirectUri,
    query: query.toString(),
    state,
    codeVerifier: newCodeVerifier()
  })
  const verdict = readTokenAnswer(endpoint.provider, answer)
  if (verdict.kind === 'granted') return { kind: 'malformed' }
  const isCodeAlone = verdict.failure.kind === 'dead_grant' || verdict.failure.kind === 'refused'
  return isCodeAlone ? null : verdict.failure
}

function nonce(): Secret {
  return new Secret(randomBytes(24).toString('base64url'))
}
