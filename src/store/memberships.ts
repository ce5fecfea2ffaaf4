import type { Tx } from './db.ts'
import type { Membership, User } from './generated/client.ts'

export type MembershipRow = Membership
/** A membership with the person it is about. */
export type MemberRow = Membership & { readonly user: User }

/** With the role given by hand; by a group of the identity provider's it may be higher (`isMappedAdmin`). */
export function findMembership(tx: Tx, userId: string): Promise<MembershipRow | null> {
  return tx.rows.membership.findUnique({
    where: { tenantId_userId: { tenantId: tx.scope.tenantId, userId } }
  })
}

export async function insertMembership(
  tx: Tx,
  row: Pick<MembershipRow, 'userId' | 'role' | 'createdAt'>
): Promise<void> {
  await tx.rows.membership.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** Whether the tenant has an admin already: the bootstrap admin is used once. */
export async function hasTenantAdmin(tx: Tx): Promise<boolean> {
  const found = await tx.rows.membership.findFirst({
    where: { tenantId: tx.scope.tenantId, role: 'tenant_admin' },
    select: { userId: true }
  })
  return found !== null
}

/**
 * Makes all who change the tenant's memberships wait for one another: of two first logins one is the first,
 * and of two admins who demote each other one stays.
 */
export async function lockMemberships(tx: Tx): Promise<void> {
  await tx.rows
    .$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734004, hashtext(${tx.scope.tenantId}))`
}

/** Newest first, from before `cursor`. */
export function listMembers(
  tx: Tx,
  page: { limit: number; cursor: string | null }
): Promise<MemberRow[]> {
  return tx.rows.membership.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(page.cursor === null ? {} : { userId: { lt: page.cursor } })
    },
    include: { user: true },
    orderBy: { userId: 'desc' },
    take: page.limit
  })
}

export function findMember(tx: Tx, userId: string): Promise<MemberRow | null> {
  return tx.rows.membership.findFirst({
    where: { tenantId: tx.scope.tenantId, userId },
    include: { user: true }
  })
}

/** Whether the tenant has an admin beside this person who can come in. */
export async function hasOtherTenantAdmin(tx: Tx, userId: string): Promise<boolean> {
  const { tenantId } = tx.scope
  const found = await tx.rows.membership.findFirst({
    where: { tenantId, role: 'tenant_admin', status: 'active', userId: { not: userId } },
    select: { userId: true }
  })
  return found !== null
}

export async function updateMembership(
  tx: Tx,
  userId: string,
  patch: Partial<Pick<MembershipRow, 'role' | 'status'>>
): Promise<void> {
  await tx.rows.membership.updateMany({
    where: { tenantId: tx.scope.tenantId, userId },
    data: { ...patch, version: { increment: 1 } }
  })
}

export async function noteMemberLogin(tx: Tx, userId: string, lastLoginAt: Date): Promise<void> {
  await tx.rows.membership.updateMany({
    where: { tenantId: tx.scope.tenantId, userId },
    data: { lastLoginAt }
  })
}

/** With it go sessions, places in teams and whatever else stands on it. */
export async function deleteMembership(tx: Tx, userId: string): Promise<boolean> {
  const { count } = await tx.rows.membership.deleteMany({
    where: { tenantId: tx.scope.tenantId, userId }
  })
  return count === 1
}

/** The issuers by which the tenant's admins are known who can come in, whoever made them admins. */
export async function listAdminIssuers(tx: Tx): Promise<string[]> {
  const { tenantId } = tx.scope
  const mapped = {
    some: { groupMapping: { role: 'tenant_admin', loginProvider: { isEnabled: true } } }
  }
  const rows = await tx.rows.membership.findMany({
    where: { tenantId, status: 'active', OR: [{ role: 'tenant_admin' }, { mapped }] },
    select: { user: { select: { issuer: true } } }
  })
  return [...new Set(rows.map(({ user }) => user.issuer))]
}

/** The tenant's admins who can come in, longest there first. */
export async function listTenantAdmins(
  tx: Tx,
  limit: number
): Promise<{ name: string; email: string }[]> {
  const mapped = {
    some: { groupMapping: { role: 'tenant_admin', loginProvider: { isEnabled: true } } }
  }
  const rows = await tx.rows.membership.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      status: 'active',
      OR: [{ role: 'tenant_admin' }, { mapped }]
    },
    select: { user: { select: { name: true, email: true } } },
    orderBy: { createdAt: 'asc' },
    take: limit
  })
  return rows.map(({ user }) => user)
}

/** No session of the member from before `now` comes in again. */
export async function noteMemberSessionsEnded(tx: Tx, userId: string, now: Date): Promise<void> {
  await tx.rows.membership.updateMany({
    where: { tenantId: tx.scope.tenantId, userId },
    data: { sessionsEndedAt: now }
  })
}
