import type { Tx } from './db.ts'
import { type GroupMapping, Prisma } from './generated/client.ts'

export type GroupMappingRow = GroupMapping

interface MappedTeam {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly role: string
}

/** By group, then team. */
export function listGroupMappings(
  tx: Tx,
  loginProviderIds: readonly string[]
): Promise<GroupMappingRow[]> {
  return tx.rows.groupMapping.findMany({
    where: { tenantId: tx.scope.tenantId, loginProviderId: { in: [...loginProviderIds] } },
    orderBy: { id: 'asc' }
  })
}

export async function insertGroupMappings(
  tx: Tx,
  rows: readonly Omit<GroupMappingRow, 'tenantId'>[]
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.groupMapping.createMany({ data: rows.map((row) => ({ ...row, tenantId })) })
}

/** Whoever had a role by one of them has it no longer. */
export async function deleteGroupMappings(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.rows.groupMapping.deleteMany({
    where: { tenantId: tx.scope.tenantId, id: { in: [...ids] } }
  })
}

/** The mappings of one login provider by which the person has a role. */
export async function listMappingsOfUser(
  tx: Tx,
  loginProviderId: string,
  userId: string
): Promise<string[]> {
  const rows = await tx.rows.mappedMember.findMany({
    where: { tenantId: tx.scope.tenantId, userId, groupMapping: { loginProviderId } },
    select: { groupMappingId: true }
  })
  return rows.map(({ groupMappingId }) => groupMappingId)
}

export async function addMappedMember(
  tx: Tx,
  userId: string,
  groupMappingIds: readonly string[]
): Promise<void> {
  const { tenantId } = tx.scope
  const data = groupMappingIds.map((groupMappingId) => ({ tenantId, userId, groupMappingId }))
  await tx.rows.mappedMember.createMany({ data, skipDuplicates: true })
}

export async function removeMappedMember(
  tx: Tx,
  userId: string,
  groupMappingIds: readonly string[]
): Promise<void> {
  await tx.rows.mappedMember.deleteMany({
    where: { tenantId: tx.scope.tenantId, userId, groupMappingId: { in: [...groupMappingIds] } }
  })
}

/** Nobody has a role by this login provider's groups any more, until they log in again. */
export async function removeMappedMembers(tx: Tx, loginProviderId: string): Promise<void> {
  await tx.rows.mappedMember.deleteMany({
    where: { tenantId: tx.scope.tenantId, groupMapping: { loginProviderId } }
  })
}

/** Of a mapping: the word of a login provider that is disabled does not count. */
export const believed = { loginProvider: { isEnabled: true } }

/** The same in SQL: the persons `m` that such a mapping `g` gives a role. */
export const believedMappings = Prisma.sql`mapped_members m
  JOIN group_mappings g ON g.tenant_id = m.tenant_id AND g.id = m.group_mapping_id
  JOIN login_providers p ON p.tenant_id = g.tenant_id AND p.id = g.login_provider_id AND p.is_enabled`

/** Whether a group of their last login makes the person a tenant admin. */
export async function isMappedAdmin(tx: Tx, userId: string): Promise<boolean> {
  return (await listMappedAdmins(tx, [userId])).length > 0
}

/** Whom of these people a group of their last login makes a tenant admin. */
export async function listMappedAdmins(tx: Tx, userIds: readonly string[]): Promise<string[]> {
  const rows = await tx.rows.mappedMember.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      userId: { in: [...userIds] },
      groupMapping: { ...believed, role: 'tenant_admin' }
    },
    select: { userId: true }
  })
  return rows.map(({ userId }) => userId)
}

/** The teams that people have by the groups of their last login; a disabled provider's word does not count. */
export async function listMappedTeams(
  tx: Tx,
  userIds: readonly string[]
): Promise<(MappedTeam & { readonly userId: string })[]> {
  const rows = await tx.rows.mappedMember.findMany({
    where: { tenantId: tx.scope.tenantId, userId: { in: [...userIds] }, groupMapping: believed },
    select: {
      userId: true,
      groupMapping: {
        select: { role: true, team: { select: { id: true, name: true, kind: true } } }
      }
    }
  })
  return rows.flatMap(({ userId, groupMapping: { role, team } }) =>
    team === null ? [] : [{ ...team, role, userId }]
  )
}
