import type { Readable } from 'node:stream'
import { AppError } from '../base/errors.ts'

/**
 * The body in one piece.
 * @param maxBytes default: what the HTTP floor lets in
 * @throws AppError `body_too_large`
 */
export async function readWhole(
  body: Buffer | Readable,
  maxBytes = Number.POSITIVE_INFINITY
): Promise<Buffer> {
  if (Buffer.isBuffer(body)) return checkLength(body, maxBytes)
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    const piece = Buffer.from(chunk)
    bytes += piece.length
    if (bytes > maxBytes) throw new AppError('body_too_large')
    chunks.push(piece)
  }
  return Buffer.concat(chunks, bytes)
}

function checkLength(body: Buffer, maxBytes: number): Buffer {
  if (body.length > maxBytes) throw new AppError('body_too_large')
  return body
}
