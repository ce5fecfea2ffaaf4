import type { Db, Tx } from './db.ts'
import type { Tenant } from './generated/client.ts'

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

/** Every tenant's id, for sweeps that then serve one tenant after the other. */
export async function listTenantIds(db: Db): Promise<string[]> {
  const rows = await db.inLookup({ key: '*' }, (tx) =>
    tx.rows.tenant.findMany({ select: { id: true }, orderBy: { id: 'asc' } })
  )
  return rows.map((row) => row.id)
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
