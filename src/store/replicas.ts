import { type Vitals, vitalsForm } from '../base/vitals.ts'
import type { Db, PlainLookupTx } from './db.ts'
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
export function listReplicas(tx: PlainLookupTx, since: Date): Promise<ReplicaRow[]> {
  return tx.rows.$queryRaw`
    SELECT id, host, started_at AS "startedAt", seen_at AS "seenAt", sealing_kid AS "sealingKid", fingerprints
      FROM replicas WHERE seen_at > ${since} ORDER BY started_at, id`
}

export async function noteReplica(tx: PlainLookupTx, row: ReplicaRow): Promise<void> {
  const { id, host, startedAt, seenAt, sealingKid, fingerprints } = row
  await tx.rows.$queryRaw`
    INSERT INTO replicas (id, host, started_at, seen_at, sealing_kid, fingerprints)
    VALUES (${id}, ${host}, ${startedAt}, ${seenAt}, ${sealingKid}, ${JSON.stringify(fingerprints)}::jsonb)
    ON CONFLICT (id) DO UPDATE SET host = excluded.host, started_at = excluded.started_at,
      seen_at = excluded.seen_at, sealing_kid = excluded.sealing_kid, fingerprints = excluded.fingerprints`
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
  await db.inLookupPlainly(
    place,
    (tx) => tx.rows.$queryRaw`
      UPDATE replicas SET vitals = ${json}::jsonb, vitals_at = ${vitalsAt} WHERE id = ${id}`
  )
}

function vitalsOf(json: unknown): Vitals | null {
  const isOurs =
    typeof json === 'object' && json !== null && Reflect.get(json, 'form') === vitalsForm
  // As `noteVitals` of this form writes it; one from before it told of streams tells of none.
  return isOurs ? { streams: [], ...(json as Omit<Vitals, 'streams'>) } : null
}

export async function deleteReplica(tx: PlainLookupTx, id: string): Promise<void> {
  await tx.rows.$queryRaw`DELETE FROM replicas WHERE id = ${id}`
}

/** Of processes that ended without a word. */
export async function deleteSilentReplicas(tx: PlainLookupTx, before: Date): Promise<void> {
  await tx.rows.$queryRaw`DELETE FROM replicas WHERE seen_at < ${before}`
}
