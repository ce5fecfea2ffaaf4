import type { Tx } from './db.ts'

/**
 * Deletes what ended before `before`: attempts, invitations, sessions, tokens, delegations, idempotency keys, used
 * assertions.
 * @returns how many rows
 */
export async function deleteExpiredRows(tx: Tx, before: Date): Promise<number> {
  const { tenantId } = tx.scope
  const expired = { where: { tenantId, expiresAt: { lt: before } } }
  const ended = { expiresAt: { lt: before } }
  const idled = { idleExpiresAt: { lt: before } }
  const logins = await tx.rows.loginAttempt.deleteMany(expired)
  const signIns = await tx.rows.signInAttempt.deleteMany(expired)
  const keys = await tx.rows.idempotencyKey.deleteMany(expired)
  const logouts = await tx.rows.logoutToken.deleteMany(expired)
  const tokens = await tx.rows.personalToken.deleteMany(expired)
  const delegations = await tx.rows.delegation.deleteMany(expired)
  const invitations = await tx.rows.invitation.deleteMany(expired)
  const sessions = await tx.rows.session.deleteMany({ where: { tenantId, OR: [ended, idled] } })
  const assertions = await tx.rows.usedAssertion.deleteMany(expired)
  const all = [
    logins,
    signIns,
    keys,
    logouts,
    tokens,
    delegations,
    invitations,
    assertions,
    sessions
  ]
  return all.reduce((sum, { count }) => sum + count, 0)
}
