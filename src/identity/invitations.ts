import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, type InvitationId, newId, type TeamId, type UserId } from '../base/ids.ts'
import { type Page, type PageQuery, pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { disclose, hashToken, newOpaqueToken } from '../crypto/bearer.ts'
import type { Db } from '../store/db.ts'
import {
  deleteInvitation,
  findInvitationByHash,
  type InvitationRow,
  insertInvitation,
  listInvitations
} from '../store/invitations.ts'
import { findTenant } from '../store/tenants.ts'
import { identityScope } from './identity-scope.ts'
import { opaqueToken } from './login-attempt.ts'
import { parseEmail } from './person.ts'
import { requireAuthority, type TenantRole } from './roles.ts'
import { mustFindSharedTeam } from './visible-team.ts'

export interface NewInvitation {
  readonly email: string
  readonly role: TenantRole
  /** Beside the one that everybody joins. */
  readonly teamIds?: readonly TeamId[] | undefined
  readonly expiresInHours?: number | undefined
}

export interface InvitationView {
  readonly id: InvitationId
  readonly email: string
  readonly role: TenantRole
  readonly teamIds: readonly TeamId[]
  readonly status: 'pending' | 'accepted' | 'expired'
  readonly invitedBy: string
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly acceptedAt: Date | null
  readonly acceptedBy: UserId | null
}

/** Who may come in although the login provider's rule does not say so, or as more than it says. */
export interface Invitations {
  list(scope: TenantScope, page: PageQuery): Promise<Page<InvitationView>>
  /**
   * @returns the link in clear, this one time; nobody is written to
   * @throws AppError `invalid_request`: not plainly an address; `not_found`: no such shared team
   */
  create(
    scope: TenantScope,
    input: NewInvitation
  ): Promise<InvitationView & { readonly link: string }>
  /** Withdraws it, or forgets one that is over. @throws AppError `not_found` */
  remove(scope: TenantScope, id: InvitationId): Promise<void>
  /** Where the login begins that may accept it. @throws AppError `attempt_expired`: used, over or withdrawn */
  open(token: string, requestId: string): Promise<{ tenantSlug: string }>
}

const hoursDefault = 7 * 24
const hourMs = 3_600_000

export function createInvitations(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly publicUrl: string
}): Invitations {
  const { db, audit, clock, publicUrl } = deps

  return {
    async list(scope, { limit, cursor }) {
      requireAuthority(scope, 'invitation.list')
      const rows = await db.inTenant(scope, (tx) =>
        listInvitations(tx, { limit: limit + 1, cursor })
      )
      return pageOf(rows, limit, (row) => viewOf(row, clock.now()))
    },

    async create(scope, { email, role, teamIds = [], expiresInHours = hoursDefault }) {
      requireAuthority(scope, 'invitation.create')
      const address = parseEmail(email)
      if (address === null) throw invalidRequest('/email', 'is not plainly an address')
      const token = newOpaqueToken()
      const now = clock.now()
      const row = {
        id: newId('invitation', clock),
        email: address.text.toLowerCase(),
        role,
        teamIds: [...teamIds],
        tokenHash: hashToken(token),
        invitedBy: scope.actor.id,
        createdAt: now,
        expiresAt: plusMs(now, expiresInHours * hourMs)
      }
      const view = await db.inTenant(scope, async (tx) => {
        for (const teamId of teamIds) await mustFindSharedTeam(tx, teamId, 'team_member.put')
        const inserted = await insertInvitation(tx, row)
        const { id, expiresAt } = row
        await audit.append(tx, {
          action: 'invitation.create',
          object: ['invitation', id],
          details: { email: row.email, role, teamIds, expiresAt: expiresAt.toISOString() }
        })
        return viewOf(inserted, now)
      })
      return { ...view, link: `${publicUrl}/invitations/${disclose(token)}` }
    },

    async remove(scope, id) {
      requireAuthority(scope, 'invitation.delete')
      await db.inTenant(scope, async (tx) => {
        if (!(await deleteInvitation(tx, id))) throw new AppError('not_found')
        await audit.append(tx, { action: 'invitation.delete', object: ['invitation', id] })
      })
    },

    async open(token, requestId) {
      const row = opaqueToken.test(token) ? await findInvitationByHash(db, hashToken(token)) : null
      const isOpen = row !== null && statusOf(row, clock.now()) === 'pending'
      if (!isOpen) throw new AppError('attempt_expired')
      const scope = identityScope(asId('tenant', row.tenantId), requestId)
      const tenant = await db.inTenant(scope, findTenant)
      if (tenant?.status !== 'active') throw new AppError('attempt_expired')
      return { tenantSlug: tenant.slug }
    }
  }
}

function statusOf({ acceptedAt, expiresAt }: InvitationRow, now: Date): InvitationView['status'] {
  if (acceptedAt !== null) return 'accepted'
  return expiresAt > now ? 'pending' : 'expired'
}

function viewOf(row: InvitationRow, now: Date): InvitationView {
  const { email, invitedBy, createdAt, expiresAt, acceptedAt, acceptedBy } = row
  return {
    id: asId('invitation', row.id),
    email,
    role: row.role === 'tenant_admin' ? 'tenant_admin' : 'member',
    teamIds: row.teamIds.map((id) => asId('team', id)),
    status: statusOf(row, now),
    invitedBy,
    createdAt,
    expiresAt,
    acceptedAt,
    acceptedBy: acceptedBy === null ? null : asId('user', acceptedBy)
  }
}
