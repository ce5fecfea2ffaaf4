import type { Tx } from './db.ts'
import type { ScimGroup } from './generated/client.ts'

/** A team that the identity provider keeps. */
export type ScimGroupRow = ScimGroup & { readonly team: { readonly name: string } }

export interface ScimGroupQuery {
  readonly id?: string
  readonly displayName?: string
  readonly externalId?: string
  readonly memberId?: string
}

const withName = { team: { select: { name: true } } } as const

export async function insertScimGroup(tx: Tx, row: Omit<ScimGroup, 'tenantId'>): Promise<void> {
  await tx.rows.scimGroup.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export async function updateScimGroup(
  tx: Tx,
  teamId: string,
  values: Pick<ScimGroup, 'externalId' | 'updatedAt'>
): Promise<void> {
  await tx.rows.scimGroup.updateMany({
    where: { tenantId: tx.scope.tenantId, teamId },
    data: values
  })
}

/** The group, locked until the transaction ends: two changes at once follow one another. */
export async function lockScimGroup(tx: Tx, teamId: string): Promise<ScimGroupRow | null> {
  await tx.rows.$queryRaw`
    SELECT 1 AS ok FROM scim_groups
     WHERE tenant_id = ${tx.scope.tenantId} AND team_id = ${teamId} FOR UPDATE`
  return await findScimGroup(tx, teamId)
}

export function findScimGroup(tx: Tx, teamId: string): Promise<ScimGroupRow | null> {
  return tx.rows.scimGroup.findFirst({
    where: { tenantId: tx.scope.tenantId, teamId },
    include: withName
  })
}

/** Oldest first. */
export async function listScimGroups(
  tx: Tx,
  { id, displayName, externalId, memberId }: ScimGroupQuery,
  page: { skip: number; take: number }
): Promise<{ total: number; rows: ScimGroupRow[] }> {
  const where = {
    tenantId: tx.scope.tenantId,
    ...(id === undefined ? {} : { teamId: id }),
    ...(displayName === undefined ? {} : { team: { name: displayName } }),
    ...(externalId === undefined ? {} : { externalId }),
    ...(memberId === undefined ? {} : { members: { some: { scimUserId: memberId } } })
  }
  const total = await tx.rows.scimGroup.count({ where })
  const order = { include: withName, orderBy: { teamId: 'asc' } } as const
  const rows = page.take === 0 ? [] : await tx.rows.scimGroup.findMany({ where, ...order, ...page })
  return { total, rows }
}

export async function deleteScimGroup(tx: Tx, teamId: string): Promise<void> {
  await tx.rows.scimGroup.deleteMany({ where: { tenantId: tx.scope.tenantId, teamId } })
}

export async function listScimGroupMembers(
  tx: Tx,
  teamIds: readonly string[]
): Promise<{ teamId: string; scimUserId: string; userName: string; userId: string | null }[]> {
  const rows = await tx.rows.scimGroupMember.findMany({
    where: { tenantId: tx.scope.tenantId, teamId: { in: [...teamIds] } },
    include: { scimUser: { include: { link: true } } },
    orderBy: { scimUserId: 'asc' }
  })
  return rows.map(({ teamId, scimUserId, scimUser }) => {
    const userId = scimUser.link?.userId ?? null
    return { teamId, scimUserId, userName: scimUser.userName, userId }
  })
}

export async function insertScimGroupMembers(
  tx: Tx,
  teamId: string,
  scimUserIds: readonly string[]
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.scimGroupMember.createMany({
    data: scimUserIds.map((scimUserId) => ({ tenantId, teamId, scimUserId })),
    skipDuplicates: true
  })
}

export async function deleteScimGroupMembers(
  tx: Tx,
  teamId: string,
  scimUserIds: readonly string[]
): Promise<void> {
  await tx.rows.scimGroupMember.deleteMany({
    where: { tenantId: tx.scope.tenantId, teamId, scimUserId: { in: [...scimUserIds] } }
  })
}

/** Puts members into the team where they have no place there yet; those that have one keep it as it is. */
export async function insertProvisionedMembers(
  tx: Tx,
  teamId: string,
  userIds: readonly string[]
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.teamMember.createMany({
    data: userIds.map((userId) => ({ tenantId, teamId, userId, role: 'member', source: 'scim' })),
    skipDuplicates: true
  })
}

/** Takes the places that SCIM gave; null: all of the team's. What was given by hand stays. */
export async function deleteProvisionedMembers(
  tx: Tx,
  teamId: string,
  userIds: readonly string[] | null
): Promise<void> {
  await tx.rows.teamMember.deleteMany({
    where: {
      tenantId: tx.scope.tenantId,
      teamId,
      source: 'scim',
      ...(userIds === null ? {} : { userId: { in: [...userIds] } })
    }
  })
}
