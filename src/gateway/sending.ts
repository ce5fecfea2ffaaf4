import type { Clock } from '../base/clock.ts'
import type { AppError, ProblemCode } from '../base/errors.ts'
import type { Span, SpanFacts } from '../base/trace.ts'
import type { OpenFabric } from '../fabrics/fabric-access.ts'
import {
  type HeaderPairs,
  type Outbound,
  type StreamDeadlines,
  type StreamEnd,
  wasNeverSent
} from '../outbound/outbound.ts'
import type { DataPlanePath } from '../providers/provider.ts'
import type { AccessToken } from '../vault/vault.ts'
import { AnswerRelay } from './answer-relay.ts'
import type { Breakers, Permit } from './breaker.ts'
import { appErrorOf, type Course } from './course.ts'
import type { GatewayCall, GatewaySink } from './gateway.ts'
import type { Ask } from './kinds/kind.ts'
import { requestHeadersOf } from './request-headers.ts'
import { upstreamPathOf } from './upstream-path.ts'

export interface Parcel {
  readonly call: GatewayCall
  readonly sink: GatewaySink
  readonly course: Course
  readonly fabric: OpenFabric
  readonly ask: Ask
  /** Where it goes: the workspace, or the endpoint's own data plane. */
  readonly target: Target
  readonly permit: Permit
}

/** An origin that has been checked, and a path in its final form. */
export interface Target {
  readonly origin: string
  readonly path: string
}

/** @returns false when the workspace says that the token is dead; nothing has reached the client then */
export type Send = (parcel: Parcel, token: AccessToken) => Promise<boolean>

interface Deps {
  readonly outbound: Outbound
  readonly breakers: Breakers
  readonly clock: Clock
}

const ownDeadlines: Readonly<Record<'short' | 'long', StreamDeadlines>> = {
  long: { connectMs: 5_000, firstByteMs: 300_000, idleMs: 120_000, totalMs: 3_600_000 },
  short: { connectMs: 5_000, firstByteMs: 60_000, idleMs: 60_000, totalMs: 600_000 }
}

/** Failures of the way to the workspace; with them not one byte has reached it. */
const connectFailures: readonly ProblemCode[] = [
  'dns_failed',
  'tls_failed',
  'workspace_unreachable'
]

