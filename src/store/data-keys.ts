import type { Question } from './asking.ts'
import type { Tx } from './db.ts'
import { type DataKey, Prisma } from './generated/client.ts'

export type DataKeyRow = DataKey

/** Newest first. */
export function listDataKeys(tx: Tx): Promise<DataKeyRow[]> {
  return tx.rows.dataKey.findMany({
    where: { tenantId: tx.scope.tenantId },
    orderBy: { id: 'desc' }
  })
}

/** The same. */
export function dataKeys(): Question<DataKeyRow> {
  return {
    sql: Prisma.sql`SELECT * FROM data_keys WHERE tenant_id = weft_tenant() ORDER BY id DESC`
  }
}

/** Makes two replicas that both find no key wait for one another. */
export async function lockDataKeys(tx: Tx): Promise<void> {
  await tx.rows
    .$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734003, hashtext(${tx.scope.tenantId}))`
}

export async function insertDataKey(
  tx: Tx,
  row: Omit<DataKeyRow, 'tenantId' | 'retiredAt'>
): Promise<void> {
  await tx.rows.dataKey.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** Wrapped anew: only where it is still wrapped as it was read. @returns whether it was */
export async function replaceWrapped(
  tx: Tx,
  { id, wrapped }: Pick<DataKeyRow, 'id' | 'wrapped'>,
  next: Pick<DataKeyRow, 'wrapped' | 'kekKid'>
): Promise<boolean> {
  const { count } = await tx.rows.dataKey.updateMany({
    where: { tenantId: tx.scope.tenantId, id, wrapped },
    data: next
  })
  return count === 1
}

/** From now on they seal nothing; what comes late they still open. */
export async function retireDataKeys(tx: Tx, ids: readonly string[], at: Date): Promise<void> {
  await tx.rows.dataKey.updateMany({
    where: { tenantId: tx.scope.tenantId, id: { in: [...ids] } },
    data: { retiredAt: at }
  })
}

export async function deleteDataKeys(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.rows.dataKey.deleteMany({
    where: { tenantId: tx.scope.tenantId, id: { in: [...ids] }, retiredAt: { not: null } }
  })
}
