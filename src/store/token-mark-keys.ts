import type { Tx } from './db.ts'

export async function findTokenMarkKey(tx: Tx): Promise<string | null> {
  const { tenantId } = tx.scope
  const row = await tx.rows.tokenMarkKey.findUnique({ where: { tenantId } })
  return row?.sealed ?? null
}

/** @returns the tenant's, which is another one where somebody was faster */
export async function insertTokenMarkKey(
  tx: Tx,
  sealed: string,
  createdAt: Date
): Promise<string | null> {
  const data = { tenantId: tx.scope.tenantId, sealed, createdAt }
  await tx.rows.tokenMarkKey.createMany({ data: [data], skipDuplicates: true })
  return await findTokenMarkKey(tx)
}
