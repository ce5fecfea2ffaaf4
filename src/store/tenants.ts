import type { Question } from './asking.ts'
import type { Db, Tx } from './db.ts'
import { Prisma, type Tenant } from './generated/client.ts'

export type TenantRow = Tenant

export async function insertTenant(
  tx: Tx,
  row: Pick<TenantRow, 'slug' | 'name' | 'createdAt'> & Partial<Pick<TenantRow, 'firstAdminEmail'>>
): Promise<void> {
  await tx.rows.tenant.create({ data: { ...row, id: tx.scope.tenantId } })
}

export function findTenant(tx: Tx): Promise<TenantRow | null> {
  return tx.rows.tenant.findUnique({ where: { id: tx.scope.tenantId } })
}

export function findTenantBySlug(db: Db, slug: string): Promise<TenantRow | null> {
  return db.inLookup({ key: slug }, (tx) => tx.rows.tenant.findUnique({ where: { slug } }))
}

/** Every tenant's id but of those that are being erased, oldest first, for sweeps that then serve one after the other. */
export async function listTenantIds(db: Db): Promise<string[]> {
  return await askForTenantIds(
    db,
    Prisma.sql`SELECT id FROM tenants WHERE status <> 'erasing' ORDER BY id`
  )
}

/** Oldest first. */
export async function listErasingTenantIds(db: Db): Promise<string[]> {
  return await askForTenantIds(
    db,
    Prisma.sql`SELECT id FROM tenants WHERE status = 'erasing' ORDER BY id`
  )
}

/** What a statement tells of all tenants at once. @param sql gives `id` */
export async function askForTenantIds(db: Db, sql: Prisma.Sql): Promise<string[]> {
  const question: Question<Pick<TenantRow, 'id'>> = { sql }
  const [rows] = await db.askLookup({ key: '*' }, question)
  return rows.map(({ id }) => id)
}

/** For the platform operator: newest first, from before `cursor`. */
export function listTenants(
  db: Db,
  page: { limit: number; cursor: string | null }
): Promise<TenantRow[]> {
  return db.inLookup({ key: '*' }, (tx) =>
    tx.rows.tenant.findMany({
      where: page.cursor === null ? {} : { id: { lt: page.cursor } },
      orderBy: { id: 'desc' },
      take: page.limit
    })
  )
}

/** How much a tenant has; not one of its rows. */
export interface TenantCounts {
  readonly members: number
  readonly teams: number
  readonly appConnections: number
  readonly fabrics: number
  readonly serviceAccounts: number
}

export async function countTenant(tx: Tx): Promise<TenantCounts> {
  const where = { tenantId: tx.scope.tenantId }
  return {
    members: await tx.rows.membership.count({ where }),
    teams: await tx.rows.team.count({ where: { ...where, kind: 'shared' } }),
    appConnections: await tx.rows.appConnection.count({ where }),
    fabrics: await tx.rows.fabric.count({ where }),
    serviceAccounts: await tx.rows.serviceAccount.count({ where })
  }
}

/** @returns whether it was there in one of the states and, where one is named, at that revision */
export async function updateTenant(
  tx: Tx,
  patch: Partial<Pick<TenantRow, 'name' | 'status'>>,
  when: { readonly statuses: readonly string[]; readonly revision?: number }
): Promise<boolean> {
  const { count } = await tx.rows.tenant.updateMany({
    where: {
      id: tx.scope.tenantId,
      status: { in: [...when.statuses] },
      ...(when.revision === undefined ? {} : { revision: when.revision })
    },
    data: { ...patch, revision: { increment: 1 } }
  })
  return count === 1
}

/** The tenants that let a person in, by name. */
export function listTenantsOfUser(db: Db, userId: string): Promise<TenantRow[]> {
  return db.inLookup({ userId }, (tx) =>
    tx.rows.tenant.findMany({
      where: { memberships: { some: { userId, status: 'active' } } },
      orderBy: { name: 'asc' }
    })
  )
}
