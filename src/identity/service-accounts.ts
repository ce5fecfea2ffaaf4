import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, type FabricId, newId, type ServiceAccountId } from '../base/ids.ts'
import { type Page, type PageQuery, pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  bumpServiceAccount,
  deleteServiceAccount,
  findServiceAccount,
  insertServiceAccount,
  listServiceAccountFabrics,
  listServiceAccounts,
  replaceServiceAccountFabrics,
  type ServiceAccountFabricRow,
  type ServiceAccountRow,
  updateServiceAccount
} from '../store/service-accounts.ts'
import type { TokenMarks } from '../vault/token-marks.ts'
import { requireAuthority } from './roles.ts'
import { createServiceKeys, type ServiceKeys } from './service-keys.ts'
import { parseNetwork } from './source-networks.ts'

export interface ServiceAccountView {
  readonly id: ServiceAccountId
  readonly name: string
  /** CIDRs that it may come from; empty: anywhere. */
  readonly allowedNetworks: readonly string[]
  /** Nothing that it shows is believed. */
  readonly isDisabled: boolean
  readonly version: number
  readonly createdAt: Date
  readonly fabrics: readonly FabricAccess[]
}

/** JSON merge patch (RFC 7396): absent keeps. */
export interface ServiceAccountPatch {
  readonly version: number
  readonly name?: string | undefined
  readonly allowedNetworks?: readonly string[] | undefined
  readonly isDisabled?: boolean | undefined
}

/** A fabric that a service account may reach; `endpoints` undefined: all that the fabric allows. */
export interface FabricAccess {
  readonly fabricId: FabricId
  readonly endpoints?: readonly string[] | undefined
  readonly requestsPerMinute?: number | undefined
}

export interface ServiceAccounts extends ServiceKeys {
  list(scope: TenantScope, page: PageQuery): Promise<Page<ServiceAccountView>>
  get(scope: TenantScope, id: ServiceAccountId): Promise<ServiceAccountView>
  /** @throws AppError `invalid_request`: the name is taken */
  create(scope: TenantScope, input: { name: string }): Promise<ServiceAccountView>
  /** @throws AppError `invalid_request`: a taken name, or what is no network; `not_found`, `version_conflict` */
  update(
    scope: TenantScope,
    id: ServiceAccountId,
    patch: ServiceAccountPatch
  ): Promise<ServiceAccountView>
  /** Its keys go with it. */
  remove(scope: TenantScope, id: ServiceAccountId): Promise<void>
  /** Replaces the whole list. @throws AppError `not_found`: a fabric that is not in this tenant */
  setFabrics(
    scope: TenantScope,
    id: ServiceAccountId,
    fabrics: readonly FabricAccess[]
  ): Promise<ServiceAccountView>
}

