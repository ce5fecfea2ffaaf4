import type { Tx } from './db.ts'
import type { DataKey } from './generated/client.ts'

export type DataKeyRow = DataKey

/** Newest first. */
export function listDataKeys(tx: Tx): Promise<DataKeyRow[]> {
  return tx.rows.dataKey.findMany({
    where: { tenantId: tx.scope.tenantId },
    orderBy: { id: 'desc' }
  })
}

/** Makes two replicas that both find no key wait for one another. */
export async function lockDataKeys(tx: Tx): Promise<void> {
  await tx.rows
    .$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734003, hashtext(${tx.scope.tenantId}))`
}

export async function insertDataKey(tx: Tx, row: Omit<DataKeyRow, 'tenantId'>): Promise<void> {
  await tx.rows.dataKey.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}
