import type { Db, LookupTx } from './db.ts'
import type { KeyEncryptionKey } from './generated/client.ts'

export type KeyEncryptionKeyRow = KeyEncryptionKey

/** It stands above the tenants: a transaction that serves one does not see it. */
const place = { key: 'key_ring' }

/** What promotes, retires or tells of keys takes turns: whoever comes later sees what came before. */
export async function inKeyRing<T>(db: Db, work: (tx: LookupTx) => Promise<T>): Promise<T> {
  return await db.inLookup(place, async (tx) => {
    await tx.rows.$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734011)`
    return await work(tx)
  })
}

/** Keys that wrap something or are to, the one that seals first. */
export function listPromotedKeys(tx: LookupTx): Promise<KeyEncryptionKeyRow[]> {
  return tx.rows.keyEncryptionKey.findMany({ orderBy: [{ promotedAt: 'desc' }, { kid: 'desc' }] })
}

/** From now on this key seals; also writes down what fingerprint it has. */
export async function promoteKey(tx: LookupTx, row: KeyEncryptionKeyRow): Promise<void> {
  const { kid, ...data } = row
  await tx.rows.keyEncryptionKey.upsert({ where: { kid }, create: row, update: data })
}

/** Writes down the fingerprint of a key that has none yet. */
export async function noteFingerprint(
  tx: LookupTx,
  kid: string,
  fingerprint: string
): Promise<void> {
  await tx.rows.keyEncryptionKey.updateMany({
    where: { kid, fingerprint: null },
    data: { fingerprint }
  })
}

/** @throws AppError `not_found`: something is wrapped by one of them; then none is gone */
export async function deleteKeys(tx: LookupTx, kids: readonly string[]): Promise<void> {
  await tx.rows.keyEncryptionKey.deleteMany({ where: { kid: { in: [...kids] } } })
}
