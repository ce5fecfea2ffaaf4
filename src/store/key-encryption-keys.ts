import type { Db, PlainLookupTx } from './db.ts'
import type { KeyEncryptionKey } from './generated/client.ts'

export type KeyEncryptionKeyRow = KeyEncryptionKey

/** It stands above the tenants: a transaction that serves one does not see it. */
const place = { key: 'key_ring' }

/** What promotes, retires or tells of keys takes turns: whoever comes later sees what came before. */
export async function inKeyRing<T>(db: Db, work: (tx: PlainLookupTx) => Promise<T>): Promise<T> {
  return await db.inLookupPlainly(place, async (tx) => {
    await tx.rows.$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734011)`
    return await work(tx)
  })
}

/** Keys that wrap something or are to, the one that seals first. */
export function listPromotedKeys(tx: PlainLookupTx): Promise<KeyEncryptionKeyRow[]> {
  return tx.rows.$queryRaw`SELECT kid, fingerprint, promoted_at AS "promotedAt"
    FROM key_encryption_keys ORDER BY promoted_at DESC, kid DESC`
}

/** From now on this key seals; also writes down what fingerprint it has. */
export async function promoteKey(tx: PlainLookupTx, row: KeyEncryptionKeyRow): Promise<void> {
  const { kid, fingerprint, promotedAt } = row
  await tx.rows.$queryRaw`
    INSERT INTO key_encryption_keys (kid, fingerprint, promoted_at)
    VALUES (${kid}, ${fingerprint}, ${promotedAt})
    ON CONFLICT (kid) DO UPDATE SET fingerprint = excluded.fingerprint, promoted_at = excluded.promoted_at`
}

/** Writes down the fingerprint of a key that has none yet. */
export async function noteFingerprint(
  tx: PlainLookupTx,
  kid: string,
  fingerprint: string
): Promise<void> {
  await tx.rows.$queryRaw`
    UPDATE key_encryption_keys SET fingerprint = ${fingerprint}
     WHERE kid = ${kid} AND fingerprint IS NULL`
}

/** @throws AppError `not_found`: something is wrapped by one of them; then none is gone */
export async function deleteKeys(tx: PlainLookupTx, kids: readonly string[]): Promise<void> {
  await tx.rows.$queryRaw`DELETE FROM key_encryption_keys WHERE kid = ANY (${kids})`
}
