import type { Tx } from './db.ts'
import type { Delegation } from './generated/client.ts'

export type DelegationRow = Delegation

type Parties = Pick<DelegationRow, 'userId' | 'serviceAccountId' | 'fabricId'>

export function insertDelegation(
  tx: Tx,
  row: Omit<DelegationRow, 'tenantId'>
): Promise<DelegationRow> {
  return tx.rows.delegation.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** Whether it is still good is the caller's to say. */
export function findDelegation(tx: Tx, parties: Parties): Promise<DelegationRow | null> {
  return tx.rows.delegation.findFirst({ where: { tenantId: tx.scope.tenantId, ...parties } })
}

/** Newest first, from before `cursor`; of one person, or of everybody. */
export function listDelegations(
  tx: Tx,
  userId: string | null,
  page: { limit: number; cursor: string | null }
): Promise<DelegationRow[]> {
  return tx.rows.delegation.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(userId === null ? {} : { userId }),
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

/** Makes room for a new one. */
export async function deleteExpiredDelegation(
  tx: Tx,
  parties: Parties,
  before: Date
): Promise<void> {
  const where = { tenantId: tx.scope.tenantId, ...parties, expiresAt: { lte: before } }
  await tx.rows.delegation.deleteMany({ where })
}

/** @returns what was there, of one person or of anybody */
export async function takeDelegation(
  tx: Tx,
  id: string,
  userId: string | null
): Promise<DelegationRow | null> {
  const where = { tenantId: tx.scope.tenantId, id, ...(userId === null ? {} : { userId }) }
  const row = await tx.rows.delegation.findFirst({ where })
  const { count } = await tx.rows.delegation.deleteMany({ where })
  return count === 1 ? row : null
}
