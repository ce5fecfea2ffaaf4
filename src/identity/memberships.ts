import type { Audit } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import { asId, type UserId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import { countFabricsOfTeam } from '../store/fabrics.ts'
import { listGrantIdsOfUser } from '../store/grants.ts'
import { deleteOpenInvitationsTo } from '../store/invitations.ts'
import {
  deleteMembership,
  findMembership,
  hasOtherTenantAdmin,
  lockMemberships,
  type MembershipRow,
  updateMembership
} from '../store/memberships.ts'
import { deleteSessionsOfUser } from '../store/sessions.ts'
import { deleteTeam, listTeamsOfUser } from '../store/teams.ts'
import { findUser } from '../store/users.ts'
import type { Vault } from '../vault/vault.ts'
import type { TenantRole } from './roles.ts'

export interface MemberChange {
  readonly role?: TenantRole | undefined
  readonly status?: 'active' | 'suspended' | undefined
}

/** What happens to a membership, whoever decides it: an admin, or the identity provider by SCIM. */
export interface Memberships {
  /**
   * Nothing is done where nothing changes.
   * @param version at which it was decided; null: whatever it is now
   * @throws AppError `not_found`, `version_conflict`, `conflict`: the last tenant admin stays one
   */
  change(
    scope: TenantScope,
    id: UserId,
    change: MemberChange,
    version: number | null
  ): Promise<void>
  /** @throws AppError `not_found`, `conflict`: the last tenant admin stays */
  remove(scope: TenantScope, id: UserId): Promise<void>
}

export interface MembershipDeps {
  readonly db: Db
  readonly audit: Audit
  readonly vault: Pick<Vault, 'forget'>
}

export function createMemberships({ db, audit, vault }: MembershipDeps): Memberships {
  async function changeIn(tx: Tx, row: MembershipRow, change: MemberChange): Promise<void> {
    const { userId } = row
    const role = change.role ?? row.role
    const status = change.status ?? row.status
    if (role === row.role && status === row.status) return
    const isAdminAfter = role === 'tenant_admin' && status === 'active'
    if (!isAdminAfter) await keepAnAdmin(tx, row)
    await updateMembership(tx, userId, { role, status })
    if (status === 'suspended') await deleteSessionsOfUser(tx, userId)
    await withdrawInvitations(tx, userId)
    await audit.append(tx, {
      action: 'member.update',
      object: ['user', userId],
      details: { role, status }
    })
  }

  return {
    async change(scope, id, change, version) {
      await db.inTenant(scope, async (tx) => {
        const row = await mustLockMember(tx, id)
        if (version !== null && row.version !== version) throw new AppError('version_conflict')
        await changeIn(tx, row, change)
      })
    },

    // Out first, then what they hold, which may be at a provider; whoever dies in between left them out.
    async remove(scope, id) {
      const grantIds = await db.inTenant(scope, async (tx) => {
        await changeIn(tx, await mustLockMember(tx, id), { role: 'member', status: 'suspended' })
        return await listGrantIdsOfUser(tx, id)
      })
      const event = { action: 'connection.delete', onBehalfOf: id } as const
      for (const grantId of grantIds) await vault.forget(scope, asId('grant', grantId), event)
      await db.inTenant(scope, async (tx) => {
        await mustLockMember(tx, id)
        await withdrawInvitations(tx, id)
        const personal = (await listTeamsOfUser(tx, id)).filter(({ kind }) => kind === 'personal')
        await deleteMembership(tx, id)
        for (const team of personal) {
          if ((await countFabricsOfTeam(tx, team.id)) === 0) await deleteTeam(tx, team.id)
        }
        await audit.append(tx, { action: 'member.delete', object: ['user', id] })
      })
    }
  }
}

/** An older promise does not outlive this decision. */
async function withdrawInvitations(tx: Tx, userId: string): Promise<void> {
  const user = await findUser(tx, userId)
  if (user !== null) await deleteOpenInvitationsTo(tx, user.email.toLowerCase())
}

async function mustLockMember(tx: Tx, id: UserId): Promise<MembershipRow> {
  await lockMemberships(tx)
  const row = await findMembership(tx, id)
  if (row === null) throw new AppError('not_found')
  return row
}

/** A tenant without an admin is nobody's to mend. */
async function keepAnAdmin(tx: Tx, row: MembershipRow): Promise<void> {
  const isAdmin = row.role === 'tenant_admin' && row.status === 'active'
  if (!isAdmin || (await hasOtherTenantAdmin(tx, row.userId))) return
  throw new AppError('conflict', { detail: 'The last admin stays; make somebody else one first' })
}
