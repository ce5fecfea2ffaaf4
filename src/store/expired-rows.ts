import type { Tx } from './db.ts'

/** Deletes what ended before `before`: attempts, sessions, service tokens, idempotency keys. @returns how many rows */
export async function deleteExpiredRows(tx: Tx, before: Date): Promise<number> {
  const { tenantId } = tx.scope
  const expired = { where: { tenantId, expiresAt: { lt: before } } }
  const ended = { expiresAt: { lt: before } }
  const idled = { idleExpiresAt: { lt: before } }
  const logins = await tx.rows.loginAttempt.deleteMany(expired)
  const signIns = await tx.rows.signInAttempt.deleteMany(expired)
  const keys = await tx.rows.idempotencyKey.deleteMany(expired)
  const tokens = await tx.rows.serviceToken.deleteMany(expired)
  const sessions = await tx.rows.session.deleteMany({ where: { tenantId, OR: [ended, idled] } })
  return logins.count + signIns.count + keys.count + tokens.count + sessions.count
}
