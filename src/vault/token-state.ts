import { plusMs } from '../base/clock.ts'
import { AppError, type ProblemCode } from '../base/errors.ts'
import type { OAuthFailure } from '../providers/provider.ts'
import { aheadOfMs, lifeMsOf } from './renewal-turn.ts'

/** `pending → active ⇄ degraded → needs_sign_in | misconfigured | paused | revoked`. */
export type GrantState =
  | 'pending'
  | 'active'
  | 'degraded'
  | 'needs_sign_in'
  | 'misconfigured'
  | 'paused'
  | 'revoked'

/** `pat`: a personal access token, which is given and never asked for. */
export type GrantKind = 'user' | 'pat' | 'service_principal'

/** What the decision needs to know of a grant. */
export interface GrantFacts {
  readonly kind: GrantKind
  readonly state: GrantState
  readonly cause: string | null
  readonly nextTryAt: Date | null
  readonly generation: number
  readonly hasRefreshToken: boolean
  readonly accessExpiresAt: Date | null
  readonly accessIssuedAt: Date | null
  /** The grant's own turn among those whose tokens end together, from 0 up to 1: see `turnOf`. */
  readonly turn: number
}

export interface TokenWish {
  /** Least remaining life that the caller accepts, milliseconds. */
  readonly minLifeMs: number
  /** The workspace refused the token of this generation: a newer one is wanted. */
  readonly rejectedGeneration: number | null
}

export type Decision =
  /** `isDueSoon`: good, and time to renew it in the background. */
  | { readonly kind: 'use'; readonly isDueSoon: boolean }
  /** `isForced`: by the workspace's refusal and not by its age. */
  | { readonly kind: 'refresh'; readonly isForced: boolean }
  | { readonly kind: 'refuse'; readonly error: AppError }

/** A token with less life than this is never handed out: Databricks refuses those with under 30 s left. */
export const leastLifeMs = 60_000

/** What to do for a caller who wants a token now. Pure. */
export function decide(grant: GrantFacts, wish: TokenWish, now: Date): Decision {
  if (grant.state === 'revoked' || grant.state === 'paused') {
    return { kind: 'refuse', error: refusal(grant) }
  }
  const isRejected = wish.rejectedGeneration !== null && grant.generation <= wish.rejectedGeneration
  const leftMs =
    grant.accessExpiresAt === null ? 0 : grant.accessExpiresAt.getTime() - now.getTime()
  const isWaiting = grant.nextTryAt !== null && grant.nextTryAt > now
  const isEnded = grant.state === 'needs_sign_in'
  const isRefused = grant.kind === 'pat' && isEnded
  if (!isRejected && !isRefused && leftMs > 0 && leftMs >= neededLifeMs(grant, wish)) {
    const isDue = leftMs < aheadOfMs(grant) && grant.kind !== 'pat'
    const isDueSoon = isDue && !isWaiting && !isEnded
    return { kind: 'use', isDueSoon }
  }
  if (isWaiting || isEnded) return { kind: 'refuse', error: refusal(grant) }
  const isOver = grant.kind === 'pat' && leftMs <= 0
  if (isOver || (grant.kind === 'user' && !grant.hasRefreshToken)) {
    return { kind: 'refuse', error: new AppError('sign_in_needed') }
  }
  return { kind: 'refresh', isForced: isRejected && leftMs >= neededLifeMs(grant, wish) }
}

/** A provider whose tokens live for less than what is asked for gives what it can: half a life. */
function neededLifeMs(grant: GrantFacts, wish: TokenWish): number {
  if (grant.kind === 'pat') return 0 // no newer one can be had
  return Math.min(Math.max(wish.minLifeMs, leastLifeMs), lifeMsOf(grant) / 2)
}

/** Why a grant cannot serve now, in the words of the problem catalogue. */
function refusal(grant: GrantFacts): AppError {
  if (grant.state === 'needs_sign_in' || grant.state === 'revoked') {
    return new AppError(
      grant.kind === 'service_principal' ? 'service_principal_refused' : 'sign_in_needed'
    )
  }
  const retryAt = grant.nextTryAt === null ? {} : { retryAt: grant.nextTryAt }
  return new AppError(codeOfCause(grant.cause), retryAt)
}

/** Causes that are problem codes are told as such; anything else is an outage of the provider. */
const toldCauses: readonly ProblemCode[] = [
  'app_connection_refused',
  'service_principal_refused',
  'scope_missing',
  'ip_not_allowed',
  'oauth_not_enabled',
  'workspace_unreachable',
  'dns_failed',
  'tls_failed',
  'upstream_timeout',
  'discovery_failed',
  'host_not_allowed',
  'app_connection_missing',
  'principal_not_in_workspace',
  'service_principal_missing',
  'federation_policy_missing',
  'federation_policy_mismatch',
  'federation_keys_unavailable'
]

