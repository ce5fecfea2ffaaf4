import { AppError } from '../base/errors.ts'
import { asId, type TeamId, type UserId } from '../base/ids.ts'
import { type Page, type PageQuery, pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import { listMappedAdmins } from '../store/group-mappings.ts'
import { findMember, listMembers, type MemberRow } from '../store/memberships.ts'
import { listTeamsOfUser, listTeamsOfUsers, type TeamMembership } from '../store/teams.ts'
import type { MemberChange, Memberships } from './memberships.ts'
import { requireAuthority, type TeamRole, type TenantRole, teamRoleOf } from './roles.ts'

export type MemberStatus = 'active' | 'suspended'

export interface MemberView {
  readonly id: UserId
  readonly email: string
  readonly name: string
  /** Given by hand, or by a group of the identity provider's. */
  /** The one that counts: given by hand, or a higher one by a group of the identity provider's. */
  readonly role: TenantRole
  /** The groups of their last login make them a tenant admin, whatever is given by hand. */
  readonly isAdminByGroup: boolean
  readonly status: MemberStatus
  /** Those that the asker sees. */
  readonly teams: readonly {
    readonly id: TeamId
    readonly name: string
    readonly role: TeamRole
  }[]
  /** Into this tenant; null: not yet, or before this was noted. */
  readonly lastLoginAt: Date | null
  readonly version: number
  readonly createdAt: Date
}

/** The people of a tenant: for its admins, and as a directory for whoever administers a shared team. */
export interface Members {
  list(scope: TenantScope, page: PageQuery): Promise<Page<MemberView>>
  get(scope: TenantScope, id: UserId): Promise<MemberView>
  /**
   * A suspended member is out: sessions end, nothing of theirs is believed, nothing is lost.
   * @throws AppError `conflict`: the last tenant admin stays one; `version_conflict`; `not_found`
   */
  update(
    scope: TenantScope,
    id: UserId,
    change: MemberChange & { readonly version: number }
  ): Promise<MemberView>
  /**
   * Their sessions, tokens, sign-ins and places in teams go; what their teams own stays.
   * @throws AppError `conflict`: the last tenant admin stays; `not_found`
   */
  remove(scope: TenantScope, id: UserId): Promise<void>
}

export function createMembers(deps: {
  readonly db: Db
  readonly memberships: Memberships
}): Members {
  const { db, memberships } = deps

  async function get(scope: TenantScope, id: UserId): Promise<MemberView> {
    return await db.inTenant(scope, async (tx) => {
      await requireDirectory(tx, 'member.get')
      const row = await findMember(tx, id)
      if (row === null) throw new AppError('not_found')
      return viewOf(scope, row, await listTeamsOfUser(tx, id), await listMappedAdmins(tx, [id]))
    })
  }

  return {
    async list(scope, { limit, cursor }) {
      return await db.inTenant(scope, async (tx) => {
        await requireDirectory(tx, 'member.list')
        const found = await listMembers(tx, { limit: limit + 1, cursor })
        const rows = found.map((row) => ({ ...row, id: row.userId }))
        const ids = rows.slice(0, limit).map(({ id }) => id)
        const teams = await listTeamsOfUsers(tx, ids)
        const mappedAdmins = await listMappedAdmins(tx, ids)
        return pageOf(rows, limit, (row) =>
          viewOf(
            scope,
            row,
            teams.filter(({ userId }) => userId === row.id),
            mappedAdmins
          )
        )
      })
    },
    get,
    async update(scope, id, { version, ...change }) {
      requireAuthority(scope, 'member.update')
      await memberships.change(scope, id, change, version)
      return await get(scope, id)
    },
    async remove(scope, id) {
      requireAuthority(scope, 'member.delete')
      await memberships.remove(scope, id)
    }
  }
}

/** Everyone administers their own personal team; only a shared one needs to know who there is. */
async function requireDirectory(tx: Tx, operation: 'member.list' | 'member.get'): Promise<void> {
  const { scope } = tx
  requireAuthority(scope, operation)
  if (scope.authority.teams === 'all') return
  const teams = await listTeamsOfUser(tx, scope.actor.id)
  if (!teams.some(({ kind, role }) => kind === 'shared' && role === 'admin')) {
    throw new AppError('forbidden')
  }
}

function viewOf(
  { authority }: TenantScope,
  row: MemberRow,
  teams: readonly TeamMembership[],
  mappedAdmins: readonly string[]
): MemberView {
  const isAdminByGroup = mappedAdmins.includes(row.userId)
  const shown = teams
    .map(({ id, name, role }) => ({ id: asId('team', id), name, role: teamRoleOf(role) }))
    .filter(({ id }) => authority.teams === 'all' || authority.teams.includes(id))
  return {
    id: asId('user', row.userId),
    email: row.user.email,
    name: row.user.name,
    role: row.role === 'tenant_admin' || isAdminByGroup ? 'tenant_admin' : 'member',
    isAdminByGroup,
    status: row.status === 'active' ? 'active' : 'suspended',
    teams: shown,
    lastLoginAt: row.lastLoginAt,
    version: row.version,
    createdAt: row.createdAt
  }
}
