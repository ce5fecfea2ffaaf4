import type { Tx } from './db.ts'
import type { Membership } from './generated/client.ts'

export type MembershipRow = Membership

export function findMembership(tx: Tx, userId: string): Promise<MembershipRow | null> {
  return tx.rows.membership.findUnique({
    where: { tenantId_userId: { tenantId: tx.scope.tenantId, userId } }
  })
}

export async function insertMembership(
  tx: Tx,
  row: Omit<MembershipRow, 'tenantId'>
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

/** Makes two first logins wait for one another, so that one of them is the first. */
export async function lockMemberships(tx: Tx): Promise<void> {
  await tx.rows
    .$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734004, hashtext(${tx.scope.tenantId}))`
}

export async function updateMembershipRole(
  tx: Tx,
  userId: string,
  role: 'tenant_admin' | 'member'
): Promise<void> {
  await tx.rows.membership.updateMany({
    where: { tenantId: tx.scope.tenantId, userId },
    data: { role }
  })
}
