import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import {
  asId,
  type DelegationId,
  type FabricId,
  newId,
  type ServiceAccountId,
  type UserId
} from '../base/ids.ts'
import { type Page, type PageQuery, pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  type DelegationRow,
  deleteExpiredDelegation,
  insertDelegation,
  listDelegations,
  takeDelegation
} from '../store/delegations.ts'
import { findServiceAccount } from '../store/service-accounts.ts'
import { readTenantSettings } from '../store/tenant-settings.ts'
import { requireAuthority } from './roles.ts'
import { mustSeeFabric } from './visible-fabric.ts'

export interface DelegationView {
  readonly id: DelegationId
  /** Who lets the service account act as them. */
  readonly userId: UserId
  readonly serviceAccountId: ServiceAccountId
  readonly fabricId: FabricId
  /** Null: all that the fabric and the service account's own list allow. */
  readonly endpoints: readonly string[] | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

export interface NewDelegation {
  readonly serviceAccountId: ServiceAccountId
  readonly fabricId: FabricId
  readonly endpoints?: readonly string[] | undefined
  readonly expiresAt: Date
}

/** A person lets a service account act as them, through one fabric, until they or an admin end it. */
export interface Delegations {
  /** One's own; a tenant admin sees everybody's. */
  list(scope: TenantScope, page: PageQuery): Promise<Page<DelegationView>>
  /**
   * @throws AppError `forbidden`: the tenant allows none; `not_found`: no such service account, or a fabric that
   *   the person does not see; `conflict`: there is one already; `invalid_request`: its end
   */
  create(scope: TenantScope, input: NewDelegation): Promise<DelegationView>
  /** One's own; a tenant admin ends anybody's. @throws AppError `not_found` */
  revoke(scope: TenantScope, id: DelegationId): Promise<void>
}

const maxDays = 366
const dayMs = 24 * 3_600_000

export function createDelegations(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
}): Delegations {
  const { db, audit, clock } = deps

  /** Whose may be seen or ended; null: everybody's. */
  const ownerOf = ({ actor, authority }: TenantScope) =>
    authority.may('delegation.manage_of_others') ? null : actor.id

  return {
    async list(scope, { limit, cursor }) {
      requireAuthority(scope, 'delegation.list')
      return await db.inTenant(scope, async (tx) => {
        const rows = await listDelegations(tx, ownerOf(scope), { limit: limit + 1, cursor })
        return pageOf(rows, limit, viewOf)
      })
    },
    async create(scope, { serviceAccountId, fabricId, endpoints, expiresAt }) {
      requireAuthority(scope, 'delegation.create')
      if (scope.actor.kind !== 'user') throw new AppError('forbidden')
      const now = clock.now()
      refuseEnd(now, expiresAt)
      const parties = { userId: scope.actor.id, serviceAccountId, fabricId }
      const row = {
        id: newId('delegation', clock),
        ...parties,
        hasEndpointList: endpoints !== undefined,
        endpoints: [...(endpoints ?? [])],
        createdAt: now,
        expiresAt
      }
      const inserted = db.inTenant(scope, async (tx) => {
        if (!(await readTenantSettings(tx)).delegationsAllowed) {
          const detail = 'Your organisation allows no delegations; its admins decide that'
          throw new AppError('forbidden', { detail })
        }
        await mustSeeFabric(tx, fabricId)
        if ((await findServiceAccount(tx, serviceAccountId)) === null) {
          throw new AppError('not_found', { detail: 'No such service account' })
        }
        await deleteExpiredDelegation(tx, parties, now)
        const view = viewOf(await insertDelegation(tx, row))
        await audit.append(tx, {
          action: 'delegation.create',
          object: ['delegation', row.id],
          fabricId,
          details: {
            serviceAccountId,
            endpoints: endpoints ?? null,
            expiresAt: expiresAt.toISOString()
          }
        })
        return view
      })
      return await inserted.catch((err: unknown) => {
        if (!(err instanceof UniqueViolation)) throw err
        throw new AppError('conflict', { detail: 'You have one for this; revoke it first' })
      })
    },
    async revoke(scope, id) {
      requireAuthority(scope, 'delegation.revoke')
      await db.inTenant(scope, async (tx) => {
        const row = await takeDelegation(tx, id, ownerOf(scope))
        if (row === null) throw new AppError('not_found')
        const { userId, serviceAccountId, fabricId } = row
        await audit.append(tx, {
          action: 'delegation.revoke',
          object: ['delegation', id],
          fabricId: asId('fabric', fabricId),
          details: { userId, serviceAccountId }
        })
      })
    }
  }
}

function refuseEnd(now: Date, expiresAt: Date): void {
  if (expiresAt <= now) throw invalidRequest('/expiresAt', 'must be in the future')
  if (expiresAt > plusMs(now, maxDays * dayMs)) {
    throw invalidRequest('/expiresAt', `must be within ${maxDays} days`)
  }
}

function viewOf(row: DelegationRow): DelegationView {
  return {
    id: asId('delegation', row.id),
    userId: asId('user', row.userId),
    serviceAccountId: asId('serviceAccount', row.serviceAccountId),
    fabricId: asId('fabric', row.fabricId),
    endpoints: row.hasEndpointList ? row.endpoints : null,
    createdAt: row.createdAt,
    expiresAt: row.expiresAt
  }
}