export function codeOfCause(cause: string | null): ProblemCode {
  return toldCauses.find((code) => code === cause) ?? 'upstream_unavailable'
}

/** How a grant stands after a refresh that gave no token. */
export interface Setback {
  readonly state: GrantState
  readonly cause: string
  readonly nextTryAt: Date | null
  readonly error: AppError
}

const backoffBaseMs = 2_000
const backoffMaxMs = 15 * 60_000
/** Others must act before a new try makes sense, but nobody tells us when they did. */
const misconfiguredBaseMs = 60_000

/**
 * What a failed refresh means for the grant. An outage never ends a grant; only the provider's own word on
 * the refresh token does.
 * @param failures how many tries in a row have failed before this one
 * @param jitter 0 ≤ jitter < 1
 */
export function setbackOf(
  kind: GrantKind,
  failure: OAuthFailure | AppError,
  at: { now: Date; failures: number; jitter: number }
): Setback {
  if (failure instanceof AppError) return setbackOfError(failure, at)
  switch (failure.kind) {
    case 'dead_grant':
      return kind === 'user'
        ? ended('needs_sign_in', 'refresh_token_refused', 'sign_in_needed')
        : misconfigured('service_principal_refused', at)
    case 'refused':
    case 'details_refused':
      // What the provider has against this one identity is nothing against the client.
      return misconfigured(
        kind === 'user' ? 'principal_not_in_workspace' : 'service_principal_refused',
        at
      )
    case 'client_refused':
      return misconfigured(
        kind === 'user' ? 'app_connection_refused' : 'service_principal_refused',
        at
      )
    case 'scope_missing':
    case 'ip_not_allowed':
    case 'oauth_not_enabled':
    case 'federation_policy_missing':
    case 'federation_policy_mismatch':
    case 'federation_keys_unavailable':
      return misconfigured(failure.kind, at)
    case 'redirect_uri_mismatch':
      return misconfigured('app_connection_refused', at)
    case 'throttled':
    case 'transient':
    case 'malformed':
      return degraded('upstream_unavailable', at, failure.retryAfterSeconds ?? null)
  }
}

/** No answer came: our own side or the network, unless it names somebody who must act. */
function setbackOfError(
  error: AppError,
  at: { now: Date; failures: number; jitter: number }
): Setback {
  if (error.code === 'sign_in_needed') return ended('needs_sign_in', error.code, error.code)
  const needsAdmin = error.owner.endsWith('_admin')
  return needsAdmin ? misconfigured(error.code, at) : degraded(error.code, at, null)
}

function ended(state: GrantState, cause: string, code: ProblemCode): Setback {
  return { state, cause, nextTryAt: null, error: new AppError(code) }
}

function misconfigured(code: ProblemCode, at: { now: Date; failures: number }): Setback {
  const nextTryAt = plusMs(at.now, backoffOf(misconfiguredBaseMs, at.failures))
  return {
    state: 'misconfigured',
    cause: code,
    nextTryAt,
    error: new AppError(code, { retryAt: nextTryAt })
  }
}

function backoffOf(baseMs: number, failures: number): number {
  return Math.min(baseMs * 2 ** Math.min(failures, 20), backoffMaxMs)
}

function degraded(
  code: ProblemCode,
  at: { now: Date; failures: number; jitter: number },
  retryAfterSeconds: number | null
): Setback {
  const jittered = backoffOf(backoffBaseMs, at.failures) * (0.5 + at.jitter / 2)
  const nextTryAt = plusMs(at.now, Math.max(jittered, (retryAfterSeconds ?? 0) * 1_000))
  return {
    state: 'degraded',
    cause: code,
    nextTryAt,
    error: new AppError(code, { retryAt: nextTryAt })
  }
}

/** What tells how long a sign-in can last. */
export interface SignInLife {
  readonly signedInAt: Date | null
  readonly refreshIssuedAt: Date | null
  /** Of the app connection's policy, else the provider's default; minutes. */
  readonly refreshTokenTtlMinutes: number
  /** Of the app connection's policy; null: no end but the refresh token's own. */
  readonly absoluteSessionMinutes: number | null
}

/** When the person will have to sign in again at the latest: the earlier of the two ends. Pure. */
export function predictSignIn(life: SignInLife): Date | null {
  const { signedInAt, refreshIssuedAt, refreshTokenTtlMinutes, absoluteSessionMinutes } = life
  const ends: number[] = []
  if (refreshIssuedAt !== null)
    ends.push(refreshIssuedAt.getTime() + refreshTokenTtlMinutes * 60_000)
  if (signedInAt !== null && absoluteSessionMinutes !== null) {
    ends.push(signedInAt.getTime() + absoluteSessionMinutes * 60_000)
  }
  return ends.length === 0 ? null : new Date(Math.min(...ends))
}
