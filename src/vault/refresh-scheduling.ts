import type { Tx } from '../store/db.ts'
import type { GrantRow, GrantTokens } from '../store/grants.ts'
import { type NextLook, scheduleRefresh } from '../store/refresh-schedule.ts'
import { firstLookAt, lookAfterSetback } from './refresh-plan.ts'
import { turnOf } from './renewal-turn.ts'
import type { Setback } from './token-state.ts'

/** New tokens are looked at when their turn comes. */
export function lookAtTokens(
  grant: Scheduled,
  tokens: GrantTokens,
  at: { now: Date; isUse: boolean }
): NextLook | null {
  return lookOf(grant, firstLookAt({ ...tokens, turn: turnOf(grant.id) }), at)
}

/** The grant is looked at again when its next try may do better. */
export function lookAgain(grant: Scheduled, setback: Setback, now: Date): NextLook | null {
  const dueAt = lookAfterSetback(setback, turnOf(grant.id), now)
  return lookOf(grant, dueAt, { now, isUse: false })
}

/** @param look null: nobody looks at it by the clock */
export async function schedule(tx: Tx, look: NextLook | null): Promise<void> {
  if (look !== null) await scheduleRefresh(tx, look)
}

type Scheduled = Pick<GrantRow, 'id' | 'kind' | 'workspaceOrigin'>

function lookOf(
  { id: grantId, kind, workspaceOrigin }: Scheduled,
  dueAt: Date | null,
  at: { now: Date; isUse: boolean }
): NextLook | null {
  return kind === 'pat' ? null : { grantId, workspaceOrigin, dueAt, ...at }
}
