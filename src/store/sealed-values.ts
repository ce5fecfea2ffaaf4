import type { Tx } from './db.ts'

/** A sealed text of a tenant and where it lay when it was read. */
export interface SealedValue {
  readonly relation: string
  readonly attribute: string
  readonly place: string
  readonly sealed: string
}

/** Up to `atMost` texts of the tenant that begin like this, in whatever table and column. */
export async function listSealedValues(
  tx: Tx,
  prefix: string,
  atMost: number
): Promise<SealedValue[]> {
  return await tx.rows.$queryRaw<SealedValue[]>`
    SELECT relation, attribute, place, sealed FROM weft_sealed_values(${prefix}, ${atMost}::int)`
}

/** How many there are, counted up to `atMost`. */
export async function countSealedValues(tx: Tx, prefix: string, atMost: number): Promise<number> {
  const [row] = await tx.rows.$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM weft_sealed_values(${prefix}, ${atMost}::int)`
  return row?.count ?? 0
}

/** @returns whether it was still there as it was read */
export async function replaceSealedValue(
  tx: Tx,
  { relation, attribute, place, sealed }: SealedValue,
  next: string
): Promise<boolean> {
  const [row] = await tx.rows.$queryRaw<{ done: boolean }[]>`
    SELECT weft_replace_sealed(${relation}, ${attribute}, ${place}, ${sealed}, ${next}) AS done`
  return row?.done ?? false
}
