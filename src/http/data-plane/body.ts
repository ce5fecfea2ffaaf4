import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { AppError } from '../../base/errors.ts'
import type { HttpLimits } from '../server-options.ts'

type Limits = Pick<HttpLimits, 'maxDataBodyBytes' | 'wholeBodyBytes'>

/**
 * The body of a call: whole when it is small and says so, else a stream of its own, so that whoever
 * destroys it does not destroy the client's connection, on which the answer still has to go out.
 * @throws AppError `body_too_large`; a stream fails with it where the length was not known before
 */
export async function bodyOf(
  raw: IncomingMessage,
  { maxDataBodyBytes, wholeBodyBytes }: Limits
): Promise<Buffer | Readable | null> {
  const { 'content-length': length, 'transfer-encoding': encoding } = raw.headers
  if (length === '0' || (length === undefined && encoding === undefined)) return null
  if (Number(length) > maxDataBodyBytes) throw new AppError('body_too_large')
  return Number(length) <= wholeBodyBytes ? whole(raw) : new PassingBody(raw, maxDataBodyBytes)
}

function cut(): AppError {
  return new AppError('invalid_request', { detail: 'The body did not arrive as a whole' })
}

function whole(raw: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (raw.destroyed) reject(cut())
    const chunks: Buffer[] = []
    raw.on('data', (chunk: Buffer) => chunks.push(chunk))
    raw.once('end', () =>
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks))
    )
    raw.once('error', () => reject(cut()))
    raw.once('close', () => {
      if (!raw.readableEnded) reject(cut())
    })
  })
}

/** Hands on what the request brings, piece by piece, and keeps one piece at most where its reader pauses. */
class PassingBody extends Readable {
  readonly #raw: IncomingMessage
  #left: number
  readonly #onData = (chunk: Buffer) => this.#take(chunk)

  constructor(raw: IncomingMessage, maxBytes: number) {
    super({ highWaterMark: 0 })
    this.#raw = raw
    this.#left = maxBytes
    // The gateway may not listen (yet); what it was stays readable as `errored`.
    this.on('error', () => {})
    raw.on('data', this.#onData)
    raw.once('end', () => this.push(null))
    raw.once('error', () => this.destroy(cut()))
    raw.once('close', () => {
      if (!raw.readableEnded) this.destroy(cut())
    })
  }

  #take(chunk: Buffer): void {
    this.#left -= chunk.byteLength
    if (this.#left < 0) this.destroy(new AppError('body_too_large'))
    else if (!this.push(chunk) || this.isPaused()) this.#raw.pause()
  }

  override _read(): void {
    this.#raw.resume()
  }

  /** A rest that nobody wants is drained, or the connection would stand still for good. */
  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#raw.off('data', this.#onData)
    this.#raw.resume()
    done(error)
  }
}
