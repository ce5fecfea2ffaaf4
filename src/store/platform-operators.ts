import type { Db, LookupTx, Tx } from './db.ts'
import type { PlatformOperator } from './generated/client.ts'

export type PlatformOperatorRow = PlatformOperator

/** Runs `work` where operators can be read and written, one at a time. */
export function withPlatformOperators<T>(db: Db, work: (tx: LookupTx) => Promise<T>): Promise<T> {
  return db.inLookup({ key: '*' }, async (tx) => {
    await tx.rows.$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734006)`
    return await work(tx)
  })
}

/** Oldest first, those included that were removed. */
export function listPlatformOperators(tx: LookupTx): Promise<PlatformOperatorRow[]> {
  return tx.rows.platformOperator.findMany({ orderBy: [{ addedAt: 'asc' }, { userId: 'asc' }] })
}

export async function upsertPlatformOperator(
  tx: LookupTx,
  row: Omit<PlatformOperatorRow, 'removedAt'>
): Promise<void> {
  const { userId } = row
  await tx.rows.platformOperator.upsert({
    where: { userId },
    create: row,
    update: { ...row, removedAt: null }
  })
}

/** @returns whether the person was an operator */
export async function removePlatformOperator(
  tx: LookupTx,
  userId: string,
  removedAt: Date
): Promise<boolean> {
  const { count } = await tx.rows.platformOperator.updateMany({
    where: { userId, removedAt: null },
    data: { removedAt }
  })
  return count === 1
}

/** Whether a member of the tenant is an operator. */
export async function isPlatformOperator(tx: Tx, userId: string): Promise<boolean> {
  const found = await tx.rows.platformOperator.findFirst({
    where: { userId, removedAt: null },
    select: { userId: true }
  })
  return found !== null
}
