import { hash } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { StopSignal } from '../base/stop.ts'
import type { GatewayCall, GatewaySink } from './gateway.ts'

/** An answer as the client got it. */
export interface KeptAnswer {
  readonly status: number
  readonly headers: Parameters<GatewaySink['head']>[1]
  readonly body: Buffer
}

/** The turn of one call with an `Idempotency-Key`: nobody else's with this key is sent before `done`. */
export interface Turn {
  /** What the call was answered the first time; null: it is to be sent. */
  readonly answer: KeptAnswer | null
  /** Passes everything on at once, and keeps what goes by. */
  recording(sink: GatewaySink): GatewaySink
  done(): void
}

/**
 * Calls that are repeated with the same `Idempotency-Key`. A repetition waits for the first one; when that was
 * answered well, and shortly enough, it is answered the same, else it is sent. In this process and in
 * memory alone: an answer is never written down.
 */
export interface Repetitions {
  /**
   * @param owner who asks, through what and as whom: keys of different ones never meet
   * @returns null: the call has no key, its body cannot be compared, or its client is gone
   * @throws AppError `idempotency_conflict`: the key was used with another request
   */
  take(owner: string, call: GatewayCall): Promise<Turn | null>
}

interface Held {
  readonly print: string
  readonly answer: KeptAnswer
  readonly untilMs: number
}

interface UnderWay {
  readonly print: string
  readonly over: Promise<void>
}

const keyMaxLength = 128
const keptMs = 600_000
const answerMaxBytes = 256 * 1024
const allMaxBytes = 32 * 1024 * 1024

export function createRepetitions(clock: Clock): Repetitions {
  const held = new Map<string, Held>()
  const underWay = new Map<string, UnderWay>()
  let heldBytes = 0

  function drop(key: string, { answer }: Held): void {
    held.delete(key)
    heldBytes -= answer.body.length
  }

  /** The oldest go first, when their time is over or their room is needed. */
  function trim(): void {
    for (const [key, one] of held) {
      if (one.untilMs > clock.monotonicMs() && heldBytes <= allMaxBytes) return
      drop(key, one)
    }
  }

  function begin(key: string, print: string): Turn {
    const { promise: over, resolve } = Promise.withResolvers<void>()
    let answer: KeptAnswer | null = null
    underWay.set(key, { print, over })
    return {
      answer: null,
      recording: (sink) =>
        recordingSink(sink, (whole) => {
          answer = whole
        }),
      done() {
        underWay.delete(key)
        if (answer !== null) {
          held.set(key, { print, answer, untilMs: clock.monotonicMs() + keptMs })
          heldBytes += answer.body.length
        }
        trim()
        resolve()
      }
    }
  }

  return {
    async take(owner, call) {
      const idempotencyKey = keyOf(call)
      if (idempotencyKey === null) return null
      const key = `${owner}/${idempotencyKey}`
      const print = printOf(call)
      trim()
      for (;;) {
        const first = held.get(key) ?? underWay.get(key)
        if (first === undefined) return begin(key, print)
        if (first.print !== print) throw new AppError('idempotency_conflict')
        if ('answer' in first) return replaying(first.answer)
        await Promise.race([first.over, aborted(call.signal)])
        if (call.signal.aborted) return null
      }
    }
  }
}

/** Null where the body flows in and is not there to be compared. */
function keyOf({ headers, body }: GatewayCall): string | null {
  const key = headers['idempotency-key']
  const isUsable = typeof key === 'string' && key.length > 0 && key.length <= keyMaxLength
  return isUsable && (body === null || Buffer.isBuffer(body)) ? key : null
}

function printOf({ path, query, body }: GatewayCall): string {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0)
  return `${hash('sha256', bytes)} ${path}?${query}`
}

function aborted(signal: StopSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

function replaying(answer: KeptAnswer): Turn {
  return { answer, recording: (sink) => sink, done: () => undefined }
}

/** Answers a repetition as the first call was. */
export function replay({ status, headers, body }: KeptAnswer, sink: GatewaySink): void {
  sink.head(status, [...headers, ['idempotency-replayed', 'true']])
  if (body.length > 0) sink.write(body)
  sink.end()
}

/** @param onWhole hears of an answer that went out as a whole, was a success, and is short enough to keep */
function recordingSink(sink: GatewaySink, onWhole: (answer: KeptAnswer) => void): GatewaySink {
  let head: Pick<KeptAnswer, 'status' | 'headers'> | null = null
  let chunks: Buffer[] = []
  let bytes = 0
  return {
    head(status, headers) {
      if (status >= 200 && status < 300) head = { status, headers }
      sink.head(status, headers)
    },
    write(chunk) {
      bytes += chunk.length
      if (bytes > answerMaxBytes) head = null
      if (head === null) chunks = []
      else chunks.push(chunk)
      return sink.write(chunk)
    },
    onDrain: sink.onDrain,
    end() {
      if (head !== null) onWhole({ ...head, body: Buffer.concat(chunks) })
      sink.end()
    },
    destroy: sink.destroy
  }
}
