import type { Tx } from './db.ts'
import type { IdempotencyKey } from './generated/client.ts'

export type IdempotencyKeyRow = IdempotencyKey

export function findIdempotencyKey(
  tx: Tx,
  principalId: string,
  key: string
): Promise<IdempotencyKeyRow | null> {
  return tx.rows.idempotencyKey.findFirst({
    where: { tenantId: tx.scope.tenantId, principalId, key }
  })
}

/** Claims the key for one call; a second claim is a UniqueViolation. */
export async function insertIdempotencyKey(
  tx: Tx,
  row: Omit<IdempotencyKeyRow, 'tenantId' | 'answerSealed'>
): Promise<void> {
  await tx.rows.idempotencyKey.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export async function answerIdempotencyKey(
  tx: Tx,
  principalId: string,
  key: string,
  answerSealed: string
): Promise<void> {
  await tx.rows.idempotencyKey.updateMany({
    where: { tenantId: tx.scope.tenantId, principalId, key },
    data: { answerSealed }
  })
}

/** Lets the key be used again: the call that held it had no effect. */
export async function deleteIdempotencyKey(
  tx: Tx,
  principalId: string,
  key: string
): Promise<void> {
  await tx.rows.idempotencyKey.deleteMany({
    where: { tenantId: tx.scope.tenantId, principalId, key }
  })
}

/** Frees every key of the principal whose time is over. */
export async function deleteExpiredIdempotencyKeys(
  tx: Tx,
  principalId: string,
  now: Date
): Promise<void> {
  await tx.rows.idempotencyKey.deleteMany({
    where: { tenantId: tx.scope.tenantId, principalId, expiresAt: { lte: now } }
  })
}
