import assert from 'node:assert'
import { createHash } from 'node:crypto'
import { Secret } from '../base/secret.ts'
import { cannotOpen, keyBytes, openCompact, sealCompact } from './compact-jwe.ts'
import type { KeyEncryptionKey } from './key-wrap.ts'

/** The bytes of one key-encryption key. */
export interface RingKey {
  readonly kid: string
  /** Exactly 32 bytes. */
  readonly key: Secret<Uint8Array>
}

/** A key that is held in this process; `config/` vouches for its length and strength. */
export function localKey({ kid, key }: RingKey): KeyEncryptionKey {
  assert(key.reveal().byteLength === keyBytes, 'a key-encryption key has 32 bytes')
  const bind = (context: string) => ({ kid, context: ['key-wrap', context] })
  return {
    kid,
    fingerprint: fingerprintOf(key),
    isRemote: false,
    wrap: (dataKey, context) => sealCompact(key, bind(context), dataKey.reveal()),
    async unwrap(wrapped, context) {
      const dataKey = await openCompact(key, bind(context), wrapped)
      if (dataKey.byteLength !== keyBytes) throw cannotOpen()
      return new Secret(dataKey)
    }
  }
}

/** The first 16 hex digits of SHA-256 over `weft-kek`, a zero byte and the key. */
export function fingerprintOf(key: Secret<Uint8Array>): string {
  return createHash('sha256').update('weft-kek\0').update(key.reveal()).digest('hex').slice(0, 16)
}
