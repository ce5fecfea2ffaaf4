import type { Readable } from 'node:stream'
import type { Provider } from '../../providers/provider.ts'

/** What a kind may know of the fabric that is asked through. */
export interface AskedFabric {
  readonly provider: Provider
  /** Of the fabric's own compute, where that is a warehouse. */
  readonly warehouseId?: string | null
}

/** A call as a kind sees it: no credential, no header, no host. */
export interface Question {
  readonly fabric: AskedFabric
  /** Of the path, each in its pattern. */
  readonly params: Readonly<Record<string, string>>
  readonly body: Buffer | Readable | null
}

/** What a kind makes of a call. */
export interface Ask {
  /** Name of the serving endpoint that is asked, null where the call is not about one. */
  readonly endpoint: string | null
  readonly body: Buffer | Readable | null
}

/** One kind of endpoint. It never dials, it holds no token, and where the call goes is not its to say. */
export interface EndpointKind {
  /**
   * How an endpoint list, the fabric's or a service account's, narrows it. `endpoint`: to the names on the
   * list. `workspace`: away altogether, since SQL (`ai_query`), a job or a command can query every endpoint
   * and do much else, so that whoever is limited to endpoints gets serving only. `open`: not at all.
   */
  readonly reach: 'endpoint' | 'workspace' | 'open'
  /** @throws AppError `invalid_request` */
  ask(question: Question): Ask | Promise<Ask>
}
