import {
  type Span as ApiSpan,
  type Tracer as ApiTracer,
  type Context,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace
} from '@opentelemetry/api'
import type { Span, SpanFacts, SpanName, TraceContext, Tracer } from '../base/trace.ts'

const kinds: Readonly<Record<SpanName, SpanKind>> = {
  request: SpanKind.SERVER,
  upstream: SpanKind.CLIENT,
  authentication: SpanKind.INTERNAL,
  policy: SpanKind.INTERNAL,
  route: SpanKind.INTERNAL,
  token: SpanKind.INTERNAL,
  refresh: SpanKind.INTERNAL,
  job: SpanKind.INTERNAL
}

/** Ours on top of OpenTelemetry's; whose child a span is is said, not guessed from what runs. */
export function tracerOn(tracer: ApiTracer): Tracer {
  return {
    begin(name, parent, facts) {
      const above = parent === null ? ROOT_CONTEXT : under(remote(parent))
      const options = { kind: kinds[name], attributes: { ...facts } }
      return new OwnSpan(tracer, tracer.startSpan(name, options, above), parent?.state ?? null)
    },
    record(name, facts, { from, to }, code) {
      const options = { kind: kinds[name], attributes: { ...facts }, startTime: from }
      const span = tracer.startSpan(name, options, ROOT_CONTEXT)
      if (code !== null) fail(span, code)
      span.end(to)
    }
  }
}

class OwnSpan implements Span {
  readonly context: TraceContext
  readonly #tracer: ApiTracer
  readonly #span: ApiSpan
  readonly #isSampled: boolean

  constructor(tracer: ApiTracer, span: ApiSpan, state: string | null) {
    const { traceId, spanId, traceFlags: flags } = span.spanContext()
    this.context = { traceId, spanId, flags, state }
    this.#tracer = tracer
    this.#span = span
    this.#isSampled = (flags & TraceFlags.SAMPLED) !== 0
  }

  /** What is not kept is not begun either: its own context stands for all below it. */
  begin(name: SpanName, facts: SpanFacts = {}): Span {
    if (!this.#isSampled) return unkept(this.context)
    const options = { kind: kinds[name], attributes: { ...facts } }
    const child = this.#tracer.startSpan(name, options, under(this.#span.spanContext()))
    return new OwnSpan(this.#tracer, child, this.context.state)
  }

  event(name: 'connected' | 'first_byte'): void {
    this.#span.addEvent(name)
  }

  end(code: string | null, facts: SpanFacts = {}): void {
    this.#span.setAttributes({ ...facts })
    if (code !== null) fail(this.#span, code)
    this.#span.end()
  }
}

function fail(span: ApiSpan, code: string): void {
  span.setAttribute('weft.code', code)
  span.setStatus({ code: SpanStatusCode.ERROR })
}

function unkept(context: TraceContext): Span {
  const span: Span = {
    context,
    begin: () => span,
    event: () => undefined,
    end: () => undefined
  }
  return span
}

function under(context: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, context)
}

function remote({ traceId, spanId, flags }: TraceContext): SpanContext {
  return { traceId, spanId, traceFlags: flags, isRemote: true }
}
