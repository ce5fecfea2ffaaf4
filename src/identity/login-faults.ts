import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'
import { AppError, type ProblemCode } from '../base/errors.ts'

/** RFC 6749 §4.1.2.1 and §5.2, OpenID Connect Core §3.1.2.6. */
const registeredErrors: readonly unknown[] = [
  'access_denied',
  'account_selection_required',
  'consent_required',
  'interaction_required',
  'invalid_client',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'login_required',
  'server_error',
  'temporarily_unavailable',
  'unauthorized_client',
  'unsupported_grant_type',
  'unsupported_response_type'
]

/** Our own verdicts; every other fault of the guarded fetch is an outage. */
const kept: readonly ProblemCode[] = ['discovery_failed', 'host_not_allowed', 'unauthenticated']

const away = 'The identity provider does not answer; try again'

/**
 * An error of the identity provider's, or of openid-client about it, as one of ours. Nothing travels but a
 * registered code word: messages, bodies and causes may hold tokens.
 */
export function loginFault(err: unknown): AppError {
  const known = guardedFault(err)
  if (known !== null) return known
  if (err instanceof ResponseBodyError || err instanceof AuthorizationResponseError) {
    const word = registeredErrors.includes(err.error) ? err.error : 'an error'
    const isAway = err instanceof ResponseBodyError && err.status >= 500
    if (isAway) return new AppError('upstream_unavailable', { detail: away })
    return refused(`The identity provider answered ${word}`, null)
  }
  if (isServerError(err)) return new AppError('upstream_unavailable', { detail: away })
  return refused("The identity provider's answer does not hold", codeOf(err))
}

/** The same for its metadata: what is not an outage is a wrong setting. */
export function discoveryFault(err: unknown): AppError {
  const known = guardedFault(err)
  if (known !== null) return known
  if (isServerError(err)) return new AppError('upstream_unavailable', { detail: away })
  return unusableMetadata(codeOf(err) ?? 'not metadata')
}

export function unusableMetadata(note: string): AppError {
  return new AppError('discovery_failed', {
    detail: "The identity provider's metadata is not usable",
    note
  })
}

/** What the guarded fetch threw, in whatever it was wrapped since. */
function guardedFault(err: unknown): AppError | null {
  const fault = err instanceof Error && err.cause instanceof AppError ? err.cause : err
  if (fault instanceof AppError) {
    const { code } = fault
    if (kept.includes(code)) return fault
    return new AppError('upstream_unavailable', { detail: away, note: code })
  }
  const isTimeout = err instanceof ClientError && /^OAUTH_(TIMEOUT|ABORT)$/.test(err.code ?? '')
  return isTimeout ? new AppError('upstream_unavailable', { detail: away }) : null
}

function isServerError(err: unknown): boolean {
  return err instanceof ClientError && err.cause instanceof Response && err.cause.status >= 500
}

/** Whether other signing keys might make the ID token hold. */
export function isKeyFault(err: unknown): boolean {
  const code = codeOf(err)
  return code === 'OAUTH_KEY_SELECTION_FAILED' || code === 'OAUTH_INVALID_RESPONSE'
}

function codeOf(err: unknown): string | null {
  const code = err instanceof ClientError ? err.code : undefined
  return code !== undefined && /^OAUTH_[A-Z_]{1,50}$/.test(code) ? code : null
}

function refused(detail: string, note: string | null): AppError {
  return new AppError('unauthenticated', { detail, ...(note === null ? {} : { note }) })
}
