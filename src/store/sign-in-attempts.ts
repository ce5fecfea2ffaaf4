import type { Db, Tx } from './db.ts'
import type { SignInAttempt } from './generated/client.ts'

export type SignInAttemptRow = SignInAttempt

/** What is known once it has ended. */
export type SignInEnd = Pick<
  SignInAttemptRow,
  | 'code'
  | 'detail'
  | 'workspaceUserName'
  | 'workspaceUserId'
  | 'mismatch'
  | 'expectedUserName'
  | 'finishedAt'
> & { readonly status: 'succeeded' | 'failed' }

export async function insertSignInAttempt(
  tx: Tx,
  row: Omit<SignInAttemptRow, 'tenantId' | keyof SignInEnd>
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

export async function finishSignInAttempt(tx: Tx, id: string, end: SignInEnd): Promise<void> {
  await tx.rows.signInAttempt.updateMany({ where: { tenantId: tx.scope.tenantId, id }, data: end })
}
