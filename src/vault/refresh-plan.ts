import { plusMs } from '../base/clock.ts'
import { aheadOfMs, lifeMsOf } from './renewal-turn.ts'
import type { GrantFacts, Setback, SignInLife } from './token-state.ts'

/** What the plan needs to know of a grant. */
export interface PlanFacts extends GrantFacts, SignInLife {
  /** When a token of it was last handed out, to some ten minutes. */
  readonly usedAt: Date
}

export type Plan =
  /** `warm`: its token is in use. `alive`: its refresh token would run out by idleness. */
  | { readonly kind: 'renew'; readonly why: 'warm' | 'alive' }
  /** Null: not until it is used again. */
  | { readonly kind: 'wait'; readonly until: Date | null }

const hourMs = 3_600_000
const dayMs = 24 * hourMs
/** A token stays warm for two of its lives after its last use, within these bounds. */
const warmMinMs = 10 * 60_000
const warmMaxMs = 2 * hourMs
/** A sign-in that nobody uses for so long is let go: as long as Databricks' own example of a session's life. */
export const keptUnusedMs = 30 * dayMs
/** However far off, a plan is looked at again so soon: an admin may have changed what it goes by. */
const lookedAtAgainMs = dayMs
const misconfiguredEveryMs = 6 * hourMs

/**
 * What to do with a grant that nobody asks for at this moment. Pure.
 *
 * A token in use is renewed at its turn before its end. A sign-in whose refresh tokens begin a new life with
 * each refresh is kept from running out by idleness: between half and three quarters of the refresh token's life.
 * A service principal's token is renewed while it is in use and never kept alive; it can always be had anew.
 */
export function planRefresh(facts: PlanFacts, now: Date): Plan {
  const { kind, state, nextTryAt, accessExpiresAt, turn } = facts
  const isPlanned = state === 'active' || state === 'degraded' || state === 'misconfigured'
  if (kind === 'pat' || !isPlanned) return { kind: 'wait', until: null }
  if (nextTryAt !== null && nextTryAt > now) return { kind: 'wait', until: nextTryAt }
  const isWarm = state !== 'misconfigured' && accessExpiresAt !== null && isInUse(facts, now)
  const renewAt = isWarm ? plusMs(accessExpiresAt, -aheadOfMs(facts)) : null
  if (renewAt !== null && renewAt <= now) return { kind: 'renew', why: 'warm' }
  const keepAt = keepAliveAt(facts, now)
  if (keepAt !== null && keepAt <= now) return { kind: 'renew', why: 'alive' }
  if (renewAt === null && keepAt === null) return { kind: 'wait', until: null }
  const ends = [renewAt, keepAt].map((at) => at?.getTime() ?? Number.POSITIVE_INFINITY)
  const latest = plusMs(now, lookedAtAgainMs * (1 + turn / 8))
  return { kind: 'wait', until: new Date(Math.min(...ends, latest.getTime())) }
}

/** When a grant with these new tokens is to be looked at first; null: there is nothing to renew. */
export function firstLookAt(
  facts: Pick<PlanFacts, 'accessIssuedAt' | 'accessExpiresAt' | 'turn'>
): Date | null {
  const { accessExpiresAt } = facts
  return accessExpiresAt === null ? null : plusMs(accessExpiresAt, -aheadOfMs(facts))
}

/** When a grant is to be looked at after a refresh that gave no token; null: when its person has done something. */
export function lookAfterSetback(
  { state, nextTryAt }: Setback,
  turn: number,
  now: Date
): Date | null {
  if (state === 'misconfigured') return plusMs(now, misconfiguredEveryMs * (1 + turn / 4))
  return nextTryAt
}

function isInUse(facts: PlanFacts, now: Date): boolean {
  const lives = facts.kind === 'service_principal' ? 1 : 2
  const warmMs = Math.min(Math.max(lives * lifeMsOf(facts), warmMinMs), warmMaxMs)
  return now.getTime() - facts.usedAt.getTime() <= warmMs
}

/** Null: it can't be kept alive, would gain nothing, or nobody has used it for too long. */
function keepAliveAt(facts: PlanFacts, now: Date): Date | null {
  const { kind, hasRefreshToken, refreshIssuedAt, signedInAt, accessIssuedAt, turn } = facts
  const { usedAt, refreshTokenTtlMinutes, absoluteSessionMinutes } = facts
  if (kind !== 'user' || !hasRefreshToken || refreshIssuedAt === null) return null
  if (now.getTime() - usedAt.getTime() > keptUnusedMs) return null
  // It has been refreshed since the sign-in, and was given no new refresh token.
  const isRefreshed = signedInAt !== null && accessIssuedAt !== null && accessIssuedAt > signedInAt
  if (isRefreshed && refreshIssuedAt <= signedInAt) return null
  const ttlMs = refreshTokenTtlMinutes * 60_000
  const keepAt = plusMs(refreshIssuedAt, ttlMs * (1 / 2 + turn / 4))
  if (signedInAt === null || absoluteSessionMinutes === null) return keepAt
  const sessionEnd = plusMs(signedInAt, absoluteSessionMinutes * 60_000)
  // The session's own end comes before the refresh token's: nothing would be gained.
  return plusMs(refreshIssuedAt, ttlMs) < sessionEnd ? keepAt : null
}
