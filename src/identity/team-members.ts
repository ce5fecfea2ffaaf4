import type { Audit } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import { asId, type TeamId, type UserId } from '../base/ids.ts'
import { type Page, type PageQuery, pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import { findMembership } from '../store/memberships.ts'
import {
  deleteTeamMember,
  findTeamMember,
  listTeamMembers,
  type TeamMemberRow,
  upsertTeamMember
} from '../store/teams.ts'
import type { MemberStatus } from './members.ts'
import { type TeamRole, teamRoleOf } from './roles.ts'
import { mustFindSharedTeam, mustFindTeam } from './visible-team.ts'

export interface TeamMemberView {
  readonly userId: UserId
  readonly email: string
  readonly name: string
  /** The higher of the two below. */
  readonly role: TeamRole
  readonly byHand: TeamRole | null
  /** By the groups of their last login; it goes with them, not by `removeMember`. */
  readonly byGroup: TeamRole | null
  readonly status: MemberStatus
}

export interface TeamMembers {
  listMembers(scope: TenantScope, id: TeamId, page: PageQuery): Promise<Page<TeamMemberView>>
  /** Adds the member, or changes their role there. @throws AppError `not_found`, `forbidden` */
  putMember(scope: TenantScope, id: TeamId, userId: UserId, role: TeamRole): Promise<TeamMemberView>
  removeMember(scope: TenantScope, id: TeamId, userId: UserId): Promise<void>
}

export function createTeamMembers(deps: { readonly db: Db; readonly audit: Audit }): TeamMembers {
  const { db, audit } = deps
  return {
    listMembers: async (scope, id, { limit, cursor }) =>
      await db.inTenant(scope, async (tx) => {
        await mustFindTeam(tx, id, 'team_member.list')
        const found = await listTeamMembers(tx, id, { limit: limit + 1, cursor })
        return pageOf(
          found.map((row) => ({ ...row, id: row.userId })),
          limit,
          viewOf
        )
      }),
    putMember: async (scope, id, userId, role) =>
      await db.inTenant(scope, async (tx) => {
        await mustFindSharedTeam(tx, id, 'team_member.put')
        if ((await findMembership(tx, userId)) === null) throw new AppError('not_found')
        await upsertTeamMember(tx, { teamId: id, userId, role })
        await audit.append(tx, {
          action: 'team_member.put',
          object: ['team', id],
          details: { userId, role }
        })
        return await mustView(tx, id, userId)
      }),
    removeMember: async (scope, id, userId) =>
      await db.inTenant(scope, async (tx) => {
        await mustFindSharedTeam(tx, id, 'team_member.delete')
        if (!(await deleteTeamMember(tx, id, userId))) throw new AppError('not_found')
        await audit.append(tx, {
          action: 'team_member.delete',
          object: ['team', id],
          details: { userId }
        })
      })
  }
}

async function mustView(tx: Tx, id: TeamId, userId: UserId): Promise<TeamMemberView> {
  const row = await findTeamMember(tx, id, userId)
  if (row === null) throw new AppError('not_found')
  return viewOf(row)
}

function viewOf({ userId, user, status, byHand, byGroup }: TeamMemberRow): TeamMemberView {
  const roleOf = (role: string | null) => (role === null ? null : teamRoleOf(role))
  return {
    userId: asId('user', userId),
    email: user.email,
    name: user.name,
    role: byHand === 'admin' || byGroup === 'admin' ? 'admin' : 'member',
    byHand: roleOf(byHand),
    byGroup: roleOf(byGroup),
    status: status === 'active' ? 'active' : 'suspended'
  }
}
