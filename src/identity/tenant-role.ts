import type { Tx } from '../store/db.ts'
import { isMappedAdmin } from '../store/group-mappings.ts'
import type { MembershipRow } from '../store/memberships.ts'
import type { TenantRole } from './roles.ts'

/** The role that counts: given by hand, or a higher one by a group of the identity provider's. */
export async function tenantRoleOf(tx: Tx, { role, userId }: MembershipRow): Promise<TenantRole> {
  const isAdmin = role === 'tenant_admin' || (await isMappedAdmin(tx, userId))
  return isAdmin ? 'tenant_admin' : 'member'
}
