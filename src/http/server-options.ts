/** Clients that were cut for being slow, since the start: counted by the app, read by the metrics. */
export interface SlowClients {
  bodies: number
  readers: number
}

/** Bounds of the HTTP server; milliseconds and bytes. */
export interface HttpLimits {
  /** All headers of a request. */
  readonly headersTimeoutMs: number
  /** A request as a whole, its body included. */
  readonly requestTimeoutMs: number
  /** How often the two are looked at: they end up to this much later. */
  readonly timeoutCheckMs: number
  /** A body that brings less than `slowBodyBytesMin` in this time is cut, at the latest after twice it. */
  readonly slowBodyIntervalMs: number
  readonly slowBodyBytesMin: number
  /** An answer of which the client takes nothing for this long is cut, up to `timeoutCheckMs` later. */
  readonly slowReaderMs: number
  readonly maxBodyBytes: number
  readonly maxDataBodyBytes: number
  /** Data-plane bodies up to this are read whole before they are sent on. */
  readonly wholeBodyBytes: number
  readonly maxParamLength: number
  /** What is open this long after closing began is cut. */
  readonly drainMs: number
}

/**
 * Node exchanges the two timeouts when `headersTimeoutMs` is the greater, and looks at them every 30 s
 * unless told otherwise.
 */
export const defaultHttpLimits: HttpLimits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 300_000,
  timeoutCheckMs: 1_000,
  slowBodyIntervalMs: 6_000,
  slowBodyBytesMin: 4_096,
  slowReaderMs: 10_000,
  maxBodyBytes: 1024 * 1024,
  maxDataBodyBytes: 16 * 1024 * 1024,
  wholeBodyBytes: 1024 * 1024,
  maxParamLength: 512,
  drainMs: 15_000
}
