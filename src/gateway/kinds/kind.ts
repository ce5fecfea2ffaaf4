import type { Readable } from 'node:stream'
import type { Provider } from '../../providers/provider.ts'

/** What a kind makes of a call: which endpoint is asked, and where upstream. */
export interface Ask {
  /** Name of the endpoint, for policy and record. */
  readonly endpoint: string
  /** Path at the workspace, built from checked parts only. */
  readonly upstreamPath: string
  readonly body: Buffer | Readable | null
}

/** One kind of endpoint: which calls are its own, and what they ask. It never dials, and it holds no token. */
export interface EndpointKind {
  /** As the record and the log name it. */
  readonly operation: string
  readonly method: string
  /** The whole path below the fabric, still percent-encoded. */
  readonly path: RegExp
  /**
   * @param match of `path`
   * @throws AppError `invalid_request`
   */
  ask(provider: Provider, match: RegExpExecArray, body: Buffer | Readable | null): Promise<Ask>
}
