import { type Vitals, vitalsForm } from '../base/vitals.ts'
import type { Db, LookupTx } from './db.ts'
import type { Replica } from './generated/client.ts'

export interface ReplicaRow extends Omit<Replica, 'fingerprints' | 'vitals' | 'vitalsAt'> {
  /** kid → fingerprint of each key of its ring. */
  readonly fingerprints: Readonly<Record<string, string>>
}

export interface ReplicaVitals extends Omit<ReplicaRow, 'fingerprints'> {
  /** Null: it has told nothing yet, or in the words of another version. */
  readonly vitals: Vitals | null
  readonly vitalsAt: Date | null
}

/** It stands above the tenants: a transaction that serves one does not see it. */
const place = { key: 'key_ring' }

/** Those that have said something since, longest running first. */
export async function listReplicas(tx: LookupTx, since: Date): Promise<ReplicaRow[]> {
  const rows = await tx.rows.replica.findMany({
    where: { seenAt: { gt: since } },
    orderBy: [{ startedAt: 'asc' }, { id: 'asc' }],
    omit: { vitals: true, vitalsAt: true }
  })
  // As `noteReplica` writes it.
  return rows.map((row) => ({
    ...row,
    fingerprints: row.fingerprints as Readonly<Record<string, string>>
  }))
}

export async function noteReplica(tx: LookupTx, row: ReplicaRow): Promise<void> {
  const { id, ...data } = row
  await tx.rows.replica.upsert({ where: { id }, create: row, update: data })
}

/** Those heard of last, no more than `limit`, with what they tell of themselves. */
export async function listVitals(db: Db, limit: number): Promise<ReplicaVitals[]> {
  const rows = await db.inLookup(place, (tx) =>
    tx.rows.replica.findMany({
      orderBy: [{ seenAt: 'desc' }, { id: 'asc' }],
      omit: { fingerprints: true },
      take: limit
    })
  )
  return rows.map((row) => ({ ...row, vitals: vitalsOf(row.vitals) }))
}

/** Of a replica that has announced itself; of any other it writes nothing. */
export async function noteVitals(
  db: Db,
  id: string,
  vitals: Vitals,
  vitalsAt: Date
): Promise<void> {
  const json = JSON.stringify({ ...vitals, form: vitalsForm })
  await db.inLookup(
    place,
    (tx) => tx.rows.$executeRaw`
      UPDATE replicas SET vitals = ${json}::jsonb, vitals_at = ${vitalsAt} WHERE id = ${id}`
  )
}

function vitalsOf(json: unknown): Vitals | null {
  const isOurs =
    typeof json === 'object' && json !== null && Reflect.get(json, 'form') === vitalsForm
  // As `noteVitals` of this form writes it; one from before it told of streams tells of none.
  return isOurs ? { streams: [], ...(json as Omit<Vitals, 'streams'>) } : null
}

export async function deleteReplica(tx: LookupTx, id: string): Promise<void> {
  await tx.rows.replica.deleteMany({ where: { id } })
}

/** Of processes that ended without a word. */
export async function deleteSilentReplicas(tx: LookupTx, before: Date): Promise<void> {
  await tx.rows.replica.deleteMany({ where: { seenAt: { lt: before } } })
}
