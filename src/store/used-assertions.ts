import type { Tx } from './db.ts'

/** @returns false when it was used before; of two at once, one waits for the other and is told so */
export async function useAssertion(tx: Tx, hash: string, expiresAt: Date): Promise<boolean> {
  const { count } = await tx.rows.usedAssertion.createMany({
    data: [{ tenantId: tx.scope.tenantId, hash, expiresAt }],
    skipDuplicates: true
  })
  return count === 1
}

export async function isAssertionUsed(tx: Tx, hash: string): Promise<boolean> {
  const where = { tenantId: tx.scope.tenantId, hash }
  return (await tx.rows.usedAssertion.count({ where })) > 0
}
