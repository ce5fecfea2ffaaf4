import type { AuditEvent } from '../audit/audit.ts'
import { asId } from '../base/ids.ts'
import type { Tx } from '../store/db.ts'
import { findFabric, listFabricIdsOfSignIn } from '../store/fabrics.ts'
import { type GrantRow, updateGrant } from '../store/grants.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import type { Setback } from './token-state.ts'

/** Enough to lead somebody to one of them. */
const fabricsMax = 20

/**
 * Puts into the record, in the transaction of the change, that a grant needs somebody or does so no more: once
 * for each time, however often it is tried meanwhile and whatever else becomes of it in between.
 * @param standing the grant as it was locked
 * @param setback how it stands from now on; null: well
 */
export async function announce(
  { audit, clock }: Pick<RefreshDeps, 'audit' | 'clock'>,
  tx: Tx,
  standing: GrantRow,
  setback: Pick<Setback, 'state' | 'cause' | 'error'> | null
): Promise<void> {
  const isAnnounced = standing.announcedAt !== null
  const isOver = setback === null
  const hasBegun = setback?.state === helpNeededIn(standing)
  if (isOver ? !isAnnounced : isAnnounced || !hasBegun) return
  await updateGrant(tx, standing.id, { announcedAt: isOver ? null : clock.now() })
  const what = await subjectOf(tx, standing)
  if (setback === null) {
    await audit.append(tx, { ...what, action: 'connection.recovered' })
    return
  }
  const isPersons = standing.kind !== 'service_principal'
  await audit.append(tx, {
    ...what,
    action: isPersons ? 'connection.needs_sign_in' : 'service_principal.refused',
    outcome: 'failed',
    code: setback.error.code,
    details: { ...what.details, cause: setback.cause }
  })
}

/** An outage passes by itself; these last until somebody acts. */
function helpNeededIn({ kind }: GrantRow): Setback['state'] {
  return kind === 'service_principal' ? 'misconfigured' : 'needs_sign_in'
}

async function subjectOf(
  tx: Tx,
  grant: GrantRow
): Promise<Pick<AuditEvent, 'object' | 'fabricId' | 'onBehalfOf' | 'details'>> {
  const { id, fabricId, userId, workspaceOrigin, workspaceUserName, appConnectionId } = grant
  const object = ['grant', id] as const
  if (fabricId !== null) {
    const name = (await findFabric(tx, fabricId))?.name ?? null
    const details = { workspace: workspaceOrigin, fabricName: name }
    return { object, fabricId: asId('fabric', fabricId), details }
  }
  const fabricIds = await listFabricIdsOfSignIn(tx, grant, fabricsMax)
  return {
    object,
    ...(userId === null ? {} : { onBehalfOf: asId('user', userId) }),
    details: {
      workspace: workspaceOrigin,
      workspaceUser: workspaceUserName,
      appConnectionId,
      fabricIds
    }
  }
}
