import { Readable } from 'node:stream'
import type { Dispatcher, Pool } from 'undici'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { StopSignal } from '../base/stop.ts'
import { codeOf } from './address-guard.ts'
import type { DeadlineWatch, Timed } from './deadlines.ts'
import { responseHeaders } from './headers.ts'
import type { StreamDeadlines, StreamEnd, StreamSink } from './stream.ts'

export interface ExchangeInput {
  readonly method: string
  readonly path: string
  readonly headers: string[]
  readonly body: Buffer | Readable | null
  readonly signal: StopSignal | undefined
  readonly deadlines: StreamDeadlines
  /** Whether all connections to the origin are taken, asked when none came free in time. */
  readonly isFull: () => boolean
}

type Phase = 'connect' | 'first_byte' | 'idle'

/** One request and its answer on one connection, with its deadlines; see `Outbound.stream`. */
export class Exchange implements Dispatcher.DispatchHandler, Timed {
  dueMs = Number.POSITIVE_INFINITY
  place = -1
  readonly #input: ExchangeInput
  readonly #sink: StreamSink
  readonly #clock: Clock
  readonly #watch: DeadlineWatch
  readonly #startedMs: number
  readonly #end = Promise.withResolvers<StreamEnd>()
  readonly #onAbort = () => this.#abort()
  #controller: Dispatcher.DispatchController | undefined
  #isSettled = false
  #isPaused = false
  #hasHead = false
  #phase: Phase = 'connect'
  #phaseMs = 0
  #totalDueMs = Number.POSITIVE_INFINITY
  #collectMax = 0
  #collected: Buffer[] | null = null
  #sentBytes = 0
  #receivedBytes = 0
  #firstByteMs: number | null = null

  constructor(input: ExchangeInput, sink: StreamSink, clock: Clock, watch: DeadlineWatch) {
    this.#input = input
    this.#sink = sink
    this.#clock = clock
    this.#watch = watch
    this.#startedMs = clock.monotonicMs()
  }

  run(pool: Pool): Promise<StreamEnd> {
    const { method, path, headers, body, signal, deadlines } = this.#input
    this.#sink.onStart?.({ resume: () => this.#resume(), abort: this.#onAbort })
    if (signal?.aborted) this.#abort()
    if (body instanceof Readable) this.#follow(body)
    if (this.#isSettled) return this.#end.promise
    signal?.addEventListener('abort', this.#onAbort, { once: true })
    this.#totalDueMs = this.#clock.monotonicMs() + deadlines.totalMs
    this.#arm('connect', deadlines.connectMs)
    this.#watch.add(this)
    pool.dispatch({ method, path, headers, body }, this)
    return this.#end.promise
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isSettled) {
      controller.abort(gone())
      return
    }
    this.#controller = controller
    this.#arm('first_byte', this.#input.deadlines.firstByteMs)
  }

  onBodySent(chunk: Buffer): void {
    this.#sentBytes += chunk.length
    if (this.#phase === 'first_byte') this.#arm('first_byte', this.#phaseMs)
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number): void {
    if (this.#isSettled || status < 200) return
    this.#hasHead = true
    this.#firstByteMs = this.#clock.monotonicMs() - this.#startedMs
    this.#arm('idle', this.#input.deadlines.idleMs)
    const headers = responseHeaders(controller.rawHeaders)
    // A stream would keep a buffer of each name and each value for as long as it is open.
    controller.rawHeaders = null
    const plan = this.#sink.onHead(status, headers)
    if (plan === 'stream') return
    this.#collectMax = plan.collect
    this.#collected = []
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isSettled) return
    this.#receivedBytes += chunk.length
    this.#arm('idle', this.#phaseMs)
    if (this.#collected === null) {
      this.#hand(chunk)
      return
    }
    this.#collected.push(chunk)
    if (this.#receivedBytes <= this.#collectMax) return
    const late = Buffer.concat(this.#collected)
    this.#collected = null
    this.#hand(late)
  }

  onResponseEnd(_controller: Dispatcher.DispatchController, trailers: object): void {
    this.#settle(() => this.#end.resolve(this.#summary('complete', trailers)))
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, err: Error): void {
    this.#settle(() => this.#end.reject(this.#translate(err)))
  }

  #hand(chunk: Buffer): void {
    if (this.#sink.onData(chunk) || this.#isSettled) return
    this.#isPaused = true
    this.#controller?.pause()
    this.#arm('idle', Number.POSITIVE_INFINITY)
  }

  #resume(): void {
    if (this.#isSettled || !this.#isPaused) return
    this.#isPaused = false
    this.#arm('idle', this.#input.deadlines.idleMs)
    this.#controller?.resume()
  }

  onDue(nowMs: number): void {
    const isTotal = this.#totalDueMs <= nowMs
    const deadline = isTotal ? 'total' : this.#phase
    const ms = isTotal ? this.#input.deadlines.totalMs : this.#phaseMs
    const err = this.#lateness(`${deadline} deadline of ${ms} ms`)
    this.#settle(() => this.#end.reject(err))
    this.#controller?.abort(gone())
  }

  #arm(phase: Phase, ms: number): void {
    this.#phase = phase
    this.#phaseMs = ms
    this.dueMs = Math.min(this.#clock.monotonicMs() + ms, this.#totalDueMs)
  }

  #lateness(note: string): AppError {
    if (this.#controller !== undefined) return new AppError('upstream_timeout', { note })
    return new AppError(this.#input.isFull() ? 'overloaded' : 'workspace_unreachable', { note })
  }

  #abort(): void {
    this.#settle(() => this.#end.resolve(this.#summary('aborted', {})))
    this.#controller?.abort(gone())
  }

  /** A body that ends before it is whole ends the exchange. */
  #follow(body: Readable): void {
    const cut = () => {
      if (body.readableEnded) return
      const { errored } = body
      const detail = 'The request body ended early'
      const err =
        errored instanceof AppError ? errored : new AppError('invalid_request', { detail })
      this.#settle(() => this.#end.reject(err))
      this.#controller?.abort(gone())
    }
    if (body.destroyed) cut()
    else body.once('close', cut)
  }

  #settle(finish: () => void): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#watch.delete(this)
    this.#input.signal?.removeEventListener('abort', this.#onAbort)
    const { body } = this.#input
    if (body instanceof Readable) body.destroy()
    finish()
  }

  #summary(outcome: StreamEnd['outcome'], trailers: object): StreamEnd {
    return {
      outcome,
      collected: this.#collected === null ? null : Buffer.concat(this.#collected),
      hasTrailers: Object.keys(trailers).length > 0,
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
      firstByteMs: this.#firstByteMs,
      wasSent: this.#controller !== undefined
    }
  }

  #translate(err: Error): AppError {
    if (err instanceof AppError) return err
    const note = codeOf(err)
    if (/^UND_ERR_(INVALID_ARG|NOT_SUPPORTED|REQ_CONTENT_LENGTH_MISMATCH)$/.test(note)) {
      return new AppError('invalid_request', {
        detail: 'The request cannot be sent as it is',
        note
      })
    }
    if (this.#controller !== undefined) {
      return new AppError('upstream_unavailable', {
        note: `${this.#hasHead ? 'cut' : 'reset'} ${note}`
      })
    }
    if (/^UND_ERR_(DESTROYED|CLOSED)$/.test(note)) return new AppError('shutting_down')
    return new AppError('workspace_unreachable', { note })
  }
}

function gone(): AppError {
  return new AppError('upstream_unavailable', { note: 'given up by this side' })
}
