import type { KeyWrap } from '../../src/crypto/key-wrap.ts'

/** As the start of a server does it: these keys may wrap, the first of them seals. */
export async function promoteKeys(
  query: (text: string, values: unknown[]) => Promise<unknown>,
  { fingerprints }: KeyWrap
): Promise<void> {
  await query(
    `INSERT INTO key_encryption_keys SELECT kid, fingerprint, now() - n * interval '1 minute'
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY k(kid, fingerprint, n)`,
    [[...fingerprints.keys()], [...fingerprints.values()]]
  )
}