export function createServiceAccounts(deps: {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly tokenMarks: TokenMarks
}): ServiceAccounts {
  const { db, audit, clock } = deps

  async function read(tx: Tx, id: ServiceAccountId): Promise<ServiceAccountView> {
    const row = await findServiceAccount(tx, id)
    if (row === null) throw new AppError('not_found')
    return viewOf(row, await listServiceAccountFabrics(tx, [id]))
  }

  return {
    ...createServiceKeys(deps),
    async list(scope, { limit, cursor }) {
      requireAuthority(scope, 'service_account.list')
      return await db.inTenant(scope, async (tx) => {
        const rows = await listServiceAccounts(tx, { limit: limit + 1, cursor })
        const ids = rows.slice(0, limit).map(({ id }) => id)
        const fabrics = await listServiceAccountFabrics(tx, ids)
        return pageOf(rows, limit, (row) => viewOf(row, fabrics))
      })
    },
    async get(scope, id) {
      requireAuthority(scope, 'service_account.get')
      return await db.inTenant(scope, (tx) => read(tx, id))
    },
    async create(scope, { name }) {
      requireAuthority(scope, 'service_account.create')
      const id = newId('serviceAccount', clock)
      const inserted = db.inTenant(scope, async (tx) => {
        const row = await insertServiceAccount(tx, { id, name, createdAt: clock.now() })
        await audit.append(tx, {
          action: 'service_account.create',
          object: ['service_account', id],
          details: { name }
        })
        return viewOf(row, [])
      })
      return await inserted.catch(refuseTakenName)
    },
    async update(scope, id, { version, name, allowedNetworks, isDisabled }) {
      requireAuthority(scope, 'service_account.update')
      refuseNoNetworks(allowedNetworks ?? [])
      const changes = {
        ...(name !== undefined && { name }),
        ...(allowedNetworks !== undefined && { allowedNetworks: [...allowedNetworks] }),
        ...(isDisabled !== undefined && { isDisabled })
      }
      const updated = db.inTenant(scope, async (tx) => {
        if ((await findServiceAccount(tx, id)) === null) throw new AppError('not_found')
        if (!(await updateServiceAccount(tx, id, version, changes))) {
          throw new AppError('version_conflict')
        }
        await audit.append(tx, {
          action: 'service_account.update',
          object: ['service_account', id],
          details: changes
        })
        return await read(tx, id)
      })
      return await updated.catch(refuseTakenName)
    },
    async remove(scope, id) {
      requireAuthority(scope, 'service_account.delete')
      await db.inTenant(scope, async (tx) => {
        if (!(await deleteServiceAccount(tx, id))) throw new AppError('not_found')
        await audit.append(tx, {
          action: 'service_account.delete',
          object: ['service_account', id]
        })
      })
    },
    async setFabrics(scope, id, fabrics) {
      requireAuthority(scope, 'service_account.set_fabrics')
      const fabricIds = fabrics.map(({ fabricId }) => fabricId)
      const repeated = fabricIds.findIndex((fabricId, at) => fabricIds.indexOf(fabricId) !== at)
      if (repeated >= 0) throw invalidRequest(`/fabrics/${repeated}/fabricId`, 'is listed twice')
      return await db.inTenant(scope, async (tx) => {
        if (!(await bumpServiceAccount(tx, id))) throw new AppError('not_found')
        await replaceServiceAccountFabrics(tx, id, fabrics.map(rowOf))
        await audit.append(tx, {
          action: 'service_account.set_fabrics',
          object: ['service_account', id],
          details: { fabricIds }
        })
        return await read(tx, id)
      })
    }
  }
}

function refuseTakenName(err: unknown): never {
  throw err instanceof UniqueViolation ? invalidRequest('/name', 'is taken') : err
}

function refuseNoNetworks(texts: readonly string[]): void {
  const at = texts.findIndex((text) => parseNetwork(text) === null)
  if (at < 0) return
  throw invalidRequest(`/allowedNetworks/${at}`, 'must be a network, such as 192.0.2.0/24')
}

function rowOf({ fabricId, endpoints, requestsPerMinute }: FabricAccess) {
  return {
    fabricId,
    hasEndpointList: endpoints !== undefined,
    endpoints: [...(endpoints ?? [])],
    requestsPerMinute: requestsPerMinute ?? null
  }
}

function viewOf(
  row: ServiceAccountRow,
  fabrics: readonly ServiceAccountFabricRow[]
): ServiceAccountView {
  const { name, allowedNetworks, isDisabled, version, createdAt } = row
  const own = fabrics.filter(({ serviceAccountId }) => serviceAccountId === row.id)
  return {
    id: asId('serviceAccount', row.id),
    name,
    allowedNetworks,
    isDisabled,
    version,
    createdAt,
    fabrics: own.map(accessOf)
  }
}

function accessOf(row: ServiceAccountFabricRow): FabricAccess {
  return {
    fabricId: asId('fabric', row.fabricId),
    ...(row.hasEndpointList ? { endpoints: row.endpoints } : {}),
    ...(row.requestsPerMinute === null ? {} : { requestsPerMinute: row.requestsPerMinute })
  }
}
