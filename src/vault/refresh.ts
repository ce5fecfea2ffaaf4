import { AppError } from '../base/errors.ts'
import { asId, type GrantId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { AuthorizationServer } from '../oauth/authorization-server.ts'
import { requestMachineToken } from '../oauth/machine-token.ts'
import { unpackRawAnswer } from '../oauth/raw-answer.ts'
import { spendRefreshToken } from '../oauth/refresh.ts'
import { readTokenAnswer } from '../oauth/token-answer.ts'
import type { KeepAnswer } from '../oauth/token-endpoint.ts'
import { wasNeverSent } from '../outbound/outbound.ts'
import { type GrantRow, grantOf, grantTokenOf } from '../store/grants.ts'
import { keptAnswerOf } from '../store/refresh-journal.ts'
import { credentialsOf, type GrantCredentials, providerOfGrant } from './credentials.ts'
import { endPersonalToken } from './personal-access-tokens.ts'
import {
  abandonClaim,
  answerPlace,
  type Claim,
  claimGrant,
  keepAnswer,
  letGo,
  waitForOwner
} from './refresh-claim.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import {
  type Failure,
  kindOf,
  project,
  type RefreshResult,
  refreshTokenPlace,
  setBack,
  setBackUnclaimed
} from './refresh-projection.ts'
import { revokeOrphan } from './revocation.ts'
import { type AnswerInTurn, askInTurn } from './secrets-in-turn.ts'
import type { RefreshEnd } from './vault-measures.ts'

/**
 * A refresh by whoever gets the claim, waited for: afterwards the grant has moved on, says why it could not,
 * or is free to be tried again.
 * @throws AppError why there is no token; the grant's state says the same
 */
export async function refreshToItsEnd(
  deps: RefreshDeps,
  scope: TenantScope,
  grantId: GrantId,
  generation: number,
  closing: AbortSignal
): Promise<void> {
  const end = await refreshGrant(deps, scope, grantId, generation)
  if (end === 'busy') await waitForOwner(deps, scope, { grantId, generation }, closing)
}

/**
 * One refresh of one grant in three short steps: claim with a lease and a journal entry, call the provider
 * and keep its raw answer, judge and project it. Nothing is held in a transaction while the provider works.
 * @param generation the one to be spent
 * @returns `moved` when the grant has a newer generation now, `busy` while another owner refreshes it
 */
async function refreshGrant(
  deps: RefreshDeps,
  scope: TenantScope,
  grantId: GrantId,
  generation: number
): Promise<'moved' | 'busy'> {
  const [[grant], [token], [keptAnswer]] = await deps.db.ask(
    scope,
    grantOf(grantId),
    grantTokenOf(grantId),
    keptAnswerOf(grantId, generation)
  )
  if (grant === undefined || token?.generation !== generation) return 'moved'
  if (grant.kind === 'pat') return await endPersonalToken(deps, scope, grant, generation)
  const begunMs = deps.clock.monotonicMs()
  const note = (end: RefreshEnd) =>
    deps.tally.note(kindOf(grant), end, deps.clock.monotonicMs() - begunMs)
  const attempt = keptAnswer === undefined ? spend : projectKept
  const result = await attempt(deps, scope, grant, generation).catch((error: unknown) => {
    note('weft_unavailable')
    throw error
  })
  if (result === 'moved' || result === 'busy') return result
  note(result.end)
  if (result.error !== null) throw result.error
  return 'moved'
}

async function spend(
  deps: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow,
  generation: number
): Promise<RefreshResult | 'moved' | 'busy'> {
  const prepared = await prepare(deps, scope, grant)
  if ('end' in prepared) return prepared
  // Waited for without the claim, whose lease would run out.
  const leave = await deps.turns.take(grant.workspaceOrigin)
  try {
    return await claimAndSpend(deps, scope, grant, generation, prepared)
  } finally {
    leave()
  }
}

async function claimAndSpend(
  deps: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow,
  generation: number,
  prepared: Prepared
): Promise<RefreshResult | 'moved' | 'busy'> {
  const claim = await claimGrant(deps, scope, asId('grant', grant.id), generation)
  if (claim === 'moved' || claim === 'busy') return claim
  return await finish(deps, scope, claim, () => spendClaimed(deps, scope, claim, prepared))
}

/** A claim never outlives its owner's work: what keeps it from its end, such as the database, keeps nobody else. */
async function finish(
  deps: RefreshDeps,
  scope: TenantScope,
  claim: Claim,
  work: () => Promise<RefreshResult>
): Promise<RefreshResult> {
  try {
    return await work()
  } catch (error) {
    abandonClaim(deps, scope, claim)
    throw error
  }
}

