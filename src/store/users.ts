import type { Db, Tx } from './db.ts'
import type { User } from './generated/client.ts'

export type UserRow = User

/**
 * The person with this identity, made at the first login and brought up to date at every further one.
 * Nothing but the identity hash decides who it is.
 */
export function upsertUser(db: Db, row: Omit<UserRow, 'createdAt'>): Promise<UserRow> {
  const { id, identityHash, issuer, subject, lastLoginAt, ...profile } = row
  return db.inLookup({ key: identityHash }, (tx) =>
    tx.rows.user.upsert({
      where: { identityHash },
      create: { ...row, createdAt: lastLoginAt },
      update: { ...profile, lastLoginAt }
    })
  )
}

export function findUserByIdentity(db: Db, identityHash: string): Promise<UserRow | null> {
  return db.inLookup({ key: identityHash }, (tx) =>
    tx.rows.user.findUnique({ where: { identityHash } })
  )
}

export function findUserById(db: Db, userId: string): Promise<UserRow | null> {
  return db.inLookup({ userId }, (tx) => tx.rows.user.findUnique({ where: { id: userId } }))
}

/** The members of the tenant who came by this issuer. */
export function listMembersOfIssuer(tx: Tx, issuer: string): Promise<UserRow[]> {
  return tx.rows.user.findMany({
    where: { issuer, memberships: { some: { tenantId: tx.scope.tenantId } } }
  })
}

/** A fellow member of the tenant. */
export function findUser(tx: Tx, userId: string): Promise<UserRow | null> {
  return tx.rows.user.findUnique({ where: { id: userId } })
}

/** The tenant's members who are known to have this address; letter case does not count. */
export async function findMemberIdsByEmail(tx: Tx, email: string): Promise<string[]> {
  const rows = await tx.rows.$queryRaw<{ id: string }[]>`
    SELECT u.id FROM users u JOIN memberships m ON m.user_id = u.id
     WHERE m.tenant_id = ${tx.scope.tenantId} AND u.is_email_verified
       AND lower(u.email) = lower(${email}) LIMIT 2`
  return rows.map(({ id }) => id)
}
