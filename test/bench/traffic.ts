/** What is sent and answered, known to both ends. */
export const sizes = { 'json-2k': 2 * 1024, 'json-64k': 64 * 1024 } as const
export const streamEndpoint = 'events'
export const eventCount = 200
export const eventEveryMs = 2

/** Valid JSON of exactly so many bytes. */
export function jsonOf(bytes: number): Buffer {
  const frame = '{"inputs":""}'
  return Buffer.from(`{"inputs":"${'x'.repeat(bytes - frame.length)}"}`)
}

export function pathOf(endpoint: string): string {
  return `/serving-endpoints/${endpoint}/invocations`
}

/** Where calls go, and with what beside the path. */
export interface Target {
  readonly port: number
  /** Before the path, for a proxy that has more than one upstream. */
  readonly prefix: string
  readonly headers: Readonly<Record<string, string>>
}

export type Job = { readonly target: Target; readonly endpoint: string } & (
  | { readonly kind: 'closed'; readonly connections: number; readonly durationMs: number }
  | { readonly kind: 'open'; readonly perSecond: number; readonly durationMs: number }
  | { readonly kind: 'streams'; readonly count: number }
)

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

/** @param sorted ascending */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [(sorted.length - 1) / 2, sorted.length / 2].map(Math.floor)
  return ((sorted[low ?? 0] ?? Number.NaN) + (sorted[high ?? 0] ?? Number.NaN)) / 2
}
