import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { ExchangeInput } from './exchange.ts'
import { type HeaderInput, headerRecord, requestHeaders } from './headers.ts'
import type { HostGuard, HostRule } from './host-guard.ts'
import type { StreamControl, StreamEnd, StreamSink } from './stream.ts'

const defaultMaxBytes = 1_048_576
const defaultDeadlineMs = 10_000
const connectMs = 5_000

export interface ControlRequest {
  readonly url: string | URL
  readonly rule: HostRule
  readonly method: string
  readonly headers?: HeaderInput
  readonly body?: string | Buffer
  readonly bearer?: Secret
  /** Headers whose values are secret, by name. */
  readonly secrets?: Readonly<Record<string, Secret>>
  /** Longest answer body that is taken, default 1 MiB. */
  readonly maxBytes?: number
  /** For everything together, default 10 s. */
  readonly deadlineMs?: number
  readonly signal?: AbortSignal | undefined
}

export interface ControlResponse {
  readonly status: number
  /** Names in lower case, repeated values joined, `set-cookie` and hop-by-hop headers left out. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  /** Milliseconds from the start. */
  readonly timing: { readonly firstByteMs: number; readonly totalMs: number }
}

export interface ControlPlane {
  readonly guard: HostGuard
  readonly exchange: (
    origin: string,
    input: Omit<ExchangeInput, 'isFull'>,
    sink: StreamSink
  ) => Promise<StreamEnd>
  readonly clock: Clock
  readonly userAgent: string
}

interface Answer {
  status: number
  headers: Record<string, string>
  readonly chunks: Buffer[]
  bytes: number
  fault: AppError | null
}

/** One buffered call; see `Outbound.request`. */
export async function requestWhole(
  plane: ControlPlane,
  input: ControlRequest
): Promise<ControlResponse> {
  const url = plane.guard.checkUrl(input.url, input.rule)
  const startedMs = plane.clock.monotonicMs()
  const totalMs = input.deadlineMs ?? defaultDeadlineMs
  const answer: Answer = { status: 0, headers: {}, chunks: [], bytes: 0, fault: null }
  const end = await plane.exchange(
    url.origin,
    {
      method: input.method,
      path: url.pathname + url.search,
      headers: requestHeaders(input.headers ?? {}, {
        bearer: input.bearer,
        secrets: input.secrets,
        userAgent: plane.userAgent,
        // An answer in the clear cannot unpack to more than its byte cap.
        dropped: ['accept-encoding', 'content-length']
      }),
      body: input.body === undefined ? null : Buffer.from(input.body),
      signal: input.signal,
      deadlines: {
        connectMs: Math.min(connectMs, totalMs),
        firstByteMs: totalMs,
        idleMs: totalMs,
        totalMs
      }
    },
    collector(answer, input.maxBytes ?? defaultMaxBytes)
  )
  if (answer.fault !== null) throw answer.fault
  if (end.outcome === 'aborted') {
    throw new AppError('upstream_timeout', { note: 'aborted by the caller' })
  }
  return {
    status: answer.status,
    headers: answer.headers,
    body: Buffer.concat(answer.chunks),
    timing: {
      firstByteMs: end.firstByteMs ?? 0,
      totalMs: plane.clock.monotonicMs() - startedMs
    }
  }
}

function collector(answer: Answer, maxBytes: number): StreamSink {
  let control: StreamControl | undefined
  const refuse = (note: string) => {
    answer.fault = new AppError('upstream_unavailable', { note })
    control?.abort()
  }
  return {
    onStart(given) {
      control = given
    },
    onHead(status, headers) {
      answer.status = status
      answer.headers = headerRecord(headers)
      const encoding = answer.headers['content-encoding'] ?? 'identity'
      if (encoding !== 'identity') refuse('an encoding that was not asked for')
      return 'stream'
    },
    onData(chunk) {
      answer.bytes += chunk.length
      if (answer.bytes > maxBytes) refuse(`an answer of more than ${maxBytes} bytes`)
      else answer.chunks.push(chunk)
      return true
    }
  }
}
