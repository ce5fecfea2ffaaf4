import type { Audit } from '../../audit/audit.ts'
import type { Clock } from '../../base/clock.ts'
import type { ScimUserId, TeamId } from '../../base/ids.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import type { Db } from '../../store/db.ts'
import type { Memberships } from '../memberships.ts'
import type { UserAttributes } from './user-attributes.ts'

export interface ScimQuery {
  readonly filter: string | null
  /** From 1. */
  readonly startIndex: number
  readonly count: number
}

export interface ScimPage<T> {
  readonly total: number
  readonly startIndex: number
  readonly items: readonly T[]
}

export interface ScimUserView extends UserAttributes {
  readonly id: ScimUserId
  readonly groups: readonly { readonly id: TeamId; readonly name: string }[]
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface ScimGroupView {
  readonly id: TeamId
  readonly displayName: string
  readonly externalId: string | null
  readonly members: readonly { readonly id: ScimUserId; readonly userName: string }[]
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** Bodies are as they came: what they must hold, and how identity providers write it, is known here. */
export interface ScimKept<View, Id> {
  list(scope: TenantScope, query: ScimQuery): Promise<ScimPage<View>>
  /** @throws AppError `not_found` */
  get(scope: TenantScope, id: Id): Promise<View>
  /** @throws ScimFault; AppError `conflict` where a rule of the tenant stands against it */
  create(scope: TenantScope, body: unknown): Promise<View>
  replace(scope: TenantScope, id: Id, body: unknown): Promise<View>
  patch(scope: TenantScope, id: Id, body: unknown): Promise<View>
  remove(scope: TenantScope, id: Id): Promise<void>
}

/**
 * People as the identity provider announces them. One who logs in, or has, by an identity that it means is
 * that person from then on: what is deactivated there is suspended here, what is deleted there is removed.
 */
export type ScimUsers = ScimKept<ScimUserView, ScimUserId>

/** The teams that the identity provider keeps. Places that were given by hand stay as they are. */
export type ScimGroups = ScimKept<ScimGroupView, TeamId>

export interface Scim {
  readonly users: ScimUsers
  readonly groups: ScimGroups
}

export interface ScimDeps {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly memberships: Memberships
}
