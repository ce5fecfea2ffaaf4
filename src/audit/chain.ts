import type { TenantScope } from '../base/tenant-scope.ts'
import { type AuditEventRow, listAuditEvents } from '../store/audit-events.ts'
import type { Db } from '../store/db.ts'
import { type ChainFault, type Expected, findFault } from './chain-fault.ts'
import { chainStart, hashAuditEvent } from './event-hash.ts'

/** What somebody outside has kept of the chain: it was so long then, and this was its last hash. */
export interface ChainMark {
  readonly seq: number
  readonly hash: string
}

export interface ChainVerdict {
  readonly isIntact: boolean
  /** How many records, from the first one on, are shown to be as they were written. */
  readonly count: number
  /** Sequence number of the first record that does not fit. */
  readonly firstBadSeq: number | null
  readonly fault: ChainFault | null
}

const pageSize = 500

/**
 * Walks the tenant's whole chain: every hash, every link, no gap in the numbers. A chain that was made anew as a
 * whole, or that ends too early, fits in itself; `marks` of earlier tell.
 */
export async function verifyChain(
  db: Db,
  scope: TenantScope,
  marks: readonly ChainMark[] = []
): Promise<ChainVerdict> {
  let expected: Expected = { seq: 1n, previousHash: chainStart }
  let held = 0
  for (;;) {
    const page = await db.inTenant(scope, (tx) =>
      listAuditEvents(tx, {
        // The first page begins before the first number, where nothing may lie.
        ...(expected.seq === 1n ? {} : { fromSeq: expected.seq }),
        limit: pageSize,
        order: 'asc'
      })
    )
    for (const event of page) {
      if (!fits(event, expected)) {
        const { fault, seq } = await db.inTenant(scope, (tx) => findFault(tx, expected, event))
        return broken(fault, Number(seq))
      }
      const seq = Number(event.seq)
      const here = marks.filter((mark) => mark.seq === seq)
      if (here.some(({ hash }) => hash !== event.hash)) return broken('rewritten', seq, held)
      if (here.length > 0) held = seq
      expected = { seq: event.seq + 1n, previousHash: event.hash }
    }
    if (page.length < pageSize) break
  }
  const count = Number(expected.seq - 1n)
  if (marks.some(({ seq }) => seq > count)) return broken('cut', count + 1)
  return { isIntact: true, count, firstBadSeq: null, fault: null }
}

function fits(event: AuditEventRow, { seq, previousHash }: Expected): boolean {
  const { hash, ...rest } = event
  return event.seq === seq && event.previousHash === previousHash && hashAuditEvent(rest) === hash
}

function broken(fault: ChainFault, firstBadSeq: number, count = firstBadSeq - 1): ChainVerdict {
  return { isIntact: false, count, firstBadSeq, fault }
}