/** Sends a call with a token and passes the answer on, the breaker of the workspace told of what came of it. */
export function createSend({ outbound, breakers, clock }: Deps): Send {
  function begin(
    parcel: Parcel,
    token: AccessToken,
    relay: AnswerRelay,
    span: Span | null
  ): Promise<StreamEnd> {
    const { call, course, ask } = parcel
    const { origin, path } = parcel.target
    return outbound.stream(
      {
        origin,
        rule: { kind: 'origin', origin },
        method: call.method,
        path: upstreamPathOf(origin, path, call.query),
        headers: requestHeadersOf(call, ask.body, span?.context ?? call.trace ?? null),
        bearer: token.token,
        body: ask.body,
        signal: call.signal,
        deadlines: deadlinesOf(course.claim.row.pace, parcel.fabric)
      },
      relay
    )
  }

  /** The first failure of a row may be a connection's; from the second on it is the workspace's. */
  function mayTryAgain(parcel: Parcel, failure: AppError, attempt: number): boolean {
    const isReplayable = parcel.ask.body === null || Buffer.isBuffer(parcel.ask.body)
    return (
      attempt === 1 &&
      isReplayable &&
      !parcel.call.signal.aborted &&
      wasNeverSent(failure) &&
      connectFailures.includes(failure.code) &&
      breakers.isFirstFailure(parcel.target.origin)
    )
  }

  /** Ends well, or ends an answer that was under way as an error, or throws with nothing answered. */
  async function exchange(
    parcel: Parcel,
    token: AccessToken
  ): Promise<{ readonly relay: AnswerRelay; readonly end: StreamEnd | null }> {
    const { course, fabric, permit, sink } = parcel
    const { origin } = parcel.target
    for (let attempt = 1; ; attempt += 1) {
      const sentMs = clock.monotonicMs()
      course.attempts += 1
      const span = parcel.call.span?.begin('upstream', factsOf(parcel)) ?? null
      let code: ProblemCode | null = null
      const relay = new AnswerRelay(sink, {
        tail: course.tail,
        ownHeaders: () => ownHeaders(course, fabric, sentMs, clock.monotonicMs()),
        onConnected: () => span?.event('connected'),
        onAnswer(isWorkspace) {
          span?.event('first_byte')
          course.firstByteMs = clock.monotonicMs() - sentMs
          if (isWorkspace) breakers.succeeded(origin)
          else breakers.failed(origin, permit)
        }
      })
      try {
        const end = await begin(parcel, token, relay, span)
        course.sentBytes = end.sentBytes
        return { relay, end }
      } catch (error) {
        const failure = appErrorOf(error)
        code = failure.code
        if (relay.isPassing) {
          sink.destroy()
          course.cut = failure
          return { relay, end: null }
        }
        const isOfTheWay = connectFailures.includes(failure.code)
        if (isOfTheWay || failure.code === 'upstream_unavailable') breakers.failed(origin, permit)
        if (!mayTryAgain(parcel, failure, attempt)) throw error
      } finally {
        course.upstreamMs = clock.monotonicMs() - sentMs
        course.status = relay.status
        course.upstreamRequestId = relay.requestId
        course.answerBytes = relay.receivedBytes
        span?.end(code, answerFactsOf(relay))
      }
    }
  }

  return async (parcel, token) => {
    const { relay, end } = await exchange(parcel, token)
    if (end === null || end.outcome === 'aborted') return true
    if (relay.isHeldBack(end) && isDead(parcel.fabric, relay, end)) return false
    relay.release(end)
    parcel.course.answerBytes = relay.receivedBytes
    parcel.sink.end()
    return true
  }
}

function factsOf({ call, course, fabric }: Parcel): SpanFacts {
  return {
    'http.request.method': call.method,
    'weft.kind': course.claim.row.kind,
    'weft.identity': fabric.identity,
    'weft.attempt': course.attempts
  }
}

function answerFactsOf({ status, receivedBytes }: AnswerRelay): SpanFacts {
  const size = { 'http.response.body.size': receivedBytes }
  return status === null ? size : { ...size, 'http.response.status_code': status }
}

/** The fabric's own where it sets one; a short call is never given longer than it takes. */
function deadlinesOf(pace: DataPlanePath['pace'], { deadlines }: OpenFabric): StreamDeadlines {
  const own = ownDeadlines[pace]
  if (deadlines === null) return own
  const pick = (set: number | undefined, ms: number) =>
    pace === 'short' ? Math.min(set ?? ms, ms) : (set ?? ms)
  return {
    connectMs: deadlines.connectMs ?? own.connectMs,
    firstByteMs: pick(deadlines.firstByteMs, own.firstByteMs),
    idleMs: pick(deadlines.idleMs, own.idleMs),
    totalMs: pick(deadlines.totalMs, own.totalMs)
  }
}

function isDead({ provider }: OpenFabric, relay: AnswerRelay, end: StreamEnd): boolean {
  return provider.isDeadTokenAnswer(relay.status ?? 0, relay.textOf(end), relay.headers())
}

function ownHeaders(
  course: Course,
  fabric: OpenFabric,
  sentMs: number,
  nowMs: number
): HeaderPairs {
  const timing = `weft;dur=${(sentMs - course.startedMs).toFixed(1)}, upstream;dur=${(
    nowMs - sentMs
  ).toFixed(1)}, token;desc=${course.token?.source ?? 'cached'}`
  return [
    ['x-weft-identity', fabric.identity],
    ['x-weft-fabric', fabric.id],
    ['server-timing', timing]
  ]
}
