import type { Question } from './asking.ts'
import type { Db, LookupTx } from './db.ts'
import { Prisma, type RetiredSigningKey, type SigningKey } from './generated/client.ts'

export type SigningKeyRow = SigningKey

/** They stand above the tenants: a transaction that serves one does not see them. */
const place = { key: 'signing_keys' }

/** Whose turn comes last, first. */
export async function listSigningKeys(db: Db): Promise<readonly SigningKeyRow[]> {
  const sql = Prisma.sql`SELECT * FROM signing_keys ORDER BY signs_from DESC, kid DESC`
  const question: Question<SigningKeyRow> = { sql }
  const [rows] = await db.askLookup(place, question)
  return rows
}

/** Public keys of those that were not dropped: for what was signed to last. */
export function listRetiredSigningKeys(db: Db): Promise<RetiredSigningKey[]> {
  return db.inLookup(place, (tx) => tx.rows.retiredSigningKey.findMany())
}

/** One replica after the other: `change` sees the keys as they are and says what becomes of them. */
export async function changeSigningKeys(
  db: Db,
  change: (rows: readonly SigningKeyRow[]) => {
    readonly added: SigningKeyRow | null
    /** Kids of those whose public key is kept. */
    readonly retired: readonly string[]
    /** Kids of those of which nothing is to be believed any more. */
    readonly dropped: readonly string[]
    readonly at: Date
  }
): Promise<SigningKeyRow[]> {
  return await db.inLookup(place, async (tx) => {
    await tx.rows.$queryRaw`SELECT 1 AS ok FROM pg_advisory_xact_lock(7734005)`
    const rows = await listIn(tx)
    const { added, retired, dropped, at: retiredAt } = change(rows)
    if (added !== null) await tx.rows.signingKey.create({ data: added })
    const kept = rows.filter(({ kid }) => retired.includes(kid))
    await tx.rows.retiredSigningKey.createMany({
      data: kept.map(({ kid, publicJwk }) => ({ kid, publicJwk, retiredAt }))
    })
    await tx.rows.signingKey.deleteMany({ where: { kid: { in: [...retired, ...dropped] } } })
    return await listIn(tx)
  })
}

/** Wrapped anew: only where it is still wrapped as it was read. @returns whether it was */
export async function replaceSigningKeyWrapped(
  db: Db,
  { kid, wrapped }: Pick<SigningKeyRow, 'kid' | 'wrapped'>,
  next: Pick<SigningKeyRow, 'wrapped' | 'kekKid'>
): Promise<boolean> {
  const { count } = await db.inLookup(place, (tx) =>
    tx.rows.signingKey.updateMany({ where: { kid, wrapped }, data: next })
  )
  return count === 1
}

function listIn(tx: LookupTx): Promise<SigningKeyRow[]> {
  return tx.rows.signingKey.findMany({ orderBy: [{ signsFrom: 'desc' }, { kid: 'desc' }] })
}
