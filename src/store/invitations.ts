import type { Db, Tx } from './db.ts'
import type { Invitation } from './generated/client.ts'

export type InvitationRow = Invitation

export function insertInvitation(
  tx: Tx,
  row: Omit<InvitationRow, 'tenantId' | 'acceptedAt' | 'acceptedBy'>
): Promise<InvitationRow> {
  return tx.rows.invitation.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** Newest first, from before `cursor`. */
export function listInvitations(
  tx: Tx,
  page: { limit: number; cursor: string | null }
): Promise<InvitationRow[]> {
  return tx.rows.invitation.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

export function findInvitationByHash(db: Db, tokenHash: string): Promise<InvitationRow | null> {
  return db.inLookup({ key: tokenHash }, (tx) =>
    tx.rows.invitation.findUnique({ where: { tokenHash } })
  )
}

/** Of this tenant, and still to be accepted. */
export function findOpenInvitation(
  tx: Tx,
  tokenHash: string,
  now: Date
): Promise<InvitationRow | null> {
  const { tenantId } = tx.scope
  return tx.rows.invitation.findFirst({
    where: { tenantId, tokenHash, acceptedAt: null, expiresAt: { gt: now } }
  })
}

/** True for exactly one caller, ever. */
export async function acceptInvitation(
  tx: Tx,
  id: string,
  userId: string,
  now: Date
): Promise<boolean> {
  const { count } = await tx.rows.invitation.updateMany({
    where: { tenantId: tx.scope.tenantId, id, acceptedAt: null, expiresAt: { gt: now } },
    data: { acceptedAt: now, acceptedBy: userId }
  })
  return count === 1
}

export async function deleteInvitation(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.invitation.deleteMany({
    where: { tenantId: tx.scope.tenantId, id }
  })
  return count === 1
}

/** What still lies open for this address, so that no older promise outlives a decision about its person. */
export async function deleteOpenInvitationsTo(tx: Tx, email: string): Promise<void> {
  await tx.rows.invitation.deleteMany({
    where: { tenantId: tx.scope.tenantId, email, acceptedAt: null }
  })
}
