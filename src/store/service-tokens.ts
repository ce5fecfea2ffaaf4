import type { Db, Tx } from './db.ts'
import type { ServiceToken } from './generated/client.ts'
import type { ServiceKeyRow } from './service-keys.ts'

export type ServiceTokenRow = ServiceToken

export async function insertServiceToken(
  tx: Tx,
  row: Omit<ServiceTokenRow, 'tenantId'>
): Promise<void> {
  await tx.rows.serviceToken.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findServiceTokenByHash(db: Db, hash: string): Promise<ServiceTokenRow | null> {
  return db.inLookup({ key: hash }, (tx) => tx.rows.serviceToken.findUnique({ where: { hash } }))
}

/** With the key that it was got with, as that is now; null: gone, with its key or without. */
export function findServiceToken(
  tx: Tx,
  hash: string
): Promise<(ServiceTokenRow & { readonly key: ServiceKeyRow }) | null> {
  return tx.rows.serviceToken.findFirst({
    where: { tenantId: tx.scope.tenantId, hash },
    include: { key: true }
  })
}
