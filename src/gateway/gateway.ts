/**
 * Owns: asking an endpoint through a fabric – the pipeline and its kinds.
 * Touches: fabrics (what may be asked, as whom), the vault (a token), outbound (the call), audit (the record).
 * Never: Fastify, a parsed body where bytes will do, a token or an upstream cookie in an answer.
 */
import type { Readable } from 'node:stream'
import type { ProblemCode } from '../base/errors.ts'
import type { CredentialId, FabricId } from '../base/ids.ts'
import type { Counts, Durations, Each } from '../base/measures.ts'
import type { StopSignal } from '../base/stop.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Span, TraceContext } from '../base/trace.ts'
import type { RefusalReason } from './bounds.ts'
import type { BreakerState } from './breaker.ts'

export { type RefusalReason, refusalReasons } from './bounds.ts'
export { type BreakerState, breakerStates } from './breaker.ts'

export type ActAs = 'user' | 'service_principal'

/** A call on the data plane, as it came in. */
export interface GatewayCall {
  readonly scope: TenantScope
  readonly fabricId: FabricId
  /** What was presented, or what the presented token was got with, for the record. */
  readonly keyId: CredentialId | null
  readonly method: string
  /** Path below `/fabrics/{fabricId}`, still percent-encoded as it came, with its leading `/`. */
  readonly path: string
  /** Query string without `?`; empty when there is none. */
  readonly query: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Whole when small, a stream above a threshold, null when there is none. */
  readonly body: Buffer | Readable | null
  /** Aborted at the instant at which the client is gone. */
  readonly signal: StopSignal
  /** The trace that the caller named. */
  readonly trace?: TraceContext | null
  /** Of the request, where spans are collected. */
  readonly span?: Span | null
}

/** Where the answer goes: the raw response of the HTTP floor. */
export interface GatewaySink {
  /** @param headers names in lower case */
  head(status: number, headers: readonly (readonly [name: string, value: string])[]): void
  /** @returns false when the client reads slowly; `onDrain` tells when to go on */
  write(chunk: Buffer): boolean
  onDrain(resume: () => void): void
  end(): void
  /** The upstream was cut: the client must see an error, not a clean end. */
  destroy(): void
}

/** What the one log line of a call tells, beside what HTTP knows. */
export interface GatewayOutcome {
  readonly operation: string
  readonly fabricId: FabricId
  readonly identity: ActAs | null
  readonly tokenSource: 'cached' | 'refreshed' | null
  readonly upstreamMs: number | null
  readonly upstreamStatus: number | null
  /** Why an answer was cut after its head. */
  readonly code: ProblemCode | null
}

/** How an upstream answered; `error`: not at all. */
export type AnswerClass = '2xx' | '3xx' | '4xx' | '5xx' | 'error'

/** What calls of one kind came to since the start: closed sets, whoever asks for what. */
export interface KindMeasures {
  readonly answers: Each<ActAs, Counts<AnswerClass>>
  readonly upstream: Durations
  readonly firstByte: Durations
  /** Neither the upstream's nor the token's. */
  readonly own: Durations
}

export interface GatewayMeasures {
  readonly byKind: Each<string, KindMeasures>
  /** How long calls waited for their token, by where it came from. */
  readonly tokens: Each<'cached' | 'refreshed', Durations>
}

/** For the operator's gauges. */
export interface GatewayLoad {
  readonly inFlight: number
  /** Since the start. */
  readonly refused: Readonly<Record<RefusalReason, number>>
  /** Workspace hosts in trouble. */
  readonly breakers: Readonly<Record<BreakerState, number>>
  readonly measures: GatewayMeasures
}

export interface Gateway {
  /**
   * Room for a call of this tenant in this process; to be asked for before its body is read.
   * @returns what gives the room back when the call is over
   * @throws AppError `overloaded`, `rate_limited`, with `retryAt`
   */
  enter(scope: TenantScope): () => void
  load(): GatewayLoad
  /**
   * Answers through `sink`, or throws before its head was written.
   * @throws AppError of contract kind: `path_not_allowed`, `endpoint_not_allowed`, `sign_in_needed`, …
   */
  handle(call: GatewayCall, sink: GatewaySink): Promise<GatewayOutcome>
  /** For a call that is under way. @throws AppError: what its caller would be refused with now */
  recheck(call: Pick<GatewayCall, 'scope' | 'fabricId' | 'headers'>): Promise<void>
}
