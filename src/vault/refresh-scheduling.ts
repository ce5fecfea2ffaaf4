import type { Tx } from '../store/db.ts'
import type { GrantRow, GrantTokens } from '../store/grants.ts'
import { scheduleRefresh } from '../store/refresh-schedule.ts'
import { firstLookAt, lookAfterSetback } from './refresh-plan.ts'
import { turnOf } from './renewal-turn.ts'
import type { Setback } from './token-state.ts'

/** New tokens are looked at when their turn comes. */
export async function scheduleTokens(
  tx: Tx,
  grant: Scheduled,
  tokens: GrantTokens,
  at: { now: Date; isUse: boolean }
): Promise<void> {
  await scheduleGrant(tx, grant, firstLookAt({ ...tokens, turn: turnOf(grant.id) }), at)
}

/** The grant is looked at again when its next try may do better. */
export async function scheduleSetback(
  tx: Tx,
  grant: Scheduled,
  setback: Setback,
  now: Date
): Promise<void> {
  const dueAt = lookAfterSetback(setback, turnOf(grant.id), now)
  await scheduleGrant(tx, grant, dueAt, { now, isUse: false })
}

type Scheduled = Pick<GrantRow, 'id' | 'kind' | 'workspaceOrigin'>

async function scheduleGrant(
  tx: Tx,
  { id: grantId, kind, workspaceOrigin }: Scheduled,
  dueAt: Date | null,
  at: { now: Date; isUse: boolean }
): Promise<void> {
  if (kind === 'pat') return
  await scheduleRefresh(tx, { grantId, workspaceOrigin, dueAt, ...at })
}
