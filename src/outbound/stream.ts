import type { HeaderPairs } from './headers.ts'

/** Each in milliseconds, each counted apart. */
export interface StreamDeadlines {
  /** Until a connection of our own is ready: name look-up, TCP, TLS, waiting for a free one. */
  readonly connectMs: number
  /** From the last byte of the request that was sent to the head of the answer. */
  readonly firstByteMs: number
  /** Between two chunks of the answer, while the reader is not the one who holds it up. */
  readonly idleMs: number
  readonly totalMs: number
}

export interface StreamControl {
  /** Ends a pause that `onData` asked for by returning false. */
  resume(): void
  /** Drops the connection; the exchange resolves as `aborted`. */
  abort(): void
}

/** Who reads the answer. All are called in order, none after the exchange has settled. */
export interface StreamSink {
  /** Before anything is sent. */
  onStart?(control: StreamControl): void
  /**
   * The final head (never a 1xx), hop-by-hop headers removed. `collect` keeps the body back: up to that
   * many bytes arrive in `StreamEnd.collected`; a longer body goes to `onData` after all, from its start.
   */
  onHead(status: number, headers: HeaderPairs): 'stream' | { readonly collect: number }
  /** @returns false to pause until `resume()` */
  onData(chunk: Buffer): boolean
}

export interface StreamEnd {
  /** `aborted`: by the caller's signal or control; nothing is wrong with the upstream. */
  readonly outcome: 'complete' | 'aborted'
  readonly collected: Buffer | null
  readonly hasTrailers: boolean
  /** Body bytes. */
  readonly sentBytes: number
  readonly receivedBytes: number
  /** From the start to the head, milliseconds; null without a head. */
  readonly firstByteMs: number | null
  /** Whether anything may have reached the upstream. */
  readonly wasSent: boolean
}
