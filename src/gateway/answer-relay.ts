import type { HeaderPairs, StreamControl, StreamEnd, StreamSink } from '../outbound/outbound.ts'
import type { AnswerTail } from './answer-tail.ts'
import { decode, isEventStream } from './content-coding.ts'
import type { GatewaySink } from './gateway.ts'

/** Headers of an answer that a client may need; everything else stays with Weft. */
const passedHeaders: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'content-language',
  'retry-after',
  'retry-after-ms',
  'served-model-name',
  'x-databricks-error-or-redirect-message',
  'x-databricks-org-id',
  'x-databricks-reason-phrase',
  'x-ratelimit-limit-requests',
  'x-ratelimit-limit-tokens',
  'x-ratelimit-remaining-requests',
  'x-ratelimit-remaining-tokens',
  'x-ratelimit-reset-requests',
  'x-ratelimit-reset-tokens',
  'x-thriftserver-error-message'
])

/** Answers of these statuses may speak of the token itself; they are looked at before they are passed on. */
const suspectStatuses: ReadonlySet<number> = new Set([400, 401, 403])
const suspectMaxBytes = 64 * 1024
/** What a proxy in front of a workspace answers in its place, unless the answer shows that it is its own. */
const gatewayStatuses: ReadonlySet<number> = new Set([502, 503, 504])
/** Headers that only the workspace itself sends, once it has let the caller in. */
const workspaceMarks: ReadonlySet<string> = new Set([
  'x-databricks-org-id',
  'x-thriftserver-error-message'
])

/** What the workspace may call a request; anything else is not kept. */
const requestIdPattern = /^[\x21-\x7e]{1,128}$/

/** Who wants to know of an answer. */
export interface RelayOwner {
  /** Looks at the end of what passes; null: nobody does. */
  readonly tail: AnswerTail | null
  /** A connection is ready, and nothing sent yet. */
  onConnected?(): void
  /** Headers of Weft's own, asked for when the head is written. */
  ownHeaders(): HeaderPairs
  /** @param isWorkspace false: something in front of the workspace answered that it is away */
  onAnswer(isWorkspace: boolean): void
}

/** Passes one upstream answer on to the client, bytes as they are, holding back what must be judged first. */
export class AnswerRelay implements StreamSink {
  status: number | null = null
  /** Whether the client has been told anything; from then on nothing can be taken back. */
  isPassing = false
  receivedBytes = 0
  readonly #sink: GatewaySink
  readonly #owner: RelayOwner
  #headers: HeaderPairs = []
  #control: StreamControl | undefined

  constructor(sink: GatewaySink, owner: RelayOwner) {
    this.#sink = sink
    this.#owner = owner
  }

  onStart(control: StreamControl): void {
    this.#control = control
    this.#owner.onConnected?.()
  }

  onHead(status: number, headers: HeaderPairs): 'stream' | { readonly collect: number } {
    this.status = status
    this.#headers = headers
    this.#owner.tail?.begin(status, headers)
    this.#owner.onAnswer(!gatewayStatuses.has(status) || isOfWorkspace(headers))
    if (suspectStatuses.has(status)) return { collect: suspectMaxBytes }
    this.#pass()
    return 'stream'
  }

  onData(chunk: Buffer): boolean {
    this.#pass()
    this.receivedBytes += chunk.length
    const isFast = this.#sink.write(chunk)
    this.#owner.tail?.take(chunk)
    if (isFast) return true
    this.#sink.onDrain(() => this.#control?.resume())
    return false
  }

  /** Passes on an answer that was held back and turned out to be the client's to read. */
  release(end: StreamEnd): void {
    this.#pass()
    if (end.collected === null || end.collected.length === 0) return
    this.receivedBytes += end.collected.length
    this.#sink.write(end.collected)
  }

  /** Whether the answer waits to be judged, as a whole, with nothing passed on. */
  isHeldBack(end: StreamEnd): boolean {
    return end.collected !== null && !this.isPassing
  }

  /** By name, for an answer that was held back. */
  headers(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.#headers)
  }

  /** The text of an answer that was held back. */
  textOf(end: StreamEnd): string {
    const bytes = end.collected ?? Buffer.alloc(0)
    const encoding = this.#header('content-encoding')
    return decode(bytes, encoding, suspectMaxBytes * 4)?.toString('utf8') ?? ''
  }

  /** What the workspace calls this request, null where it does not tell. */
  get requestId(): string | null {
    const id = this.#header('x-request-id') ?? ''
    return requestIdPattern.test(id) ? id : null
  }

  #header(wanted: string): string | undefined {
    return this.#headers.find(([name]) => name === wanted)?.[1]
  }

  #pass(): void {
    if (this.isPassing || this.status === null) return
    this.isPassing = true
    const passed = this.#headers.filter(([name]) => passedHeaders.has(name))
    this.#sink.head(this.status, [...passed, ...this.#owner.ownHeaders(), ...this.#streamHints()])
  }

  /** Proxies in front of Weft must not hold events back. */
  #streamHints(): HeaderPairs {
    return isEventStream(this.#header('content-type')) ? [['x-accel-buffering', 'no']] : []
  }
}

function isOfWorkspace(headers: HeaderPairs): boolean {
  return headers.some(
    ([name, value]) =>
      workspaceMarks.has(name) || (name === 'content-type' && /^application\/json\b/i.test(value))
  )
}
