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

/** The key that a token was got with, as it is now; null: gone, and the token with it. */
export async function findKeyOfServiceToken(tx: Tx, hash: string): Promise<ServiceKeyRow | null> {
  const row = await tx.rows.serviceToken.findFirst({
    where: { tenantId: tx.scope.tenantId, hash },
    include: { key: true }
  })
  return row?.key ?? null
}
