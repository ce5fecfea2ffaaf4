import type { Tx } from '../store/db.ts'
import { isMappedAdmin } from '../store/group-mappings.ts'
import type { MembershipRow } from '../store/memberships.ts'
import type { TenantRole } from './roles.ts'

/** The role that counts: given by hand, or a higher one by a group of the identity provider's. */
export async function tenantRoleOf(tx: Tx, membership: MembershipRow): Promise<TenantRole> {
  const { role, userId } = membership
  return roleOf(membership, role !== 'tenant_admin' && (await isMappedAdmin(tx, userId)))
}

export function roleOf({ role }: Pick<MembershipRow, 'role'>, isMappedAdmin: boolean): TenantRole {
  return role === 'tenant_admin' || isMappedAdmin ? 'tenant_admin' : 'member'
}
