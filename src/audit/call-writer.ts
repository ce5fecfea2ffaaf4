import { asId, type UserId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { lockAuditChain } from '../store/audit-events.ts'
import { type CallRecord, insertCallRecords, type NewCallRecord } from '../store/call-records.ts'
import type { Db } from '../store/db.ts'
import type { Audit, AuditEvent } from './audit.ts'

/** A call that waits to be written, numbered in the order in which its process noted it. */
export interface HeldCall {
  readonly scope: TenantScope
  readonly seq: number
  readonly call: NotedCall
}

export interface NotedCall extends CallRecord {
  /** What was asked, as the audit names it. */
  readonly subject: string
  /** Whose sign-in was used, or was to be; null: nobody's. */
  readonly onBehalfOf: UserId | null
}

/**
 * Writes calls of one tenant in one transaction: their measures, and who did what for the audit. What was
 * written before is not written twice.
 * @param writer whose numbers those of `calls` are
 */
export type WriteCalls = (
  scope: TenantScope,
  writer: string,
  calls: readonly HeldCall[]
) => Promise<void>

export function createCallWriter(db: Db, audit: Pick<Audit, 'append'>): WriteCalls {
  return (scope, writer, calls) =>
    db.inTenant(scope, async (tx) => {
      await lockAuditChain(tx)
      const fresh = await insertCallRecords(tx, writer, calls.map(rowOf))
      const events = calls.filter(({ seq }) => fresh.has(seq)).map(eventOf)
      if (events.length > 0) await audit.append(tx, ...events)
    })
}

function rowOf({ scope, seq, call }: HeldCall): NewCallRecord {
  const { actor, requestId } = scope
  return { ...call, seq, actorKind: actor.kind, actorId: actor.id, requestId }
}

function eventOf({ scope, call }: HeldCall): AuditEvent {
  const { fabricId, code, onBehalfOf } = call
  const isForAnother = onBehalfOf !== null && onBehalfOf !== scope.actor.id
  return {
    action: 'endpoint.query',
    object: ['endpoint', call.subject],
    at: call.at,
    actor: scope.actor,
    origin: scope,
    outcome: call.outcome,
    ...(isForAnother && { onBehalfOf }),
    ...(fabricId === null ? {} : { fabricId: asId('fabric', fabricId) }),
    ...(code === null ? {} : { code }),
    details: {
      operation: call.operation,
      identity: call.identity,
      keyId: call.keyId,
      generation: call.generation,
      upstreamStatus: call.upstreamStatus
    }
  }
}
