import type { Tx } from './db.ts'
import type { AuditEvent } from './generated/client.ts'

export type AuditEventRow = AuditEvent

/** Makes appends to the tenant's chain wait for one another until the transaction ends. */
export async function lockAuditChain(tx: Tx): Promise<void> {
  await tx.rows
    .$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734002, hashtext(${tx.scope.tenantId}))`
}

export function latestAuditEvent(tx: Tx): Promise<{ seq: bigint; hash: string } | null> {
  return tx.rows.auditEvent.findFirst({
    where: { tenantId: tx.scope.tenantId },
    orderBy: { seq: 'desc' },
    select: { seq: true, hash: true }
  })
}

export async function insertAuditEvents(
  tx: Tx,
  rows: readonly (Omit<AuditEventRow, 'details'> & { details: Record<string, unknown> })[]
): Promise<void> {
  await tx.rows.auditEvent.createMany({
    data: rows.map((row) => ({ ...row, details: row.details as object }))
  })
}

export interface AuditPage {
  /** First sequence number wanted (asc), or last (desc). */
  readonly fromSeq?: bigint
  readonly limit: number
  readonly order: 'asc' | 'desc'
  readonly actorId?: string
  readonly action?: string
  readonly fabricId?: string
}

export function listAuditEvents(tx: Tx, page: AuditPage): Promise<AuditEventRow[]> {
  const bound = page.order === 'asc' ? 'gte' : 'lte'
  return tx.rows.auditEvent.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(page.fromSeq === undefined ? {} : { seq: { [bound]: page.fromSeq } }),
      ...(page.actorId === undefined ? {} : { actorId: page.actorId }),
      ...(page.action === undefined ? {} : { action: page.action }),
      ...(page.fabricId === undefined ? {} : { fabricId: page.fabricId })
    },
    orderBy: { seq: page.order },
    take: page.limit
  })
}
