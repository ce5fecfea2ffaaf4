import assert from 'node:assert'
import { createHash } from 'node:crypto'
import { AppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { cannotOpen, claimedKid, keyBytes, openCompact, sealCompact } from './compact-jwe.ts'
import type { KeyWrap } from './key-wrap.ts'

/** One key-encryption key. */
export interface RingKey {
  readonly kid: string
  /** Exactly 32 bytes. */
  readonly key: Secret<Uint8Array>
}

/**
 * A key wrap over keys held in this process.
 * @param keys newest first; `config/` vouches for their length, strength and distinct kids
 */
export function createKeyRing(keys: readonly RingKey[]): KeyWrap {
  const [newest] = keys
  assert(newest !== undefined, 'a key ring has a key')
  const byKid = new Map(keys.map(({ kid, key }) => [kid, key]))
  assert(byKid.size === keys.length, 'the kids of a key ring differ')
  for (const { key } of keys) {
    assert(key.reveal().byteLength === keyBytes, 'a key-encryption key has 32 bytes')
  }

  function kidOf(wrapped: string): string {
    const kid = claimedKid(wrapped)
    if (kid === null) throw cannotOpen()
    return kid
  }

  return {
    newestKid: newest.kid,
    fingerprints: new Map(keys.map(({ kid, key }) => [kid, fingerprintOf(key)])),
    kidOf,

    async wrap(dataKey, context) {
      assert(dataKey.reveal().byteLength === keyBytes, 'a data key has 32 bytes')
      return await sealCompact(newest.key, bind(newest.kid, context), dataKey.reveal())
    },

    async unwrap(wrapped, context) {
      const kid = kidOf(wrapped)
      const key = byKid.get(kid)
      if (key === undefined) {
        const named = JSON.stringify(kid.slice(0, 64))
        throw new AppError('key_unavailable', { note: `the key ring has no key ${named}` })
      }
      const dataKey = await openCompact(key, bind(kid, context), wrapped)
      if (dataKey.byteLength !== keyBytes) throw cannotOpen()
      return new Secret(dataKey)
    }
  }
}

/** The first 16 hex digits of SHA-256 over `weft-kek`, a zero byte and the key. */
export function fingerprintOf(key: Secret<Uint8Array>): string {
  return createHash('sha256').update('weft-kek\0').update(key.reveal()).digest('hex').slice(0, 16)
}

function bind(kid: string, context: string) {
  return { kid, context: ['key-wrap', context] }
}
