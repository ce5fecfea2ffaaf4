import { problemCodeOf } from './errors.ts'

/** What one party tells the next of the trace that a call belongs to (W3C Trace Context). */
export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string
  /** 16 hex digits: of the caller's span. */
  readonly spanId: string
  readonly flags: number
  /** `tracestate`, as it came; null: none that is valid. */
  readonly state: string | null
}

export type SpanName =
  | 'request'
  | 'authentication'
  | 'policy'
  | 'route'
  | 'token'
  | 'refresh'
  | 'upstream'
  | 'job'
/** Codes, ids and numbers of Weft's own: never a secret, a body, a URL, or what a header of a caller says. */
export type SpanFacts = Readonly<Record<string, string | number | boolean>>

/** Something that takes time within a trace. Whoever has none passes null, and nothing is done. */
export interface Span {
  /** For whom this span calls. */
  readonly context: TraceContext
  begin(name: SpanName, facts?: SpanFacts): Span
  /** At this moment. */
  event(name: 'connected' | 'first_byte'): void
  /** @param code of the problem that it ended with; null: it went well */
  end(code: string | null, facts?: SpanFacts): void
}

/** Where spans begin that have no span of this process above them. */
export interface Tracer {
  begin(name: SpanName, parent: TraceContext | null, facts: SpanFacts): Span
  /** A trace of one span that is over. @param code as for `Span.end` */
  record(
    name: SpanName,
    facts: SpanFacts,
    time: { from: Date; to: Date },
    code: string | null
  ): void
}

const parentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
/** Sampled, and random trace id; others are not for passing on. */
const knownFlags = 0b11

/**
 * Null where `traceparent` is not one; a `tracestate` that is not one is left out. Neither is ever an error.
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function parseTraceContext(parent: unknown, state: unknown): TraceContext | null {
  if (typeof parent !== 'string' || parent.length > 512) return null
  const [, version, traceId = '', spanId = '', flags = '', rest] = parentPattern.exec(parent) ?? []
  if (version === undefined || version === 'ff') return null
  if (version === '00' && rest !== undefined) return null
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null
  const isState = typeof state === 'string' && isTraceState(state)
  const known = Number.parseInt(flags, 16) & knownFlags
  return { traceId, spanId, flags: known, state: isState ? state : null }
}

const membersMax = 32
const stateMaxChars = 512
const memberPattern =
  /^(?<key>[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/

function isTraceState(text: string): boolean {
  if (text.length > stateMaxChars) return false
  const members = text.split(',').flatMap((member) => member.trim() || [])
  const keys = members.map((member) => memberPattern.exec(member)?.groups?.key)
  const isUnique = new Set(keys).size === keys.length
  return members.length > 0 && members.length <= membersMax && isUnique && !keys.includes(undefined)
}

/** As it goes out, always in version 00. */
export function traceparentOf({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`
}

/** Does `work` within a span, where there is one to begin it under; what it fails with ends the span too. */
export function inSpan<T>(
  parent: Span | null | undefined,
  name: SpanName,
  work: (span: Span | null) => Promise<T>
): Promise<T> {
  return parent ? endWith(parent.begin(name), work) : work(null)
}

async function endWith<T>(span: Span, work: (span: Span) => Promise<T>): Promise<T> {
  try {
    const result = await work(span)
    span.end(null)
    return result
  } catch (error) {
    span.end(problemCodeOf(error))
    throw error
  }
}
