import type { Db, Tx } from './db.ts'
import type { SignInAttempt } from './generated/client.ts'

export type SignInAttemptRow = SignInAttempt

export async function insertSignInAttempt(
  tx: Tx,
  row: Omit<SignInAttemptRow, 'tenantId' | 'status' | 'code' | 'detail' | 'finishedAt'>
): Promise<void> {
  await tx.rows.signInAttempt.create({
    data: { ...row, tenantId: tx.scope.tenantId, status: 'pending' }
  })
}

/** Found by its state, before it is known whose it is. */
export function findSignInAttemptByState(
  db: Db,
  stateHash: string
): Promise<SignInAttemptRow | null> {
  return db.inLookup({ key: stateHash }, (tx) =>
    tx.rows.signInAttempt.findUnique({ where: { stateHash } })
  )
}

/** One of the user's own attempts. */
export function findSignInAttempt(
  tx: Tx,
  id: string,
  userId: string
): Promise<SignInAttemptRow | null> {
  return tx.rows.signInAttempt.findFirst({
    where: { tenantId: tx.scope.tenantId, id, userId }
  })
}

/** Claims the attempt for redemption; true for exactly one caller, ever. */
export async function useSignInAttempt(tx: Tx, id: string, now: Date): Promise<boolean> {
  const { count } = await tx.rows.signInAttempt.updateMany({
    where: { tenantId: tx.scope.tenantId, id, status: 'pending', expiresAt: { gt: now } },
    data: { status: 'redeeming' }
  })
  return count === 1
}

export async function finishSignInAttempt(
  tx: Tx,
  id: string,
  end: {
    status: 'succeeded' | 'failed'
    code: string | null
    detail: string | null
    finishedAt: Date
  }
): Promise<void> {
  await tx.rows.signInAttempt.updateMany({ where: { tenantId: tx.scope.tenantId, id }, data: end })
}
