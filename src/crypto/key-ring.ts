import assert from 'node:assert'
import { timingSafeEqual } from 'node:crypto'
import { AppError } from '../base/errors.ts'
import { cannotOpen, claimedKid, keyBytes } from './compact-jwe.ts'
import type { KeyEncryptionKey, KeyWrap } from './key-wrap.ts'
import { localKey, type RingKey } from './local-key.ts'

/** The key wrap of a process; its keys may change while it runs. */
export interface KeyRing extends KeyWrap {
  /** Newest first. */
  readonly keys: readonly KeyEncryptionKey[]
  /** These are the keys from now on, newest first. What is under way ends with the key it began with. */
  replace(keys: readonly KeyEncryptionKey[]): void
  /** From now on `wrap` uses this key. @throws AppError `key_unavailable`: the ring has no such key */
  sealWith(kid: string): void
}

/** Of keys held in this process. @param keys newest first, which seals until another is told to */
export function createKeyRing(keys: readonly RingKey[]): KeyRing {
  return keyRingOf(keys.map(localKey))
}

/** Of keys wherever they are. @param keys newest first, which seals until another is told to */
export function keyRingOf(keys: readonly KeyEncryptionKey[]): KeyRing {
  let held = keys
  let byKid = indexOf(keys)
  let sealing = newestOf(keys)

  function find(kid: string): KeyEncryptionKey {
    const key = byKid.get(kid)
    if (key !== undefined) return key
    const named = JSON.stringify(kid.slice(0, 200))
    throw new AppError('key_unavailable', { note: `the key ring has no key ${named}` })
  }

  function kidOf(wrapped: string): string {
    const kid = claimedKid(wrapped)
    if (kid === null) throw cannotOpen()
    return kid
  }

  return {
    get keys() {
      return held
    },
    get sealingKid() {
      return sealing.kid
    },
    get fingerprints() {
      return new Map(held.map(({ kid, fingerprint }) => [kid, fingerprint]))
    },
    kidOf,
    replace(next) {
      const index = indexOf(next)
      sealing = index.get(sealing.kid) ?? newestOf(next)
      held = next
      byKid = index
    },
    sealWith(kid) {
      sealing = find(kid)
    },
    async wrap(dataKey, context) {
      assert(dataKey.reveal().byteLength === keyBytes, 'a data key has 32 bytes')
      return await sealing.wrap(dataKey, context)
    },
    unwrap: async (wrapped, context) => await find(kidOf(wrapped)).unwrap(wrapped, context)
  }
}

/**
 * The same data key, wrapped by the key that seals now; proven to open to the same bytes.
 * @throws AppError `key_unavailable`: the old key is not there or does not open it, or the new one does not answer
 */
export async function rewrap(keyWrap: KeyWrap, wrapped: string, context: string): Promise<string> {
  const dataKey = await keyWrap.unwrap(wrapped, context)
  const fresh = await keyWrap.wrap(dataKey, context)
  const again = await keyWrap.unwrap(fresh, context)
  if (!timingSafeEqual(dataKey.reveal(), again.reveal())) throw cannotOpen()
  return fresh
}

function newestOf([newest]: readonly KeyEncryptionKey[]): KeyEncryptionKey {
  assert(newest !== undefined, 'a key ring has a key')
  return newest
}

function indexOf(keys: readonly KeyEncryptionKey[]): ReadonlyMap<string, KeyEncryptionKey> {
  const byKid = new Map(keys.map((key) => [key.kid, key]))
  assert(byKid.size === keys.length, 'the kids of a key ring differ')
  return byKid
}
