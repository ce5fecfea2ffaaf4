import type { Audit } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import { asId, type TenantId } from '../base/ids.ts'
import { type Page, type PageQuery, pageOf } from '../base/page.ts'
import type { Db, Tx } from '../store/db.ts'
import {
  countTenant,
  findTenant,
  findTenantBySlug,
  listTenants,
  type TenantCounts,
  type TenantRow,
  updateTenant
} from '../store/tenants.ts'
import type { Bootstrap } from './bootstrap.ts'
import { identityScope } from './identity-scope.ts'
import type { LoginProviderInput } from './new-tenant.ts'
import { type OperatorCall, operatorScope, refuseOwn } from './operator-call.ts'
import { requireAuthority } from './roles.ts'
import { createTenantErasure, type ErasureDeps, type TenantErasure } from './tenant-erasure.ts'

/** A tenant as the platform operator sees it: not one of its rows. */
export interface TenantView {
  readonly id: TenantId
  readonly slug: string
  readonly name: string
  readonly status: 'active' | 'suspended' | 'erasing'
  readonly counts: TenantCounts
  readonly version: number
  readonly createdAt: Date
}

export interface TenantInput {
  readonly slug: string
  readonly name: string
  /** Becomes the first admin at their first login, where their issuer has verified the address. */
  readonly firstAdminEmail: string | null
  readonly login: LoginProviderInput | null
}

export interface Tenants extends TenantErasure {
  list(by: OperatorCall, page: PageQuery): Promise<Page<TenantView>>
  /** @throws AppError `not_found` */
  get(by: OperatorCall, id: TenantId): Promise<TenantView>
  /** By slug or id. @throws AppError `not_found` */
  find(by: OperatorCall, slugOrId: string): Promise<TenantView>
  /** @throws AppError `invalid_request`: the slug is taken, or something is no slug, URL or address */
  create(
    by: OperatorCall,
    input: TenantInput
  ): Promise<TenantView & { readonly redirectUri: string | null }>
  /** @throws AppError `not_found`, `version_conflict` */
  update(
    by: OperatorCall,
    id: TenantId,
    input: { name: string; version: number }
  ): Promise<TenantView>
  /**
   * From now on nobody is let in, and calls under way end within seconds; nothing is lost. Twice is once.
   * @throws AppError `not_found`, `forbidden`: the operator's own tenant
   */
  suspend(by: OperatorCall, id: TenantId): Promise<TenantView>
  /** @throws AppError `not_found` */
  resume(by: OperatorCall, id: TenantId): Promise<TenantView>
}

export interface TenantsDeps extends ErasureDeps {
  readonly audit: Audit
  readonly openTenant: Bootstrap['openTenant']
}

const countedAtOnce = 4

export function createTenants(deps: TenantsDeps): Tenants {
  const { db, audit } = deps

  async function change(
    by: OperatorCall,
    id: TenantId,
    action: 'tenant.update' | 'tenant.suspend' | 'tenant.resume',
    work: (tx: Tx, row: TenantRow) => Promise<boolean>
  ): Promise<TenantView> {
    requireAuthority(by, action)
    return await db.inTenant(operatorScope(by, id), async (tx) => {
      const row = await findTenant(tx)
      if (row === null) throw new AppError('not_found')
      if (await work(tx, row)) await audit.append(tx, { action, object: ['tenant', id] })
      return await viewOf(tx)
    })
  }

  return {
    ...createTenantErasure(deps),
    async list(by, { limit, cursor }) {
      requireAuthority(by, 'tenant.list')
      const rows = await listTenants(db, { limit: limit + 1, cursor })
      const { items, nextCursor } = pageOf(rows, limit, ({ id }) => asId('tenant', id))
      const views: (TenantView | null)[] = []
      for (let from = 0; from < items.length; from += countedAtOnce) {
        const some = items.slice(from, from + countedAtOnce)
        views.push(...(await Promise.all(some.map((id) => readView(db, id)))))
      }
      return { items: views.filter((view) => view !== null), nextCursor }
    },
    async get(by, id) {
      requireAuthority(by, 'tenant.get')
      const view = await readView(db, id)
      if (view === null) throw new AppError('not_found')
      return view
    },
    async find(by, slugOrId) {
      requireAuthority(by, 'tenant.get')
      const row = await findTenantBySlug(db, slugOrId)
      const view = await readView(db, asId('tenant', row?.id ?? slugOrId))
      if (view === null) throw new AppError('not_found')
      return view
    },
    async create(by, { slug, name, firstAdminEmail, login }) {
      requireAuthority(by, 'tenant.create')
      const made = { slug, name, adminEmail: firstAdminEmail, login, by }
      const opened = await deps.openTenant(made)
      const scope = operatorScope(by, opened.tenantId)
      const view = await db.inTenant(scope, viewOf)
      return { ...view, redirectUri: opened.login?.redirectUri ?? null }
    },
    update: (by, id, { name, version }) =>
      change(by, id, 'tenant.update', async (tx) => {
        const when = { statuses: ['active', 'suspended'], revision: version }
        if (!(await updateTenant(tx, { name }, when))) throw new AppError('version_conflict')
        return true
      }),
    suspend(by, id) {
      refuseOwn(by, id)
      const when = { statuses: ['active'] }
      return change(by, id, 'tenant.suspend', (tx) =>
        updateTenant(tx, { status: 'suspended' }, when)
      )
    },
    resume: (by, id) =>
      change(by, id, 'tenant.resume', (tx) =>
        updateTenant(tx, { status: 'active' }, { statuses: ['suspended'] })
      )
  }
}

async function readView(db: Db, id: TenantId): Promise<TenantView | null> {
  return await db.inTenant(identityScope(id, null), async (tx) =>
    (await findTenant(tx)) === null ? null : await viewOf(tx)
  )
}

async function viewOf(tx: Tx): Promise<TenantView> {
  const row = await findTenant(tx)
  if (row === null) throw new AppError('not_found')
  const { slug, name, revision, createdAt } = row
  return {
    id: tx.scope.tenantId,
    slug,
    name,
    status: row.status as TenantView['status'], // a check constraint knows no other
    counts: await countTenant(tx),
    version: revision,
    createdAt
  }
}
