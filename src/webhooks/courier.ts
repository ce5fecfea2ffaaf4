import type { Clock } from '../base/clock.ts'
import type { TenantId } from '../base/ids.ts'
import { asId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { type AuditStreamRow, insertAuditStream, listAuditStreams } from '../store/audit-streams.ts'
import type { Db } from '../store/db.ts'
import { listTenantStandings, type TenantStanding } from '../store/tenant-standings.ts'
import type { RunStream, StreamKind } from './stream-run.ts'
import { createTurns } from './turns.ts'

export interface Courier {
  /** Looks where there is something to tell, and begins to tell it; does not wait until it is told. */
  turn(): Promise<void>
  /** As this replica saw it last. */
  standing(): CourierStanding
  /** Begins nothing more, and waits for the messages that are on their way. */
  close(): Promise<void>
  /** Resolves when nothing is on its way. */
  settle(): Promise<void>
}

export interface CourierStanding {
  /** Events of the record that lie before receivers, wanted ones and others, by the kind of stream. */
  readonly waiting: Readonly<Record<StreamKind, number>>
  /** Receivers whose last try failed. */
  readonly failing: Readonly<Record<StreamKind, number>>
  /** Receivers that are being told now. */
  readonly running: number
}

export interface CourierDeps {
  readonly db: Db
  readonly clock: Clock
  readonly run: RunStream
  /** Weft itself, in that tenant. */
  readonly scopeOf: (tenantId: TenantId) => TenantScope
  /** Whether every tenant's record leaves as OpenTelemetry logs. */
  readonly hasOtlp: boolean
  readonly onFailure: (error: unknown) => void
}

/** What is known of a tenant since it was last looked at. */
interface Known {
  readonly version: number
  readonly auditSeq: bigint
  readonly streams: readonly AuditStreamRow[]
  /** When to look again although nothing has happened, monotonic milliseconds; null: not before something has. */
  lookAtMs: number | null
}

const otlpId = 'otlp'

/**
 * One query a second tells which tenants' records have grown; only those with somebody to tell are looked into.
 */
export function createCourier(deps: CourierDeps): Courier {
  const { db, clock, run, scopeOf, hasOtlp, onFailure } = deps
  const known = new Map<string, Known>()
  const closing = new AbortController()
  const turns = createTurns()

  function isDue({ id, version, auditSeq }: TenantStanding): boolean {
    const entry = known.get(id)
    if (entry === undefined || entry.version !== version) return true
    if (entry.lookAtMs !== null && entry.lookAtMs <= clock.monotonicMs()) return true
    return entry.auditSeq < auditSeq && entry.streams.some(isTold)
  }

  function isTold({ state, kind }: AuditStreamRow): boolean {
    return state === 'active' && (kind === 'webhook' || hasOtlp)
  }

  async function look({ id, version, auditSeq }: TenantStanding): Promise<void> {
    const scope = scopeOf(asId('tenant', id))
    const streams = await db.inTenant(scope, async (tx) => {
      const found = await listAuditStreams(tx)
      if (!hasOtlp || found.some((stream) => stream.id === otlpId)) return found
      await insertAuditStream(tx, { id: otlpId, kind: 'otlp', since: clock.now(), cursor: 0n })
      return await listAuditStreams(tx)
    })
    const entry: Known = { version, auditSeq, streams, lookAtMs: null }
    known.set(id, entry)
    for (const stream of streams.filter(isTold)) {
      if (stream.cursor >= auditSeq) continue
      const waitMs = waitMsOf(stream, clock.now())
      if (waitMs <= 0) begin(scope, stream)
      else entry.lookAtMs = Math.min(entry.lookAtMs ?? Infinity, clock.monotonicMs() + waitMs)
    }
  }

  function begin(scope: TenantScope, stream: AuditStreamRow): void {
    const { tenantId, id } = stream
    const kind: StreamKind = stream.kind === 'otlp' ? 'otlp' : 'webhook'
    turns.add(tenantId, id, async () => {
      const hasMore = await run(scope, id, kind, closing.signal).catch((error: unknown) => {
        onFailure(error)
        return false
      })
      const entry = known.get(tenantId)
      // What came meanwhile, or when to try again, stands in the row.
      if (entry !== undefined) entry.lookAtMs = clock.monotonicMs()
      return hasMore && !closing.signal.aborted
    })
  }

  return {
    async turn() {
      if (closing.signal.aborted) return
      const standings = (await listTenantStandings(db)).filter(({ status }) => status === 'active')
      const ids = new Set(standings.map(({ id }) => id))
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id)
      for (const standing of standings.filter(isDue)) {
        // One tenant that cannot be looked at is looked at again; the others are not kept waiting.
        await look(standing).catch(onFailure)
      }
    },
    standing() {
      const waiting = { webhook: 0, otlp: 0 }
      const failing = { webhook: 0, otlp: 0 }
      for (const { streams, auditSeq } of known.values()) {
        for (const stream of streams.filter(isTold)) {
          const kind: StreamKind = stream.kind === 'otlp' ? 'otlp' : 'webhook'
          if (stream.cursor < auditSeq) waiting[kind] += Number(auditSeq - stream.cursor)
          if (stream.failures > 0) failing[kind] += 1
        }
      }
      return { waiting, failing, running: turns.running }
    },
    settle: () => turns.settle(),
    async close() {
      closing.abort()
      turns.clear()
      await turns.settle()
    }
  }
}

/** How long until a stream may be tried, milliseconds: after a failure, or while another replica is at it. */
function waitMsOf({ nextTryAt, claimOwner, claimExpiresAt }: AuditStreamRow, now: Date): number {
  const tryMs = nextTryAt === null ? 0 : nextTryAt.getTime() - now.getTime()
  const leftMs =
    claimOwner === null || claimExpiresAt === null ? 0 : claimExpiresAt.getTime() - now.getTime()
  // A claim is let go of well before it ends, unless its owner has died.
  return Math.max(tryMs, Math.min(leftMs, 2_000))
}
