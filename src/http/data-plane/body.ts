import type { IncomingMessage } from 'node:http'
import { type Readable, Transform, type TransformCallback } from 'node:stream'
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
  return Number(length) <= wholeBodyBytes ? whole(raw) : streamed(raw, maxDataBodyBytes)
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

class CappedBody extends Transform {
  #left: number

  constructor(maxBytes: number) {
    super()
    this.#left = maxBytes
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#left -= chunk.byteLength
    if (this.#left < 0) callback(new AppError('body_too_large'))
    else callback(null, chunk)
  }
}

function streamed(raw: IncomingMessage, maxBytes: number): Readable {
  const body = new CappedBody(maxBytes)
  raw.once('error', () => body.destroy(cut()))
  raw.once('close', () => {
    if (!raw.readableEnded) body.destroy(cut())
  })
  // The gateway may not listen (yet); what it was stays readable as `errored`.
  body.on('error', () => {})
  // A rest that nobody wants is drained, or the connection would stand still for good.
  body.once('close', () => {
    raw.unpipe(body)
    raw.resume()
  })
  return raw.pipe(body)
}
