import { Counts, callBoundsMs, Durations, type Each, eachOf } from '../base/measures.ts'
import type { MemoryCounts } from '../store/versioned-memory.ts'
import type { GrantKind } from './token-state.ts'

/**
 * What a refresh that this process owned came to. `renewed`: a new token; `kept`: the same out of an answer that an
 * owner who died had kept; `needs_sign_in`: its person must sign in again; `misconfigured`: an admin must act;
 * `provider_unavailable`: no token and nothing lost, it is tried again; `lost_answer`: nobody knows whether the
 * refresh token was spent, or it turned out that it was; `superseded`: somebody else was faster;
 * `weft_unavailable`: its own database or keys were away.
 */
export const refreshOutcomes = [
  'renewed',
  'kept',
  'needs_sign_in',
  'misconfigured',
  'provider_unavailable',
  'lost_answer',
  'superseded',
  'weft_unavailable'
] as const
export type RefreshEnd = (typeof refreshOutcomes)[number]

/** `user`: by a refresh token (U2M); `service_principal`: by credentials (M2M). */
const refreshers = ['user', 'service_principal'] as const

interface RefreshMeasures {
  readonly outcomes: Counts<RefreshEnd>
  /** From being begun to being stored. */
  readonly took: Durations
}

/** What the vault counts, since the start. */
export interface VaultMeasures {
  readonly refreshes: Each<(typeof refreshers)[number], RefreshMeasures>
  /** Refreshes under way in this process. */
  readonly refreshing: number
  /** Grants and their tokens that are held in memory. */
  readonly held: MemoryCounts
}

export interface RefreshTally {
  readonly refreshes: VaultMeasures['refreshes']
  note(kind: GrantKind, end: RefreshEnd, tookMs: number): void
}

export function createRefreshTally(): RefreshTally {
  const refreshes = eachOf(refreshers, () => ({
    outcomes: new Counts(refreshOutcomes),
    took: new Durations(callBoundsMs)
  }))
  return {
    refreshes,
    note(kind, end, tookMs) {
      const measures = refreshes.get(kind === 'service_principal' ? kind : 'user')
      measures?.outcomes.add(end)
      measures?.took.add(tookMs)
    }
  }
}
