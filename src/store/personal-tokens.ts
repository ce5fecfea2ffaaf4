import type { Tx } from './db.ts'
import type { PersonalToken } from './generated/client.ts'

export type PersonalTokenRow = PersonalToken

export function insertPersonalToken(
  tx: Tx,
  row: Omit<PersonalTokenRow, 'tenantId' | 'lastUsedAt'>
): Promise<PersonalTokenRow> {
  return tx.rows.personalToken.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** Newest first, from before `cursor`; expired ones stay listed until they are swept. */
export function listPersonalTokens(
  tx: Tx,
  userId: string,
  page: { limit: number; cursor: string | null }
): Promise<PersonalTokenRow[]> {
  return tx.rows.personalToken.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      userId,
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

export function countPersonalTokens(tx: Tx, userId: string): Promise<number> {
  return tx.rows.personalToken.count({ where: { tenantId: tx.scope.tenantId, userId } })
}

/** Only those last used before `dueBefore`, so that several replicas write once. */
export async function touchPersonalTokens(
  tx: Tx,
  ids: readonly string[],
  lastUsedAt: Date,
  dueBefore: Date
): Promise<void> {
  await tx.rows.personalToken.updateMany({
    where: {
      tenantId: tx.scope.tenantId,
      id: { in: [...ids] },
      OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: dueBefore } }]
    },
    data: { lastUsedAt }
  })
}

/** @returns whether it was there */
export async function deletePersonalToken(tx: Tx, userId: string, id: string): Promise<boolean> {
  const { count } = await tx.rows.personalToken.deleteMany({
    where: { tenantId: tx.scope.tenantId, userId, id }
  })
  return count === 1
}
