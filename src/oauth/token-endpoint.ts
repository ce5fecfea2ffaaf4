import * as openid from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { type TraceContext, traceparentOf } from '../base/trace.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Provider } from '../providers/provider.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { RawAnswer } from './raw-answer.ts'

/** The client as the provider knows it (RFC 6749 §2). */
export interface OAuthClient {
  readonly clientId: string
  readonly clientSecret: Secret
  readonly authMethod: 'client_secret_post' | 'client_secret_basic'
}

/** Where and as whom a token is asked for. */
export interface TokenEndpoint {
  readonly provider: Provider
  readonly workspaceOrigin: string
  readonly server: AuthorizationServer
  /** Null: what is presented stands for itself, and no client is named. */
  readonly client: OAuthClient | null
  /** The trace that the exchange belongs to, for the workspace's own host; none: it is told of none. */
  readonly trace?: TraceContext | null
}

/** Keeps the answer before anything judges it; the exchange goes on only once it has resolved. */
export type KeepAnswer = (answer: RawAnswer) => Promise<void>

/** For the whole call, milliseconds; the refresh lease is longer. */
export const tokenTimeoutMs = 10_000
const tokenAnswerMaxBytes = 256 * 1024
const keptHeaders = ['date', 'retry-after'] as const

export interface TokenExchangeDeps {
  readonly outbound: Outbound
  readonly clock: Clock
}

/**
 * Runs one exchange of openid-client against the pinned token endpoint and returns the raw answer. What the
 * library throws after an answer came is dropped: its errors hold response bodies, and the answer is judged
 * by `readTokenAnswer` instead.
 * @throws AppError of outbound, when no answer came
 */
export async function exchangeTokens(
  deps: TokenExchangeDeps,
  endpoint: TokenEndpoint,
  keep: KeepAnswer,
  run: (config: openid.Configuration) => Promise<unknown>
): Promise<RawAnswer> {
  const seen: { answer: RawAnswer | null; failure: unknown } = { answer: null, failure: null }
  const config = configurationOf(endpoint)
  config[openid.customFetch] = async (url, options) => {
    if (url !== endpoint.server.tokenEndpoint) return await fetchKeys(deps, endpoint, url, options)
    try {
      const response = await deps.outbound.fetchFor(
        { kind: 'origin', origin: endpoint.workspaceOrigin },
        { maxBytes: tokenAnswerMaxBytes, deadlineMs: tokenTimeoutMs }
      )(url, withTrace(options, endpoint.trace ?? null))
      const answer = await rawAnswerOf(response.clone(), deps.clock)
      await keep(answer)
      seen.answer = answer
      return response
    } catch (error) {
      seen.failure = error
      throw error
    }
  }
  try {
    await run(config)
  } catch (error) {
    if (seen.failure instanceof Error) throw seen.failure
    if (seen.answer === null) throw translate(error)
  }
  if (seen.answer === null) throw new AppError('internal', { note: 'no token request was made' })
  return seen.answer
}

/** openid-client's view of the pinned server, with the client's authentication. */
export function configurationOf({ server, client }: TokenEndpoint): openid.Configuration {
  const config = new openid.Configuration(
    {
      issuer: server.issuer,
      authorization_endpoint: server.authorizationEndpoint,
      token_endpoint: server.tokenEndpoint,
      revocation_endpoint: server.revocationEndpoint,
      ...(server.jwksUri === null ? {} : { jwks_uri: server.jwksUri }),
      authorization_response_iss_parameter_supported: server.isIssuerPromised
    },
    client?.clientId ?? 'nobody',
    undefined,
    client === null ? noAuthentication : authenticationOf(client)
  )
  openid.enableNonRepudiationChecks(config)
  // The host guard of outbound lets http through only for an exact origin that the operator named.
  if (server.tokenEndpoint.startsWith('http:')) openid.allowInsecureRequests(config)
  return config
}

function authenticationOf({ clientSecret, authMethod }: OAuthClient): openid.ClientAuth {
  const secret = clientSecret.reveal()
  return authMethod === 'client_secret_basic'
    ? openid.ClientSecretBasic(secret)
    : openid.ClientSecretPost(secret)
}

const noAuthentication: openid.ClientAuth = () => undefined

function withTrace(
  options: openid.CustomFetchOptions,
  trace: TraceContext | null
): openid.CustomFetchOptions {
  if (trace === null) return options
  return { ...options, headers: { ...options.headers, traceparent: traceparentOf(trace) } }
}

async function fetchKeys(
  { outbound }: TokenExchangeDeps,
  { provider }: TokenEndpoint,
  url: string,
  options: openid.CustomFetchOptions
): Promise<Response> {
  return await outbound.fetchFor({ kind: 'zones', zones: provider.jwksZones })(url, options)
}

async function rawAnswerOf(response: Response, clock: Clock): Promise<RawAnswer> {
  const headers: Record<string, string> = {}
  for (const name of keptHeaders) {
    const value = response.headers.get(name)
    if (value !== null) headers[name] = value
  }
  const body = new Secret(await response.text())
  return { status: response.status, headers, body, receivedAt: clock.now() }
}

/** The library refused its own input, such as a callback with a wrong issuer: nothing was sent. */
function translate(error: unknown): AppError {
  if (error instanceof AppError) return error
  if (error instanceof openid.AuthorizationResponseError) {
    return new AppError('invalid_request', {
      detail: `The provider ended the sign-in: ${registeredError(error.error)}`
    })
  }
  return new AppError('invalid_request', {
    detail: "The provider's redirect does not fit this sign-in",
    note: error instanceof openid.ClientError ? (error.code ?? 'client error') : 'unknown'
  })
}

/** RFC 6749 §4.1.2.1. */
const registeredErrors = new Set([
  'invalid_request',
  'unauthorized_client',
  'access_denied',
  'unsupported_response_type',
  'invalid_scope',
  'server_error',
  'temporarily_unavailable'
])

function registeredError(code: string): string {
  return registeredErrors.has(code) ? code : 'an unknown error'
}
