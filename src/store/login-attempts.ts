import type { Db, Tx } from './db.ts'
import type { LoginAttempt } from './generated/client.ts'

export type LoginAttemptRow = LoginAttempt

export async function insertLoginAttempt(
  tx: Tx,
  row: Omit<LoginAttemptRow, 'tenantId' | 'usedAt'>
): Promise<void> {
  await tx.rows.loginAttempt.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findLoginAttempt(db: Db, stateHash: string): Promise<LoginAttemptRow | null> {
  return db.inLookup({ key: stateHash }, (tx) =>
    tx.rows.loginAttempt.findUnique({ where: { stateHash } })
  )
}

/** Marks the attempt as used; true for exactly one caller, ever. */
export async function useLoginAttempt(tx: Tx, id: string, now: Date): Promise<boolean> {
  const { count } = await tx.rows.loginAttempt.updateMany({
    where: { tenantId: tx.scope.tenantId, id, usedAt: null, expiresAt: { gt: now } },
    data: { usedAt: now }
  })
  return count === 1
}

export async function deleteLoginAttemptsBefore(tx: Tx, before: Date): Promise<number> {
  const { count } = await tx.rows.loginAttempt.deleteMany({
    where: { tenantId: tx.scope.tenantId, expiresAt: { lt: before } }
  })
  return count
}

/** Logins under way through this provider lead nowhere any more. */
export async function deleteLoginAttemptsOf(tx: Tx, loginProviderId: string): Promise<void> {
  await tx.rows.loginAttempt.deleteMany({
    where: { tenantId: tx.scope.tenantId, loginProviderId }
  })
}
