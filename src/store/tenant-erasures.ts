import type { Actor } from '../base/tenant-scope.ts'
import type { Db, Tx } from './db.ts'
import type { TenantErasure } from './generated/client.ts'

export type TenantErasureRow = TenantErasure

/** The receipt of a tenant that was erased, or is being erased. */
export function findTenantErasure(db: Db, tenantId: string): Promise<TenantErasureRow | null> {
  return db.inLookup({ key: '*' }, (tx) =>
    tx.rows.tenantErasure.findUnique({ where: { id: tenantId } })
  )
}

/** Writes the receipt, destroys the data keys and shuts the tenant; once only. */
export async function beginTenantErasure(tx: Tx, { kind, id }: Actor): Promise<void> {
  await tx.rows.$queryRaw`SELECT weft_begin_erasure(${kind}, ${id as string})::text AS done`
}

export async function noteRevocations(
  tx: Tx,
  { revoked, notRevoked }: { readonly revoked: number; readonly notRevoked: number }
): Promise<void> {
  await tx.rows
    .$queryRaw`SELECT weft_note_revocations(${revoked}::int, ${notRevoked}::int)::text AS done`
}

/** Deletes up to `atMost` rows of the tenant. @returns whether nothing of it is left */
export async function eraseRows(tx: Tx, atMost: number): Promise<boolean> {
  const [row] = await tx.rows.$queryRaw<{ done: boolean }[]>`
    SELECT weft_erase_rows(${atMost}::int) AS done`
  return row?.done ?? false
}
