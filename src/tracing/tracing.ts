/**
 * Owns: spans as OpenTelemetry knows them, which of them are kept, and handing them to the operator's collector.
 * Touches: OpenTelemetry's packages; the network through what it is given, which is outbound.
 * Never: reads the environment, holds up a request, or keeps more than a bounded number of spans.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider
} from '@opentelemetry/sdk-trace'
import type { Tracer } from '../base/trace.ts'
import { tracerOn } from './span.ts'

/** As `OTEL_TRACES_SAMPLER` names them. */
export interface SamplerChoice {
  readonly isParentBased: boolean
  /** Of those that are decided here: 0 none, 1 all. */
  readonly ratio: number
}

export interface TracingOptions {
  readonly protocol: 'http/protobuf' | 'http/json'
  readonly sampler: SamplerChoice
  /** `service.name` and kin. */
  readonly resource: Readonly<Record<string, string>>
  /** Hands one message over. @returns the collector's HTTP status */
  readonly send: (body: Buffer, contentType: string) => Promise<number>
}

export interface Tracing {
  readonly tracer: Tracer
  /** Spans since the start: those that the collector took, and those that it did not. */
  readonly counts: { readonly exported: number; readonly lost: number }
  /** Hands over what waits, if the collector takes it at once. */
  close(): Promise<void>
}

/** A collector that is slow holds at most so many spans here; what comes on top is dropped. */
const queueMax = 8_192
const batchMax = 512
const exportTimeoutMs = 10_000
const retryDelaysMs = [1_000, 2_000]
const closeTimeoutMs = 3_000
/** OTLP/HTTP: the same again may succeed. */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504])

export function createTracing(options: TracingOptions): Tracing {
  const counts = { exported: 0, lost: 0 }
  const closing = new AbortController()
  const provider = new TracerProvider({
    sampler: samplerOf(options.sampler),
    resource: resourceFromAttributes({ ...options.resource }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: exporterTo(options, counts, closing.signal),
        maxQueueSize: queueMax,
        maxExportBatchSize: batchMax,
        exportTimeoutMillis: exportTimeoutMs
      })
    ]
  })
  return {
    tracer: tracerOn(provider.getTracer('weft')),
    counts,
    async close() {
      closing.abort()
      const late = delay(closeTimeoutMs, undefined, { ref: false })
      await Promise.race([provider.shutdown().catch(() => undefined), late])
    }
  }
}

function samplerOf({ isParentBased, ratio }: SamplerChoice): Sampler {
  const root =
    ratio >= 1
      ? new AlwaysOnSampler()
      : ratio <= 0
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio)
  return isParentBased ? new ParentBasedSampler({ root }) : root
}

function exporterTo(
  { protocol, send }: TracingOptions,
  counts: { exported: number; lost: number },
  closing: AbortSignal
): SpanExporter {
  const isJson = protocol === 'http/json'
  const serializer = isJson ? JsonTraceSerializer : ProtobufTraceSerializer
  const contentType = isJson ? 'application/json' : 'application/x-protobuf'

  async function deliver(spans: ReadableSpan[]): Promise<boolean> {
    const body = Buffer.from(serializer.serializeRequest(spans) ?? new Uint8Array())
    for (const delayMs of [...retryDelaysMs, null]) {
      const status = await send(body, contentType).catch(() => 503)
      if (status >= 200 && status < 300) return true
      if (!retryable.has(status) || delayMs === null || closing.aborted) return false
      await delay(delayMs, undefined, { ref: false, signal: closing }).catch(() => undefined)
    }
    return false
  }

  return {
    export(spans, done) {
      deliver(spans).then(
        (isTaken) => {
          counts[isTaken ? 'exported' : 'lost'] += spans.length
          done({ code: isTaken ? 0 : 1 })
        },
        () => {
          counts.lost += spans.length
          done({ code: 1 })
        }
      )
    },
    shutdown: async () => undefined
  }
}
