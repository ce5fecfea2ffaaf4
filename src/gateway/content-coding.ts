import { brotliDecompressSync, gunzipSync, inflateSync, zstdDecompressSync } from 'node:zlib'

/**
 * A body as it was before it was packed (RFC 9110 §8.4); null where that cannot be told, or is longer than
 * `maxBytes`.
 * @param encoding value of `content-encoding`
 */
export function decode(
  bytes: Buffer,
  encoding: string | undefined,
  maxBytes: number
): Buffer | null {
  const limits = { maxOutputLength: maxBytes }
  try {
    switch (encoding?.toLowerCase()) {
      case undefined:
      case 'identity':
        return bytes
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, limits)
      case 'deflate':
        return inflateSync(bytes, limits)
      case 'zstd':
        return zstdDecompressSync(bytes, limits)
      case 'br':
        return brotliDecompressSync(bytes, limits)
      default:
        return null
    }
  } catch {
    return null
  }
}

/** @param type value of `content-type` */
export function isEventStream(type: string | undefined): boolean {
  return type !== undefined && /^text\/event-stream\b/i.test(type)
}
