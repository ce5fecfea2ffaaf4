import { setImmediate } from 'node:timers/promises'
import { asId, type UserId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import {
  type CallMeasures,
  type CallRecord,
  insertCalls,
  listStoredCalls
} from '../store/call-records.ts'
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
 * @param writer whose numbers those of `calls`, at least one, are; they rise
 */
export type WriteCalls = (
  scope: TenantScope,
  writer: string,
  calls: readonly HeldCall[]
) => Promise<void>

/** So many are made ready at once: they take a millisecond, and calls under way wait for no more than that. */
export const sliceMax = 32

export function createCallWriter(db: Db, audit: Pick<Audit, 'holdChain'>): WriteCalls {
  let latestTurn = Promise.resolve()

  /** One slice for a turn of the event loop, whichever tenant's it is. */
  function ownTurn(): Promise<void> {
    latestTurn = latestTurn.then(() => setImmediate())
    return latestTurn
  }

  return (scope, writer, calls) =>
    db.inTenantPlainly(scope, async (tx) => {
      const range = { from: calls.at(0)?.seq ?? 0, to: calls.at(-1)?.seq ?? 0 }
      const [chain, stored] = await Promise.all([
        audit.holdChain(tx),
        listStoredCalls(tx, writer, range)
      ])
      const fresh = stored.size === 0 ? calls : calls.filter(({ seq }) => !stored.has(seq))
      if (fresh.length === 0) return
      const [events, measures]: [string[], string[]] = [[], []]
      for (let from = 0; from < fresh.length; from += sliceMax) {
        await ownTurn()
        const slice = fresh.slice(from, from + sliceMax)
        events.push(...chain.seal(slice.map(eventOf)))
        measures.push(...slice.map((held) => JSON.stringify(measuresOf(held))))
      }
      await insertCalls(tx, writer, events, measures)
    })
}

function measuresOf({ seq, call }: HeldCall): CallMeasures {
  return {
    number: seq,
    signInOf: call.onBehalfOf,
    keyId: call.keyId,
    operation: call.operation,
    endpoint: call.endpoint,
    identity: call.identity,
    grantId: call.grantId,
    generation: call.generation,
    tokenSource: call.tokenSource,
    status: call.status,
    upstreamStatus: call.upstreamStatus,
    upstreamRequestId: call.upstreamRequestId,
    attempts: call.attempts,
    requestBytes: call.requestBytes,
    answerBytes: call.answerBytes,
    durationMs: call.durationMs,
    firstByteMs: call.firstByteMs,
    tokenMs: call.tokenMs,
    inputTokens: call.inputTokens,
    outputTokens: call.outputTokens,
    totalTokens: call.totalTokens
  }
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
    // By their names, as the hash wants them.
    details: {
      generation: call.generation,
      identity: call.identity,
      keyId: call.keyId,
      operation: call.operation,
      upstreamStatus: call.upstreamStatus
    }
  }
}
