import { randomInt, randomUUID } from 'node:crypto'
import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { type AuditEventRow, latestAuditEvent } from '../store/audit-events.ts'
import {
  type AuditStreamRow,
  claimAuditStream,
  listAuditEventsAfter,
  noteAuditStream,
  updateAuditStream,
  type WantedActions
} from '../store/audit-streams.ts'
import type { Db, Tx } from '../store/db.ts'
import { insist } from '../vault/insistence.ts'
import { givenUpAfterMs, retryDelayMs } from './retry.ts'
import { deliveryDeadlineMs } from './webhook-delivery.ts'
import type { DeliveryError } from './webhooks.ts'

/** Whom to tell, as they stood in the transaction that read the events. */
export interface Prepared {
  readonly wanted: WantedActions
  /** Events at most before the cursor is moved. */
  readonly limit: number
  /** Sends them in their order until one is not taken, or until it may not go on. */
  send(events: readonly AuditEventRow[], mayGoOn: () => boolean): Promise<Sent>
}

export interface Sent {
  /** How many were taken, from the first on. */
  readonly taken: number
  readonly failure: {
    readonly error: DeliveryError
    readonly retryAfterMs: number | null
  } | null
  /** Whatever else is kept of it, in the transaction that moves the cursor. */
  keep?(tx: Tx): Promise<void>
}

/** How one kind of stream is told. */
export interface Sender {
  /** Null: nobody is to be told any more. */
  prepare(tx: Tx, stream: AuditStreamRow): Promise<Prepared | null>
  /** Whether it is given up for some time when nothing has been taken for long. */
  readonly isGivenUp: boolean
}

export type StreamKind = 'webhook' | 'otlp'

export interface StreamRunDeps {
  readonly db: Db
  readonly audit: Pick<Audit, 'append'>
  readonly clock: Clock
  readonly senders: Readonly<Partial<Record<StreamKind, Sender>>>
}

/** Tells what there is to tell, for a while. @returns whether there is more to tell at once */
export type RunStream = (
  scope: TenantScope,
  id: string,
  kind: StreamKind,
  closing: AbortSignal
) => Promise<boolean>

/** How long a claim holds, milliseconds: longer than one try may take, and short enough to wait for. */
const leaseMs = 30_000
/** Then others have their turn. */
const turnMs = 5_000
/** How many sequence numbers one look passes over where few of them are wanted. */
const window = 5_000n

/**
 * One claim at a time delivers a stream; the cursor moves behind what was taken, so that whoever comes after a
 * process that died begins with what nobody can know to have been taken.
 */
export function createStreamRun({ db, audit, clock, senders }: StreamRunDeps): RunStream {
  async function take(tx: Tx, claim: Claim, sender: Sender): Promise<Batch | null> {
    const stream = await claimAuditStream(tx, { ...claim, leaseMs, now: clock.now() })
    if (stream === null) {
      // It was put to rest meanwhile: whoever wakes it need not wait for our claim to end.
      await noteAuditStream(tx, claim, released)
      return null
    }
    const prepared = await sender.prepare(tx, stream)
    if (prepared === null) return null
    const head = (await latestAuditEvent(tx))?.seq ?? 0n
    const { cursor: after } = stream
    const upTo = head < after + window ? head : after + window
    const { limit, wanted } = prepared
    const events = await listAuditEventsAfter(tx, { after, upTo, limit, wanted })
    const last = events.length === limit ? events.at(-1) : undefined
    const end = last?.seq ?? upTo
    return { stream, prepared, events, end, isLast: end === head }
  }

  /** @returns whether the claim is still ours */
  function note(
    scope: TenantScope,
    claim: Claim,
    { stream, events, end, isLast }: Batch,
    sent: Sent,
    isOver: boolean
  ): Promise<boolean> {
    const { taken, failure } = sent
    const isWhole = taken === events.length && failure === null
    const cursor = isWhole ? end : (events[taken - 1]?.seq ?? stream.cursor)
    const now = clock.now()
    const good = { failures: 0, failingSince: null, nextTryAt: null, lastError: null }
    const isReleased = failure !== null || isOver || (isWhole && isLast)
    return insist(() =>
      db.inTenant(scope, async (tx) => {
        const isOurs = await noteAuditStream(tx, claim, {
          cursor,
          ...(taken > 0 && { ...good, deliveredAt: now }),
          ...(failure !== null && failing(stream, sent, now)),
          ...(isReleased && released)
        })
        if (!isOurs) return false
        await sent.keep?.(tx)
        if (failure !== null) await giveUp(tx, stream, sent, now)
        return !isReleased
      })
    )
  }

  /** Puts a stream to rest whose receiver is gone, or has taken nothing for days, and says so in the record. */
  async function giveUp(tx: Tx, stream: AuditStreamRow, sent: Sent, now: Date): Promise<void> {
    const rest = restOf(stream, sent, now)
    if (rest === null || senders[stream.kind as StreamKind]?.isGivenUp !== true) return
    const { id } = stream
    await updateAuditStream(tx, id, { ...rest, since: now, nextTryAt: null })
    await audit.append(tx, {
      action: rest.state === 'disabled' ? 'webhook.disable' : 'webhook.pause',
      object: ['webhook', id],
      details: { cause: rest.cause }
    })
  }

  return async (scope, id, kind, closing) => {
    const sender = senders[kind]
    if (sender === undefined) return false
    const claim = { id, owner: randomUUID() }
    const startedMs = clock.monotonicMs()
    for (;;) {
      const claimedMs = clock.monotonicMs()
      const batch = await db.inTenant(scope, (tx) => take(tx, claim, sender))
      if (batch === null) return false
      const mayGoOn = () =>
        !closing.aborted && clock.monotonicMs() < claimedMs + leaseMs - 2 * deliveryDeadlineMs
      const sent = await batch.prepared.send(batch.events, mayGoOn)
      const isOver = closing.aborted || clock.monotonicMs() - startedMs > turnMs
      if (!(await note(scope, claim, batch, sent, isOver))) {
        return isOver && sent.failure === null && !batch.isLast
      }
    }
  }
}

const released = { claimOwner: null, claimExpiresAt: null }

interface Claim {
  readonly id: string
  readonly owner: string
}

interface Batch {
  readonly stream: AuditStreamRow
  readonly prepared: Prepared
  readonly events: readonly AuditEventRow[]
  /** Up to where nothing else is wanted. */
  readonly end: bigint
  /** There is nothing beyond that yet. */
  readonly isLast: boolean
}

function failing(stream: AuditStreamRow, { taken, failure }: Sent, now: Date) {
  const failures = (taken > 0 ? 0 : stream.failures) + 1
  const delayMs = retryDelayMs(failures, randomInt(1_000) / 1_000, failure?.retryAfterMs ?? null)
  return {
    failures,
    failingSince: failingSince(stream, taken, now),
    lastError: failure?.error ?? null,
    nextTryAt: plusMs(now, delayMs)
  }
}

function failingSince(stream: AuditStreamRow, taken: number, now: Date): Date {
  return taken > 0 ? now : (stream.failingSince ?? now)
}

function restOf(stream: AuditStreamRow, { taken, failure }: Sent, now: Date) {
  if (failure?.error === 'gone') return { state: 'disabled', cause: 'gone' } as const
  // What fails for a reason of our own is nothing that the receiver could mend.
  if (failure?.error === 'internal') return null
  const failingMs = now.getTime() - failingSince(stream, taken, now).getTime()
  return failingMs < givenUpAfterMs
    ? null
    : ({ state: 'paused', cause: 'failed_too_long' } as const)
}
