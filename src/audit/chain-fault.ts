import { type AuditEventRow, findLinkedAuditEvents } from '../store/audit-events.ts'
import type { Tx } from '../store/db.ts'
import { hashAuditEvent } from './event-hash.ts'

/**
 * What is wrong with the first record that does not fit: its contents were `altered`; it is `missing`; it was
 * `inserted`; it stands elsewhere (`reordered`); the chain ends before it (`cut`); or it fits, and is not what
 * somebody outside has kept (`rewritten`).
 */
export type ChainFault = 'altered' | 'missing' | 'inserted' | 'reordered' | 'cut' | 'rewritten'

/** What the next record is to be. */
export interface Expected {
  readonly seq: bigint
  readonly previousHash: string
}

/** How far from where it is found a record is looked for by its own number. */
const displacedMax = 1_000n

/** What is wrong where `found` stands in place of what is expected, and from which number on. */
export async function findFault(
  tx: Tx,
  expected: Expected,
  found: AuditEventRow
): Promise<{ readonly fault: ChainFault; readonly seq: bigint }> {
  const { seq } = expected
  const heirs = await findLinkedAuditEvents(tx, expected.previousHash)
  const isElsewhere = heirs.some((row) => row.seq !== found.seq && isGenuineAt(row, seq))
  if (found.seq > seq) return { fault: isElsewhere ? 'reordered' : 'missing', seq }
  if (found.seq < seq) return { fault: 'inserted', seq }
  const own = ownNumberOf(found)
  if (isElsewhere) return { fault: own === null || own === seq ? 'inserted' : 'reordered', seq }
  if (own === null) return { fault: 'altered', seq }
  if (own > seq) return { fault: 'missing', seq }
  // It has been pushed on: what stands where it belongs was put in before it.
  if (own < seq) return { fault: 'inserted', seq: own }
  // It is as it was written, and follows another record than the one before it.
  const [next] = await findLinkedAuditEvents(tx, found.hash)
  const isVouchedFor = seq > 1n && next !== undefined && isGenuineAt(next, seq + 1n)
  return { fault: 'altered', seq: isVouchedFor ? seq - 1n : seq }
}

function isGenuineAt({ hash, ...rest }: AuditEventRow, seq: bigint): boolean {
  return hashAuditEvent({ ...rest, seq }) === hash
}

/** The number that a record was written with, which its hash holds; null: it is no record of this chain. */
function ownNumberOf(row: AuditEventRow): bigint | null {
  if (isGenuineAt(row, row.seq)) return row.seq
  for (let distance = 1n; distance <= displacedMax; distance += 1n) {
    for (const seq of [row.seq - distance, row.seq + distance]) {
      if (seq >= 1n && isGenuineAt(row, seq)) return seq
    }
  }
  return null
}
