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
