import { Secret } from '../base/secret.ts'
import { parseList, refuseWhere } from './refusal.ts'

/** A key of 32 bytes and what it is called. */
export interface RingEntry {
  readonly kid: string
  readonly key: Secret<Uint8Array>
}

/** Entries `kid:base64`, newest first, by comma or line. */
export function parseKeyRing(text: string): RingEntry[] {
  const entries = parseList(text.trim(), parseKey, /[,\n]/)
  refuseWhere({
    'has two entries with one kid': new Set(entries.map(({ kid }) => kid)).size < entries.length,
    'has one key in two entries': new Set(entries.map(({ text }) => text)).size < entries.length
  })
  return entries.map(({ kid, bytes }) => ({ kid, key: new Secret(bytes) }))
}

function parseKey(entry: string): { kid: string; text: string; bytes: Uint8Array } {
  const [, kid = '', text = ''] = /^([^:]*):(.*)$/.exec(entry) ?? []
  const bytes = new Uint8Array(Buffer.from(text, 'base64'))
  const isWhole = bytes.byteLength === 32 && Buffer.from(bytes).toString('base64') === text
  refuseWhere({
    'is not kid:base64 with a kid of 1 to 32 of A-Z, a-z, 0-9 and . _ -':
      !/^[A-Za-z0-9._-]{1,32}$/.test(kid),
    'has a key that is not exactly 32 bytes of base64 (openssl rand -base64 32)': !isWhole,
    'has a sample, a text or a pattern for a key (openssl rand -base64 32)':
      isWhole && isWeak(bytes)
  })
  return { kid, text, bytes }
}

/** What 32 random bytes never are: printable ASCII (so is the sample), few values, or a plain sequence. */
function isWeak(bytes: Uint8Array): boolean {
  const steps = new Set(bytes.subarray(1).map((byte, index) => byte - (bytes[index] ?? 0)))
  const isText = bytes.every((byte) => byte >= 0x09 && byte <= 0x7e)
  return isText || new Set(bytes).size < 16 || steps.size === 1
}
