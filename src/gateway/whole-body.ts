import type { Readable } from 'node:stream'

/** The body in one piece; the HTTP floor has capped its length. */
export async function readWhole(body: Buffer | Readable): Promise<Buffer> {
  if (Buffer.isBuffer(body)) return body
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}
