/** What is sent and answered, known to both ends. */
const kibibyte = 1024
const mebibyte = 1024 * kibibyte
const small = 2 * kibibyte

/** Bytes of a request's body and of its answer's. */
export const exchanges = {
  'json-2k': { sent: small, answered: small },
  'json-64k': { sent: 64 * kibibyte, answered: 64 * kibibyte },
  'up-1m': { sent: mebibyte, answered: small },
  'down-1m': { sent: small, answered: mebibyte },
  'up-4m': { sent: 4 * mebibyte, answered: small },
  'down-4m': { sent: small, answered: 4 * mebibyte },
  'up-16m': { sent: 16 * mebibyte, answered: small },
  'down-16m': { sent: small, answered: 16 * mebibyte }
} as const
export type Endpoint = keyof typeof exchanges

export const streamEndpoint = 'events'
export const heldEndpoint = 'held'
export const eventCount = 200
export const eventEveryMs = 2
/** Of a stream that is only held open. */
export const heldEventEveryMs = 5_000

const frame = ['{"model":"m","messages":[{"role":"user","content":"', '"}]}'] as const

/** Valid JSON of exactly so many bytes, such as a gateway for chats takes and gives back too. */
export function jsonOf(bytes: number): Buffer {
  return Buffer.from(frame.join('x'.repeat(bytes - frame.join('').length)))
}

export function pathOf(endpoint: string): string {
  return `/serving-endpoints/${endpoint}/invocations`
}

/** Where calls go, and with what beside the path. */
export interface Target {
  readonly port: number
  /** Before the path, for a proxy that has more than one upstream. */
  readonly prefix: string
  /** In place of the path, where it knows no other. */
  readonly path?: string
  readonly headers: Readonly<Record<string, string>>
}

/** One call among others, each to somewhere else. */
export interface Step {
  readonly target: Target
  readonly endpoint: Endpoint
}

export type TargetedJob = { readonly target: Target; readonly endpoint: string } & (
  | { readonly kind: 'closed'; readonly connections: number; readonly durationMs: number }
  | { readonly kind: 'open'; readonly perSecond: number; readonly durationMs: number }
  | { readonly kind: 'streams'; readonly count: number }
  /** They stay open until the next `release`. */
  | { readonly kind: 'hold'; readonly count: number }
)

export type Job =
  | TargetedJob
  | { readonly kind: 'release' }
  /** Each of them once, so many at a time. */
  | { readonly kind: 'walk'; readonly steps: readonly Step[]; readonly connections: number }

/** How the fault begins of who could not keep up with a fixed rate, be it its own fault or the machine's. */
export const fellBehind = 'fell behind: '

/** Milliseconds, but for the counts. */
export interface Outcome {
  readonly calls: number
  /** The first thing that went wrong; null when every answer was 200 and whole. */
  readonly fault: string | null
  readonly perSecond: number
  /** Of an answer; of a stream's events, how late each came. */
  readonly p50: number
  readonly p99: number
  /** Streams: until the first event. */
  readonly firstEvent: number
}

export function outcomeOf(
  times: readonly number[],
  durationMs: number,
  fault: string | null
): Outcome {
  const sorted = Float64Array.from(times).sort()
  return {
    calls: sorted.length,
    fault,
    perSecond: (sorted.length * 1_000) / durationMs,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    firstEvent: Number.NaN
  }
}

/** @param sorted ascending */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [(sorted.length - 1) / 2, sorted.length / 2].map(Math.floor)
  return ((sorted[low ?? 0] ?? Number.NaN) + (sorted[high ?? 0] ?? Number.NaN)) / 2
}