async function spendClaimed(
  deps: RefreshDeps,
  scope: TenantScope,
  claim: Claim,
  { credentials, server }: Prepared
): Promise<RefreshResult> {
  if (claim.leftBehind !== null) return await projectClaimed(deps, scope, claim, claim.leftBehind)
  if (mustNotReplay(claim, credentials)) {
    const failure = { kind: 'dead_grant' } as const
    return await setBack(deps, scope, claim, { failure, outcome: 'refused' })
  }
  const result = await callProvider(deps, scope, claim, credentials, server).catch(failureOf)
  if ('failure' in result) return await setBack(deps, scope, claim, result)
  const projected = await project(deps, scope, claim, result.verdict, result.secrets)
  const { orphan = null } = projected
  const { grant } = claim
  if (orphan !== null) await revokeOrphan(deps, scope, grant, { ...credentials, server, orphan })
  return projected
}

/** An owner died between the provider's answer and its projection; that needs the provider no more. */
async function projectKept(
  deps: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow,
  generation: number
): Promise<RefreshResult | 'moved' | 'busy'> {
  const claim = await claimGrant(deps, scope, asId('grant', grant.id), generation)
  if (claim === 'moved' || claim === 'busy') return claim
  const { leftBehind } = claim
  if (leftBehind === null) {
    // Who kept the answer was at work still: it gave no token, and has been judged since.
    await letGo(deps, scope, claim, claim.entryId)
    return 'moved'
  }
  return await finish(deps, scope, claim, () => projectClaimed(deps, scope, claim, leftBehind))
}

async function projectClaimed(
  deps: RefreshDeps,
  scope: TenantScope,
  claim: Claim,
  leftBehind: string
): Promise<RefreshResult> {
  const provider = await providerOfGrant(deps, scope, claim.grant)
  const packed = await deps.strongbox.open(scope, answerPlace(claim.entryId), leftBehind)
  const verdict = readTokenAnswer(provider, unpackRawAnswer(packed))
  const result = await project(deps, scope, claim, verdict)
  return result.end === 'renewed' ? { ...result, end: 'kept' } : result
}

/**
 * An owner died with this generation perhaps spent. A token that is known to die with its first use is not
 * shown to the provider again; any other is, once.
 */
function mustNotReplay({ grant, unclear }: Claim, credentials: GrantCredentials): boolean {
  if (grant.kind === 'service_principal' || unclear.abandoned === 0) return false
  return credentials.hasSingleUseRefreshTokens === true || unclear.abandoned > 1
}

/** No answer came. Where the request may have been sent, nobody knows whether the token was spent. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof AppError)) throw error
  return { failure: error, outcome: wasNeverSent(error) ? 'transient' : 'unknown' }
}

interface Prepared {
  readonly credentials: GrantCredentials
  readonly server: AuthorizationServer
}

/** Everything that may be slow or fail without the provider's token endpoint, before the claim. */
async function prepare(
  deps: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow
): Promise<Prepared | RefreshResult> {
  try {
    const credentials = await credentialsOf(deps, scope, grant)
    const server = await deps.servers.discover(credentials.provider, grant.workspaceOrigin)
    return { credentials, server }
  } catch (error) {
    if (!(error instanceof AppError) || error.owner === 'platform') throw error
    return await setBackUnclaimed(deps, scope, grant, error)
  }
}

/** Second step, with each client secret in its turn. */
async function callProvider(
  deps: RefreshDeps,
  scope: TenantScope,
  claim: Claim,
  credentials: GrantCredentials,
  server: AuthorizationServer
): Promise<AnswerInTurn> {
  const { provider, workload } = credentials
  const { workspaceOrigin } = claim.grant
  const { exchange } = deps
  const spent = await openRefreshToken(deps, scope, claim)
  const keep: KeepAnswer = (answer) => keepAnswer(deps, scope, claim, answer)
  const trace = deps.span?.context ?? null
  const target = { provider, workspaceOrigin, server, trace }
  if (workload !== null) {
    const answer = await requestMachineToken(
      exchange,
      target,
      { kind: 'federated', workload },
      keep
    )
    return { verdict: readTokenAnswer(provider, answer), secrets: null }
  }
  return await askInTurn(credentials, (client) =>
    spent === null
      ? requestMachineToken(exchange, target, { kind: 'client_secret', client }, keep)
      : spendRefreshToken(exchange, { ...target, client }, spent, keep)
  )
}

async function openRefreshToken(
  { strongbox }: RefreshDeps,
  scope: TenantScope,
  { grant, token }: Claim
): Promise<Secret | null> {
  if (grant.kind === 'service_principal') return null
  if (token.refreshTokenSealed === null) throw new AppError('sign_in_needed')
  return await strongbox.open(scope, refreshTokenPlace(grant.id), token.refreshTokenSealed)
}
