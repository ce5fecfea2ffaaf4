import type { AnswerHeaders, OAuthFailure, OAuthFailureKind, ProviderOAuth } from '../provider.ts'
import { isPage, readEnvelope, readJson } from './envelope.ts'

const retryAfterMaxSeconds = 3_600

/**
 * What a failed call of the token endpoint means. Databricks reports a dead refresh token as
 * `invalid_request` or `invalid_grant`, with 400 or 401; a refused client says nothing about any grant;
 * and whatever the status promises to be passing is passing, whatever the body says.
 */
export function classifyOAuthFailure(
  status: number,
  body: string,
  headers: AnswerHeaders = {}
): OAuthFailure {
  const retryAfterSeconds = readRetryAfter(headers)
  const kind = kindOf(status, body, headers)
  return retryAfterSeconds === null ? { kind } : { kind, retryAfterSeconds }
}

/**
 * Faults of client and redirect URI are a JSON page, those of the scopes come with the browser sent back;
 * sent anywhere else, or shown a page, the person would be signing in.
 */
export const readAuthorizationAnswer: ProviderOAuth['readAuthorizationAnswer'] = (
  { status, headers, body, location },
  redirectUri
) => {
  if (status >= 400) return classifyOAuthFailure(status, body, headers)
  if (status >= 300)
    return location === null ? { kind: 'malformed' } : sentBack(location, redirectUri)
  return isPage(headers, body) ? null : { kind: 'malformed' }
}

function sentBack(location: URL, redirectUri: string): OAuthFailure | null {
  const error = location.searchParams.get('error')
  if (location.origin + location.pathname !== redirectUri || error === null) return null
  const description = location.searchParams.get('error_description') ?? ''
  return { kind: kindOfError(error, description) }
}

function kindOf(status: number, body: string, headers: AnswerHeaders): OAuthFailureKind {
  if (status === 429) return 'throttled'
  if (status === 408 || status === 425 || status >= 500) return 'transient'
  if (status < 400) return isPage(headers, body) ? 'oauth_not_enabled' : 'malformed'
  const json = readJson(body)
  if (json === null)
    return isPage(headers, body) || status === 404 ? 'oauth_not_enabled' : 'malformed'
  const { errorCode, message } = readEnvelope(body)
  const error = json.error
  if (typeof error === 'string' && errorCode === null) return kindOfError(error, message)
  return kindOfEnvelope(errorCode, message)
}

function kindOfError(error: string, description: string): OAuthFailureKind {
  const ofFederation = kindOfFederation(description)
  if (ofFederation !== null) return ofFederation
  if (error === 'invalid_grant' || isDeadRefreshToken(description)) return 'dead_grant'
  if (/^OAuth application with client_id\b/i.test(description)) return 'client_refused'
  if (/^redirect_uri\b.*\bnot registered\b/i.test(description)) return 'redirect_uri_mismatch'
  if (/^Scopes? .*\bnot assigned\b/i.test(description)) return 'scope_missing'
  switch (error) {
    case 'INVALID_REFRESH_TOKEN':
      return 'dead_grant'
    case 'invalid_client':
    case 'unauthorized_client':
      return 'client_refused'
    case 'invalid_scope':
      return 'scope_missing'
    case 'invalid_authorization_details':
      return 'details_refused'
    case 'slow_down':
      return 'throttled'
    case 'temporarily_unavailable':
    case 'server_error':
      return 'transient'
    default:
      return 'refused'
  }
}

/** Of a token exchange: words of which the capitals are the service's own. */
function kindOfFederation(description: string): OAuthFailureKind | null {
  if (/\bTOKEN_(AUDIENCE|SUBJECT|ISSUER)_INVALID\b/.test(description)) {
    return 'federation_policy_mismatch'
  }
  if (!/\bTOKEN_INVALID\b|\bfederation policy\b/i.test(description)) return null
  return /\b(jwks?|keys?|signature)\b/i.test(description)
    ? 'federation_keys_unavailable'
    : 'federation_policy_missing'
}

/** The edge answers in its own form before OAuth is reached. */
function kindOfEnvelope(errorCode: string | number | null, message: string): OAuthFailureKind {
  if (/\bIP ACL\b|^Source IP address\b/i.test(message)) return 'ip_not_allowed'
  if (errorCode === 'INVALID_REFRESH_TOKEN' || isDeadRefreshToken(message)) return 'dead_grant'
  switch (errorCode) {
    case 'RESOURCE_EXHAUSTED':
    case 'REQUEST_LIMIT_EXCEEDED':
      return 'throttled'
    case 'TEMPORARILY_UNAVAILABLE':
    case 'INTERNAL_ERROR':
    case 'DEADLINE_EXCEEDED':
      return 'transient'
    case 'ENDPOINT_NOT_FOUND':
    case 'FEATURE_DISABLED':
      return 'oauth_not_enabled'
    default:
      return 'malformed'
  }
}

function isDeadRefreshToken(description: string): boolean {
  return /refresh token is invalid/i.test(description)
}

/** Seconds, or a date measured against the answer's own `date` (RFC 9110 §10.2.3). */
export function readRetryAfter(headers: AnswerHeaders): number | null {
  const text = headers['retry-after']?.trim() ?? ''
  const seconds = /^\d{1,9}$/.test(text)
    ? Number(text)
    : (Date.parse(text) - Date.parse(headers.date ?? '')) / 1_000
  if (!Number.isFinite(seconds)) return null
  return Math.min(Math.max(Math.ceil(seconds), 1), retryAfterMaxSeconds)
}
