import type { Tx } from './db.ts'

/** Deletes what ended before `before`: attempts, sessions, idempotency keys. @returns how many rows */
export async function deleteExpiredRows(tx: Tx, before: Date): Promise<number> {
  const { tenantId } = tx.scope
  const expired = { where: { tenantId, expiresAt: { lt: before } } }
  const ended = { expiresAt: { lt: before } }
  const idled = { idleExpiresAt: { lt: before } }
  const counts = await Promise.all([
    tx.rows.loginAttempt.deleteMany(expired),
    tx.rows.signInAttempt.deleteMany(expired),
    tx.rows.idempotencyKey.deleteMany(expired),
    tx.rows.session.deleteMany({ where: { tenantId, OR: [ended, idled] } })
  ])
  return counts.reduce((sum, { count }) => sum + count, 0)
}
