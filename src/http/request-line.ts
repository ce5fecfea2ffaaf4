import type { ProblemCode } from '../base/errors.ts'
import type { Span, TraceContext } from '../base/trace.ts'
import type { GatewayOutcome } from '../gateway/gateway.ts'

/** What the line of a request tells beside what the request itself knows. Codes, ids and numbers only. */
export interface RequestLine {
  readonly startedAtMs: number
  /** Parts that must end before the line is written: the response, and a gateway call. */
  pending: number
  bytesOut: number
  isAborted: boolean
  code: ProblemCode | null
  /** Log-only words of Weft's own about the problem. */
  note: string | null
  /** Name and place of an error that nobody foresaw; never its message. */
  fault: string | null
  outcome: GatewayOutcome | null
  /** The trace that the caller named; null: none. */
  trace: TraceContext | null
  /** Null: nobody collects spans. */
  span: Span | null
}

export function newLine(startedAtMs: number): RequestLine {
  return {
    startedAtMs,
    pending: 1,
    bytesOut: 0,
    isAborted: false,
    code: null,
    note: null,
    fault: null,
    outcome: null,
    trace: null,
    span: null
  }
}
