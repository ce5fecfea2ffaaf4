import type { Question } from './asking.ts'
import type { Db, Tx } from './db.ts'
import { Prisma, type ServiceKey } from './generated/client.ts'

export type ServiceKeyRow = ServiceKey

export function insertServiceKey(
  tx: Tx,
  row: Omit<ServiceKeyRow, 'tenantId' | 'lastUsedAt' | 'lastUsedFrom' | 'revokedAt' | 'expiryTold'>
): Promise<ServiceKeyRow> {
  return tx.rows.serviceKey.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findServiceKeyByHash(db: Db, hash: string): Promise<ServiceKeyRow | null> {
  return db.inLookup({ key: hash }, (tx) => tx.rows.serviceKey.findUnique({ where: { hash } }))
}

export function serviceKeyOf(hash: string): Question<ServiceKeyRow> {
  return {
    sql: Prisma.sql`SELECT * FROM service_keys WHERE tenant_id = weft_tenant() AND hash = ${hash}`
  }
}

export function serviceKeyOfId(serviceAccountId: string, id: string): Question<ServiceKeyRow> {
  return {
    sql: Prisma.sql`SELECT * FROM service_keys
      WHERE tenant_id = weft_tenant() AND service_account_id = ${serviceAccountId} AND id = ${id}`
  }
}

/** Newest first, revoked ones left out. */
export function listServiceKeys(tx: Tx, serviceAccountId: string): Promise<ServiceKeyRow[]> {
  return tx.rows.serviceKey.findMany({
    where: { tenantId: tx.scope.tenantId, serviceAccountId, revokedAt: null },
    orderBy: { id: 'desc' }
  })
}

/** Only those last used before `dueBefore`, so that several replicas write once. */
export async function touchServiceKeys(
  tx: Tx,
  uses: readonly { readonly id: string; readonly from: string | null }[],
  lastUsedAt: Date,
  dueBefore: Date
): Promise<void> {
  const ids = uses.map(({ id }) => id)
  const sources = uses.map(({ from }) => from)
  await tx.rows.$executeRaw`
    UPDATE service_keys k SET last_used_at = ${lastUsedAt}, last_used_from = u.source
      FROM unnest(${ids}::text[], ${sources}::text[]) AS u(id, source)
     WHERE k.tenant_id = ${tx.scope.tenantId} AND k.id = u.id
       AND (k.last_used_at IS NULL OR k.last_used_at < ${dueBefore})`
}

/** @returns whether it was there and not revoked yet */
export async function revokeServiceKey(
  tx: Tx,
  serviceAccountId: string,
  id: string,
  revokedAt: Date
): Promise<boolean> {
  const { count } = await tx.rows.serviceKey.updateMany({
    where: { tenantId: tx.scope.tenantId, serviceAccountId, id, revokedAt: null },
    data: { revokedAt }
  })
  return count === 1
}
