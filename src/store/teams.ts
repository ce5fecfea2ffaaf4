import type { Tx } from './db.ts'
import type { Team, User } from './generated/client.ts'
import { believed, believedMappings, listMappedTeams } from './group-mappings.ts'

export type TeamRow = Team
/** A person's place in a team: by hand, by groups of the identity provider's, or both. */
export interface TeamMemberRow {
  readonly userId: string
  readonly status: string
  readonly user: User
  readonly byHand: string | null
  readonly byGroup: string | null
}

export interface TeamMembership {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly role: string
}

export interface TeamPlace extends TeamMembership {
  readonly userId: string
}

export function insertTeam(
  tx: Tx,
  row: Pick<TeamRow, 'id' | 'name' | 'kind' | 'createdAt'> & Partial<Pick<TeamRow, 'isDefault'>>
): Promise<TeamRow> {
  return tx.rows.team.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findTeam(tx: Tx, teamId: string): Promise<TeamRow | null> {
  return tx.rows.team.findFirst({ where: { tenantId: tx.scope.tenantId, id: teamId } })
}

/** The team, and nobody gives it a fabric until the transaction ends. */
export async function lockTeam(tx: Tx, teamId: string): Promise<TeamRow | null> {
  await tx.rows.$queryRaw`
    SELECT 1 AS ok FROM teams WHERE tenant_id = ${tx.scope.tenantId} AND id = ${teamId} FOR UPDATE`
  return await findTeam(tx, teamId)
}

/** The teams that everybody joins. */
export function listDefaultTeams(tx: Tx): Promise<TeamRow[]> {
  return tx.rows.team.findMany({
    where: { tenantId: tx.scope.tenantId, kind: 'shared', isDefault: true }
  })
}

/** Newest first, from before `cursor`, of the given ones. */
export function listTeams(
  tx: Tx,
  page: { limit: number; cursor: string | null; teams: 'all' | readonly string[] }
): Promise<TeamRow[]> {
  return tx.rows.team.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      id: {
        ...(page.teams === 'all' ? {} : { in: [...page.teams] }),
        ...(page.cursor === null ? {} : { lt: page.cursor })
      }
    },
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

/** Of every team of the tenant, personal ones too. */
export function listTeamNames(tx: Tx): Promise<Pick<TeamRow, 'id' | 'name'>[]> {
  return tx.rows.team.findMany({
    where: { tenantId: tx.scope.tenantId },
    select: { id: true, name: true },
    orderBy: { id: 'asc' }
  })
}

/** @returns false when the row is no longer at `version` */
export async function updateTeam(
  tx: Tx,
  teamId: string,
  version: number,
  patch: Partial<Pick<TeamRow, 'name'>>
): Promise<boolean> {
  const { count } = await tx.rows.team.updateMany({
    where: { tenantId: tx.scope.tenantId, id: teamId, version },
    data: { ...patch, version: version + 1 }
  })
  return count === 1
}

export async function deleteTeam(tx: Tx, teamId: string): Promise<boolean> {
  const { count } = await tx.rows.team.deleteMany({
    where: { tenantId: tx.scope.tenantId, id: teamId }
  })
  return count === 1
}

export async function insertTeamMember(
  tx: Tx,
  row: { teamId: string; userId: string; role: 'admin' | 'member' }
): Promise<void> {
  await tx.rows.teamMember.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** Puts the person into the team, or changes the role that they have there. */
export async function upsertTeamMember(
  tx: Tx,
  row: { teamId: string; userId: string; role: 'admin' | 'member' }
): Promise<void> {
  const { tenantId } = tx.scope
  const { teamId, userId, role } = row
  await tx.rows.teamMember.upsert({
    where: { tenantId_teamId_userId: { tenantId, teamId, userId } },
    create: { ...row, tenantId },
    update: { role }
  })
}

/** The teams of one person, shared ones first. */
export function listTeamsOfUser(tx: Tx, userId: string): Promise<TeamMembership[]> {
  return listTeamsOfUsers(tx, [userId])
}

/**
 * The teams of each of these people, shared ones first. A role is the one given by hand, or a higher one by a
 * group of the identity provider's.
 */
export async function listTeamsOfUsers(tx: Tx, userIds: readonly string[]): Promise<TeamPlace[]> {
  const rows = await tx.rows.teamMember.findMany({
    where: { tenantId: tx.scope.tenantId, userId: { in: [...userIds] } },
    select: { userId: true, role: true, team: { select: { id: true, name: true, kind: true } } }
  })
  const byHand = rows.map(({ userId, role, team }) => ({ ...team, role, userId }))
  return placesOf([...byHand, ...(await listMappedTeams(tx, userIds))])
}

/** Of several places that a person has in one team, the highest; shared teams first. */
export function placesOf(all: readonly TeamPlace[]): TeamPlace[] {
  const places = new Map<string, TeamPlace>()
  for (const place of all) {
    const key = `${place.userId}/${place.id}`
    if (places.get(key)?.role !== 'admin') places.set(key, place)
  }
  return [...places.values()].sort((a, b) => b.kind.localeCompare(a.kind) || (a.id < b.id ? -1 : 1))
}

/**
 * Newest person first, from before `cursor`. Found by their places: by themselves, a small team's few would be looked
 * for among all people of the tenant.
 */
export async function listTeamMembers(
  tx: Tx,
  teamId: string,
  { limit, cursor }: { limit: number; cursor: string | null }
): Promise<TeamMemberRow[]> {
  const { tenantId } = tx.scope
  const found = await tx.rows.$queryRaw<{ userId: string }[]>`
    SELECT user_id AS "userId" FROM team_members
     WHERE tenant_id = ${tenantId} AND team_id = ${teamId}
       AND (${cursor}::text IS NULL OR user_id < ${cursor})
    UNION
    SELECT m.user_id FROM ${believedMappings}
     WHERE m.tenant_id = ${tenantId} AND g.team_id = ${teamId}
       AND (${cursor}::text IS NULL OR m.user_id < ${cursor})
     ORDER BY 1 DESC LIMIT ${limit}`
  return await readPlaces(
    tx,
    teamId,
    found.map(({ userId }) => userId)
  )
}

export async function findTeamMember(
  tx: Tx,
  teamId: string,
  userId: string
): Promise<TeamMemberRow | null> {
  const [row] = await readPlaces(tx, teamId, [userId])
  return row ?? null
}

async function readPlaces(
  tx: Tx,
  teamId: string,
  userIds: readonly string[]
): Promise<TeamMemberRow[]> {
  const groupMapping = { teamId, ...believed }
  const rows = await tx.rows.membership.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      userId: { in: [...userIds] },
      OR: [{ teamMembers: { some: { teamId } } }, { mapped: { some: { groupMapping } } }]
    },
    select: {
      userId: true,
      status: true,
      user: true,
      teamMembers: { where: { teamId }, select: { role: true } },
      mapped: { where: { groupMapping }, select: { groupMapping: { select: { role: true } } } }
    },
    orderBy: { userId: 'desc' }
  })
  return rows.map(({ teamMembers: [own], mapped, ...person }) => {
    const roles = mapped.map(({ groupMapping: { role } }) => role)
    const byGroup = roles.includes('admin') ? 'admin' : (roles[0] ?? null)
    return { ...person, byHand: own?.role ?? null, byGroup }
  })
}

export async function deleteTeamMember(tx: Tx, teamId: string, userId: string): Promise<boolean> {
  const { count } = await tx.rows.teamMember.deleteMany({
    where: { tenantId: tx.scope.tenantId, teamId, userId }
  })
  return count === 1
}
