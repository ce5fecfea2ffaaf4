import type { Tx } from './db.ts'
import type { Prisma, ScimUser } from './generated/client.ts'

/** An announced person, the member that they are since they logged in, and the teams that they are put into. */
export type ScimUserRow = ScimUser & {
  readonly link: { readonly userId: string } | null
  readonly groups: readonly { readonly group: { readonly team: { id: string; name: string } } }[]
}

export interface ScimUserValues {
  readonly userName: string
  readonly userNameKey: string
  readonly externalId: string | null
  readonly emailKeys: readonly string[]
  readonly isActive: boolean
  readonly profile: Prisma.InputJsonObject
}

/** What a list may be narrowed to; all of it must hold. */
export interface ScimUserQuery {
  readonly id?: string
  readonly userNameKey?: string
  readonly externalId?: string
  readonly emailKey?: string
}

const withStanding = {
  link: { select: { userId: true } },
  groups: {
    select: { group: { select: { team: { select: { id: true, name: true } } } } },
    orderBy: { teamId: 'asc' }
  }
} as const

export async function insertScimUser(
  tx: Tx,
  row: ScimUserValues & Pick<ScimUser, 'id' | 'createdAt' | 'updatedAt'>
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.scimUser.create({ data: { ...row, emailKeys: [...row.emailKeys], tenantId } })
}

export async function updateScimUser(
  tx: Tx,
  id: string,
  values: ScimUserValues & Pick<ScimUser, 'updatedAt'>
): Promise<void> {
  await tx.rows.scimUser.updateMany({
    where: { tenantId: tx.scope.tenantId, id },
    data: { ...values, emailKeys: [...values.emailKeys] }
  })
}

/** The person, locked until the transaction ends: two changes at once follow one another. */
export async function lockScimUser(tx: Tx, id: string): Promise<ScimUserRow | null> {
  await tx.rows.$queryRaw`
    SELECT 1 AS ok FROM scim_users WHERE tenant_id = ${tx.scope.tenantId} AND id = ${id} FOR UPDATE`
  return await findScimUser(tx, id)
}

export function findScimUser(tx: Tx, id: string): Promise<ScimUserRow | null> {
  return tx.rows.scimUser.findFirst({
    where: { tenantId: tx.scope.tenantId, id },
    include: withStanding
  })
}

/** Oldest first. */
export async function listScimUsers(
  tx: Tx,
  query: ScimUserQuery,
  page: { skip: number; take: number }
): Promise<{ total: number; rows: ScimUserRow[] }> {
  const { emailKey, ...plain } = query
  const where = {
    tenantId: tx.scope.tenantId,
    ...plain,
    ...(emailKey === undefined ? {} : { emailKeys: { has: emailKey } })
  }
  const total = await tx.rows.scimUser.count({ where })
  const order = { include: withStanding, orderBy: { id: 'asc' } } as const
  const rows = page.take === 0 ? [] : await tx.rows.scimUser.findMany({ where, ...order, ...page })
  return { total, rows }
}

export async function deleteScimUser(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.scimUser.deleteMany({
    where: { tenantId: tx.scope.tenantId, id }
  })
  return count === 1
}

/** Who of the announced is meant by this identity, and is nobody's yet: by external id, or by a verified address. */
export function listUnlinkedScimUsers(
  tx: Tx,
  identity: { readonly subject: string; readonly emailKey: string | null }
): Promise<ScimUserRow[]> {
  const { subject, emailKey } = identity
  return tx.rows.scimUser.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      link: null,
      OR: [
        { externalId: subject },
        ...(emailKey === null ? [] : [{ emailKeys: { has: emailKey } }])
      ]
    },
    include: withStanding,
    orderBy: { id: 'asc' }
  })
}

/** The members whom nobody has announced yet and who have this subject, or one of these addresses verified. */
export async function listUnannouncedMembers(
  tx: Tx,
  identity: { readonly externalId: string | null; readonly emailKeys: readonly string[] }
): Promise<{ userId: string; subject: string }[]> {
  const { externalId, emailKeys } = identity
  return await tx.rows.$queryRaw`
    SELECT m.user_id AS "userId", u.subject FROM memberships m JOIN users u ON u.id = m.user_id
     WHERE m.tenant_id = ${tx.scope.tenantId}
       AND (u.subject = ${externalId} OR (u.is_email_verified AND lower(u.email) = ANY(${emailKeys})))
       AND NOT EXISTS (SELECT 1 FROM scim_links l WHERE l.tenant_id = m.tenant_id AND l.user_id = m.user_id)
     ORDER BY m.user_id`
}

export async function insertScimLink(tx: Tx, scimUserId: string, userId: string): Promise<void> {
  await tx.rows.scimLink.create({ data: { tenantId: tx.scope.tenantId, scimUserId, userId } })
}

/** Which of these ids are announced people of this tenant. */
export async function listKnownScimUsers(tx: Tx, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await tx.rows.scimUser.findMany({
    where: { tenantId: tx.scope.tenantId, id: { in: [...ids] } },
    select: { id: true }
  })
  return rows.map(({ id }) => id)
}

/** Whether the member of this identity is an announced person already. */
export async function isLinkedIdentity(tx: Tx, identityHash: string): Promise<boolean> {
  const found = await tx.rows.scimLink.findFirst({
    where: { tenantId: tx.scope.tenantId, membership: { user: { identityHash } } },
    select: { userId: true }
  })
  return found !== null
}
