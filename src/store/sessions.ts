import type { Db, Tx } from './db.ts'
import type { Session } from './generated/client.ts'

export type SessionRow = Session

export async function insertSession(tx: Tx, row: Omit<SessionRow, 'tenantId'>): Promise<void> {
  await tx.rows.session.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findSessionByHash(db: Db, tokenHash: string): Promise<SessionRow | null> {
  return db.inLookup({ key: tokenHash }, (tx) =>
    tx.rows.session.findUnique({ where: { tokenHash } })
  )
}

export function listSessionsOfUser(tx: Tx, userId: string, now: Date): Promise<SessionRow[]> {
  return tx.rows.session.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      userId,
      expiresAt: { gt: now },
      idleExpiresAt: { gt: now }
    },
    orderBy: { id: 'desc' }
  })
}

/** Only those last seen before `dueBefore`, so that several replicas write once. */
export async function touchSessions(
  tx: Tx,
  ids: readonly string[],
  seen: { lastSeenAt: Date; idleExpiresAt: Date },
  dueBefore: Date
): Promise<void> {
  await tx.rows.session.updateMany({
    where: { tenantId: tx.scope.tenantId, id: { in: [...ids] }, lastSeenAt: { lt: dueBefore } },
    data: seen
  })
}

/** @returns whether it was there */
export async function deleteSession(tx: Tx, id: string, userId: string): Promise<boolean> {
  const { count } = await tx.rows.session.deleteMany({
    where: { tenantId: tx.scope.tenantId, id, userId }
  })
  return count === 1
}

/** Takes the session out of this tenant, to put it into another. */
export async function takeSession(tx: Tx, id: string, userId: string): Promise<SessionRow | null> {
  const row = await tx.rows.session.findFirst({
    where: { tenantId: tx.scope.tenantId, id, userId }
  })
  return row !== null && (await deleteSession(tx, id, userId)) ? row : null
}

export async function deleteSessionsOfUser(tx: Tx, userId: string): Promise<number> {
  const { count } = await tx.rows.session.deleteMany({
    where: { tenantId: tx.scope.tenantId, userId }
  })
  return count
}

export async function deleteAllSessions(tx: Tx): Promise<number> {
  const { count } = await tx.rows.session.deleteMany({ where: { tenantId: tx.scope.tenantId } })
  return count
}

/** Sessions live no longer than these limits allow, counted from their login and their last use. */
export async function shortenSessions(
  tx: Tx,
  limits: { sessionIdleMinutes: number; sessionMaxMinutes: number }
): Promise<void> {
  await tx.rows.$executeRaw`
    UPDATE sessions SET
      expires_at = LEAST(expires_at, created_at + make_interval(mins => ${limits.sessionMaxMinutes}::int)),
      idle_expires_at =
        LEAST(idle_expires_at, last_seen_at + make_interval(mins => ${limits.sessionIdleMinutes}::int))
    WHERE tenant_id = ${tx.scope.tenantId}`
}

/** Sessions that a login provider's logout means, in whatever tenant they are now. */
export function listSessionsOfProvider(
  db: Db,
  column: 'providerSessionHash' | 'providerSubjectHash',
  hash: string
): Promise<SessionRow[]> {
  return db.inLookup({ key: hash }, (tx) => tx.rows.session.findMany({ where: { [column]: hash } }))
}
