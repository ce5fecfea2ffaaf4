import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { UserId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import { findMembership, noteMemberSessionsEnded } from '../store/memberships.ts'
import { deleteAllSessions, deleteSessionsOfUser } from '../store/sessions.ts'
import { noteSessionsEnded } from '../store/tenant-settings.ts'

/** An admin ends sessions of others; none of them comes back in by a detour over another tenant. */
export interface SessionEnding {
  /** @throws AppError `not_found` */
  ofMember(scope: TenantScope, userId: UserId): Promise<void>
  /** Everyone's, the admin's own too. */
  all(scope: TenantScope): Promise<void>
}

export function createSessionEnding(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
}): SessionEnding {
  const { db, audit, clock } = deps
  return {
    ofMember: (scope, userId) =>
      db.inTenant(scope, async (tx) => {
        if ((await findMembership(tx, userId)) === null) throw new AppError('not_found')
        const sessions = await deleteSessionsOfUser(tx, userId)
        await noteMemberSessionsEnded(tx, userId, clock.now())
        const object = ['user', userId] as const
        await audit.append(tx, { action: 'session.end_of_member', object, details: { sessions } })
      }),
    all: (scope) =>
      db.inTenant(scope, async (tx) => {
        const sessions = await deleteAllSessions(tx)
        await noteSessionsEnded(tx, clock.now())
        const object = ['tenant', scope.tenantId] as const
        await audit.append(tx, { action: 'session.end_all', object, details: { sessions } })
      })
  }
}
