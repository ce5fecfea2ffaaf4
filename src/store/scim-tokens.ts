import type { Question } from './asking.ts'
import type { Tx } from './db.ts'
import { Prisma, type ScimToken } from './generated/client.ts'

export type ScimTokenRow = ScimToken

export function insertScimToken(
  tx: Tx,
  row: Omit<ScimTokenRow, 'tenantId' | 'lastUsedAt' | 'expiryTold'>
): Promise<ScimTokenRow> {
  return tx.rows.scimToken.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function scimTokenOf(hash: string): Question<ScimTokenRow> {
  return {
    sql: Prisma.sql`SELECT * FROM scim_tokens WHERE tenant_id = weft_tenant() AND hash = ${hash}`
  }
}

/** Newest first. */
export function listScimTokens(tx: Tx): Promise<ScimTokenRow[]> {
  return tx.rows.scimToken.findMany({
    where: { tenantId: tx.scope.tenantId },
    orderBy: { id: 'desc' }
  })
}

export async function deleteScimToken(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.scimToken.deleteMany({
    where: { tenantId: tx.scope.tenantId, id }
  })
  return count === 1
}

/** Only those last used before `dueBefore`, so that several replicas write once. */
export async function touchScimTokens(
  tx: Tx,
  ids: readonly string[],
  lastUsedAt: Date,
  dueBefore: Date
): Promise<void> {
  if (ids.length === 0) return
  await tx.rows.scimToken.updateMany({
    where: {
      tenantId: tx.scope.tenantId,
      id: { in: [...ids] },
      OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: dueBefore } }]
    },
    data: { lastUsedAt }
  })
}
