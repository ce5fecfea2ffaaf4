import type { Tx } from './db.ts'
import type { Team } from './generated/client.ts'

export type TeamRow = Team

export interface TeamMembership {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly role: string
}

export async function insertTeam(tx: Tx, row: Omit<TeamRow, 'tenantId'>): Promise<void> {
  await tx.rows.team.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findTeam(tx: Tx, teamId: string): Promise<TeamRow | null> {
  return tx.rows.team.findFirst({ where: { tenantId: tx.scope.tenantId, id: teamId } })
}

/** The shared teams, oldest first. */
export function listSharedTeams(tx: Tx): Promise<TeamRow[]> {
  return tx.rows.team.findMany({
    where: { tenantId: tx.scope.tenantId, kind: 'shared' },
    orderBy: { id: 'asc' }
  })
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
export async function listTeamsOfUser(tx: Tx, userId: string): Promise<TeamMembership[]> {
  const rows = await tx.rows.teamMember.findMany({
    where: { tenantId: tx.scope.tenantId, userId },
    select: { role: true, team: { select: { id: true, name: true, kind: true } } },
    orderBy: [{ team: { kind: 'desc' } }, { teamId: 'asc' }]
  })
  return rows.map(({ role, team }) => ({ ...team, role }))
}
