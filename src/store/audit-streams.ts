import type { AuditEventRow } from './audit-events.ts'
import type { Tx } from './db.ts'
import type { AuditStream } from './generated/client.ts'

export type AuditStreamRow = AuditStream

export function listAuditStreams(tx: Tx): Promise<AuditStreamRow[]> {
  return tx.rows.auditStream.findMany({ where: { tenantId: tx.scope.tenantId } })
}

/** One that is there already stays as it is. */
export async function insertAuditStream(
  tx: Tx,
  row: Pick<AuditStreamRow, 'id' | 'kind' | 'since' | 'cursor'>
): Promise<void> {
  const data = { ...row, tenantId: tx.scope.tenantId, state: 'active' }
  await tx.rows.auditStream.createMany({ data, skipDuplicates: true })
}

/** Deletes it with what hangs on it. */
export async function deleteAuditStream(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.auditStream.deleteMany({
    where: { tenantId: tx.scope.tenantId, id }
  })
  return count === 1
}

export async function updateAuditStream(
  tx: Tx,
  id: string,
  patch: Partial<Omit<AuditStreamRow, 'tenantId' | 'id' | 'kind'>>
): Promise<void> {
  await tx.rows.auditStream.updateMany({ where: { tenantId: tx.scope.tenantId, id }, data: patch })
}

/**
 * Claims the right to deliver for as long as the lease lasts, by the database's clock, so that replicas whose
 * clocks differ agree. @returns null: somebody else has it, or it is not due
 */
export async function claimAuditStream(
  tx: Tx,
  claim: { id: string; owner: string; leaseMs: number; now: Date }
): Promise<AuditStreamRow | null> {
  const { id, owner, leaseMs, now } = claim
  const count = await tx.rows.$executeRaw`
    UPDATE audit_streams
       SET claim_owner = ${owner}, claim_expires_at = now() + ${leaseMs} * interval '1 millisecond'
     WHERE tenant_id = ${tx.scope.tenantId} AND id = ${id} AND state = 'active'
       AND (next_try_at IS NULL OR next_try_at <= ${now})
       AND (claim_owner IS NULL OR claim_owner = ${owner} OR claim_expires_at < now())`
  if (count === 0) return null
  return await tx.rows.auditStream.findFirst({ where: { tenantId: tx.scope.tenantId, id } })
}

/** @returns false when the claim has passed to somebody else, or the stream is gone or at rest */
export async function noteAuditStream(
  tx: Tx,
  claim: { readonly id: string; readonly owner: string },
  patch: Partial<Omit<AuditStreamRow, 'tenantId' | 'id' | 'kind'>>
): Promise<boolean> {
  const { count } = await tx.rows.auditStream.updateMany({
    where: { tenantId: tx.scope.tenantId, id: claim.id, claimOwner: claim.owner },
    data: patch
  })
  return count === 1
}

/** Which events are wanted; null: all of them. */
export type WantedActions = {
  readonly names: readonly string[]
  readonly prefixes: readonly string[]
} | null

/** In their order, those of the sequence numbers beyond `after` up to `upTo`. */
export function listAuditEventsAfter(
  tx: Tx,
  range: { after: bigint; upTo: bigint; limit: number; wanted: WantedActions }
): Promise<AuditEventRow[]> {
  const { after, upTo, limit, wanted } = range
  const actions =
    wanted === null
      ? {}
      : {
          OR: [
            { action: { in: [...wanted.names] } },
            ...wanted.prefixes.map((startsWith) => ({ action: { startsWith } }))
          ]
        }
  return tx.rows.auditEvent.findMany({
    where: { tenantId: tx.scope.tenantId, seq: { gt: after, lte: upTo }, ...actions },
    orderBy: { seq: 'asc' },
    take: limit
  })
}

export function findAuditEvent(tx: Tx, id: string): Promise<AuditEventRow | null> {
  return tx.rows.auditEvent.findFirst({ where: { tenantId: tx.scope.tenantId, id } })
}
