import { randomInt } from 'node:crypto'
import type { AppError } from '../base/errors.ts'
import { asId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { TokenVerdict } from '../oauth/token-answer.ts'
import type { OAuthFailure } from '../providers/provider.ts'
import { raiseAppConnectionFault } from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import { type GrantRow, type GrantTokens, lockGrant, updateGrant } from '../store/grants.ts'
import { endRefresh, type RefreshEnd as WrittenEnd } from '../store/refresh-ends.ts'
import type { RefreshOutcome } from '../store/refresh-journal.ts'
import { announce } from './grant-announcements.ts'
import { insist } from './insistence.ts'
import type { Claim } from './refresh-claim.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { lookAgain, lookAtTokens, schedule } from './refresh-scheduling.ts'
import type { SecretsTried } from './secrets-in-turn.ts'
import type { Place, Strongbox } from './strongbox.ts'
import { type GrantKind, type Setback, setbackOf } from './token-state.ts'
import type { RefreshEnd } from './vault-measures.ts'

export const refreshTokenPlace = (grantId: string): Place => [
  'grant_tokens',
  grantId,
  'refresh_token'
]
export const accessTokenPlace = (grantId: string): Place => [
  'grant_tokens',
  grantId,
  'access_token'
]

/** What a refresh came to; an error: why there is no token, in the words of the problem catalogue. */
export interface RefreshResult {
  readonly end: RefreshEnd
  readonly error: AppError | null
  /** A refresh token that came when its grant was gone already, and that nobody else has heard of. */
  readonly orphan?: Secret | null
}

const superseded: RefreshResult = { end: 'superseded', error: null }

/**
 * Third step: what the answer means becomes the grant's next generation, if the claim still holds.
 * @returns an error when the answer gives nothing to hand out; what it gave is stored all the same
 */
export async function project(
  deps: RefreshDeps,
  scope: TenantScope,
  claim: Claim,
  verdict: TokenVerdict,
  secrets: SecretsTried | null = null
): Promise<RefreshResult> {
  if (verdict.kind === 'failed' && verdict.refreshToken === null) {
    const failure = { failure: verdict.failure, outcome: 'refused' } as const
    return await setBack(deps, scope, claim, failure, secrets)
  }
  const now = deps.clock.now()
  const tokens = await sealTokens(deps.strongbox, scope, claim.grantId, verdict, now)
  const setback = verdict.kind === 'failed' ? judge(claim.grant, verdict.failure, now) : null
  let isGone = false
  const isOurs = await insist(() =>
    deps.db.inTenant(scope, async (tx) => {
      const standing = await lockGrant(tx, claim.grantId)
      isGone = standing === null
      const { refreshTokenSealed, refreshIssuedAt } = claim.token
      const kept = tokens.refreshTokenSealed === null ? { refreshTokenSealed, refreshIssuedAt } : {}
      const next = { ...tokens, ...kept }
      const end = { tokens: next, setback, outcome: 'projected', secrets, now } as const
      if (!(await endAs(tx, claim, end))) return false
      const details = { generation: claim.generation + 1, ...secretDetails(secrets) }
      await deps.audit.append(tx, { ...refreshEvent(claim.grant), details })
      if (standing !== null) await announce(deps, tx, standing, setback)
      return true
    })
  )
  if (!isOurs) return { ...superseded, orphan: isGone ? refreshTokenOf(verdict) : null }
  return setback === null ? { end: 'renewed', error: null } : resultOf(setback)
}

/** That a newer secret is refused is worth knowing, however well the older one does. */
function secretDetails(secrets: SecretsTried | null) {
  if (secrets === null || secrets.refused.length === 0) return {}
  return { secretId: secrets.last, refusedSecretIds: secrets.refused }
}

/** Why a claim ends without a token, and how its journal entry is closed. */
export interface Failure {
  readonly failure: OAuthFailure | AppError
  readonly outcome: RefreshOutcome
}

/** The call gave no token: the claim is let go of, and the grant says why and when it is tried next. */
export async function setBack(
  deps: RefreshDeps,
  scope: TenantScope,
  claim: Claim,
  { failure, outcome }: Failure,
  secrets: SecretsTried | null = null
): Promise<RefreshResult> {
  const now = deps.clock.now()
  const judged = judge(claim.grant, failure, now)
  // The provider refuses a token that it may have replaced in an answer that nobody kept.
  const isLost =
    judged.state === 'needs_sign_in' && claim.unclear.unknown + claim.unclear.abandoned > 0
  const setback = isLost ? { ...judged, cause: 'rotation_lost' } : judged
  const isOurs = await insist(() =>
    deps.db.inTenant(scope, async (tx) => {
      const standing = await lockGrant(tx, claim.grantId)
      const end = { tokens: null, setback, outcome, secrets, now }
      if (!(await endAs(tx, claim, end))) return false
      await recordSetback(deps, tx, claim.grant, setback)
      if (standing !== null) await announce(deps, tx, standing, setback)
      return true
    })
  )
  if (!isOurs) return superseded
  const isUnclear = outcome === 'unknown' && claim.grant.kind === 'user'
  return isLost || isUnclear ? { end: 'lost_answer', error: setback.error } : resultOf(setback)
}

function resultOf({ state, error }: Setback): RefreshResult {
  if (state === 'needs_sign_in' || state === 'misconfigured') return { end: state, error }
  const isOwn = error.owner === 'platform'
  return { end: isOwn ? 'weft_unavailable' : 'provider_unavailable', error }
}

/** The provider was not even asked: nothing is claimed, nothing is spent. */
export async function setBackUnclaimed(
  deps: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow,
  error: AppError
): Promise<RefreshResult> {
  const now = deps.clock.now()
  const judged = judge(grant, error, now)
  const setback = { ...judged, nextTryAt: error.retryAt ?? judged.nextTryAt }
  await deps.db.inTenant(scope, async (tx) => {
    const standing = await lockGrant(tx, grant.id)
    await updateGrant(tx, grant.id, statusAfter(grant, setback, now))
    await schedule(tx, lookAgain(grant, setback, now))
    await recordSetback(deps, tx, grant, setback)
    if (standing !== null) await announce(deps, tx, standing, setback)
  })
  return resultOf(setback)
}

/** A grant's first failure of a kind is an event; its hundredth is not. */
async function recordSetback(
  deps: RefreshDeps,
  tx: Tx,
  grant: GrantRow,
  setback: Setback
): Promise<void> {
  if (grant.state === setback.state && grant.cause === setback.cause) return
  const { code } = setback.error
  const details = { state: setback.state, cause: setback.cause }
  await deps.audit.append(tx, { ...refreshEvent(grant), outcome: 'failed', code, details })
}

/**
 * The grant's own standing, and that of the client it was asked with.
 * @returns false when the claim does not hold any more
 */
async function endAs(
  tx: Tx,
  { grant, ...claim }: Claim,
  end: Pick<WrittenEnd, 'tokens' | 'outcome' | 'now'> & {
    readonly setback: Setback | null
    readonly secrets: SecretsTried | null
  }
): Promise<boolean> {
  const { tokens, outcome, setback, secrets, now } = end
  const look =
    tokens !== null && setback === null
      ? lookAtTokens(grant, tokens, { now, isUse: false })
      : setback && lookAgain(grant, setback, now)
  const isHeld = await endRefresh(tx, {
    claim,
    entryId: claim.entryId,
    tokens,
    outcome,
    status: statusAfter(grant, setback, now),
    look,
    soundAppConnectionId: setback === null ? grant.appConnectionId : null,
    takenSecretId: secrets?.isTaken ? secrets.last : null,
    now
  })
  const isRefused = setback?.cause === 'app_connection_refused'
  if (isHeld && isRefused && grant.appConnectionId !== null) {
    await raiseAppConnectionFault(tx, grant.appConnectionId, setback.cause, now)
  }
  return isHeld
}

/** What a verdict leaves to store; a missing refresh token means that the spent one stays. */
export async function sealTokens(
  strongbox: Strongbox,
  scope: TenantScope,
  grantId: string,
  verdict: TokenVerdict,
  now: Date
): Promise<GrantTokens> {
  const refreshToken = refreshTokenOf(verdict)
  const refreshTokenSealed =
    refreshToken === null
      ? null
      : await strongbox.seal(scope, refreshTokenPlace(grantId), refreshToken)
  const refresh = { refreshTokenSealed, refreshIssuedAt: refreshToken === null ? null : now }
  if (verdict.kind === 'failed') {
    const nothing = { accessTokenSealed: null, accessExpiresAt: null, accessIssuedAt: null }
    return { ...refresh, ...nothing, scope: null }
  }
  const { accessToken, accessExpiresAt, accessIssuedAt, scope: granted } = verdict.tokens
  const accessTokenSealed = await strongbox.seal(scope, accessTokenPlace(grantId), accessToken)
  return { ...refresh, accessTokenSealed, accessExpiresAt, accessIssuedAt, scope: granted }
}

function refreshTokenOf(verdict: TokenVerdict): Secret | null {
  return verdict.kind === 'granted' ? verdict.tokens.refreshToken : verdict.refreshToken
}

export function kindOf(grant: GrantRow): GrantKind {
  return grant.kind === 'user' || grant.kind === 'pat' ? grant.kind : 'service_principal'
}

function judge(grant: GrantRow, failure: OAuthFailure | AppError, now: Date): Setback {
  // Replicas and grants must not try in step.
  const jitter = randomInt(1_000) / 1_000
  return setbackOf(kindOf(grant), failure, { now, failures: grant.failures, jitter })
}

function statusAfter(grant: GrantRow, setback: Setback | null, now: Date) {
  const state = setback?.state ?? 'active'
  return {
    state,
    cause: setback?.cause ?? null,
    nextTryAt: setback?.nextTryAt ?? null,
    failures: setback === null ? 0 : grant.failures + 1,
    since: grant.state === state ? grant.since : now
  }
}

function refreshEvent(grant: GrantRow) {
  return {
    action: 'grant.refresh' as const,
    object: ['grant', grant.id] as const,
    ...(grant.fabricId === null ? {} : { fabricId: asId('fabric', grant.fabricId) })
  }
}
