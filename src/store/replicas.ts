import type { LookupTx } from './db.ts'
import type { Replica } from './generated/client.ts'

export interface ReplicaRow extends Omit<Replica, 'fingerprints'> {
  /** kid → fingerprint of each key of its ring. */
  readonly fingerprints: Readonly<Record<string, string>>
}

/** Those that have said something since, longest running first. */
export async function listReplicas(tx: LookupTx, since: Date): Promise<ReplicaRow[]> {
  const rows = await tx.rows.replica.findMany({
    where: { seenAt: { gt: since } },
    orderBy: [{ startedAt: 'asc' }, { id: 'asc' }]
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

export async function deleteReplica(tx: LookupTx, id: string): Promise<void> {
  await tx.rows.replica.deleteMany({ where: { id } })
}

/** Of processes that ended without a word. */
export async function deleteSilentReplicas(tx: LookupTx, before: Date): Promise<void> {
  await tx.rows.replica.deleteMany({ where: { seenAt: { lt: before } } })
}
