import { createHash } from 'node:crypto'
import { AppError } from '../base/errors.ts'
import { Secret } from '../base/secret.ts'
import { cannotOpen, keyBytes } from './compact-jwe.ts'
import type { KeyEncryptionKey } from './key-wrap.ts'

/** One key of a key management service, as far as wrapping goes. */
export interface KmsCalls {
  /** @param context bound to the ciphertext by the service */
  encrypt(plaintext: Uint8Array, context: string): Promise<Uint8Array>
  /** @throws AppError `cannotOpen()` where the service says that the text, its key or its context is another */
  decrypt(ciphertext: Uint8Array, context: string): Promise<Uint8Array>
}

/** For each call to a key management service, its repetitions included, milliseconds. */
export const kmsTimeoutMs = 5_000

/**
 * A key that never leaves its service. What it wraps is stored as `header.ciphertext`, both base64url, the header a
 * JSON text of the kid alone; everything else is the service's to authenticate.
 * @param kid the key's own name, as in `WEFT_KMS`
 */
export function kmsKey(kid: string, { encrypt, decrypt }: KmsCalls): KeyEncryptionKey {
  const head = Buffer.from(JSON.stringify({ kid })).toString('base64url')
  return {
    kid,
    fingerprint: createHash('sha256').update('weft-kms\0').update(kid).digest('hex').slice(0, 16),
    isRemote: true,
    async wrap(dataKey, context) {
      const ciphertext = await bounded(encrypt(dataKey.reveal(), context))
      return `${head}.${Buffer.from(ciphertext).toString('base64url')}`
    },
    async unwrap(wrapped, context) {
      const [claimed, text = '', ...more] = wrapped.split('.', 3)
      const ciphertext = Buffer.from(text, 'base64url')
      const isWhole = ciphertext.length > 0 && ciphertext.toString('base64url') === text
      if (claimed !== head || more.length > 0 || !isWhole) throw cannotOpen()
      const dataKey = await bounded(decrypt(new Uint8Array(ciphertext), context))
      if (dataKey.byteLength !== keyBytes) throw cannotOpen()
      return new Secret(new Uint8Array(dataKey))
    }
  }
}

/** @param why the service's own code, never its message */
export function kmsUnavailable(why: string): AppError {
  return new AppError('key_unavailable', { note: `the key management service: ${why}` })
}

async function bounded<T>(work: Promise<T>): Promise<T> {
  const timer = Promise.withResolvers<never>()
  const timeout = setTimeout(() => timer.reject(kmsUnavailable('no answer')), kmsTimeoutMs)
  try {
    return await Promise.race([work, timer.promise])
  } catch (err) {
    if (!(err instanceof AppError)) throw kmsUnavailable(nameOf(err))
    throw err.code === 'key_unavailable' ? err : kmsUnavailable(err.code)
  } finally {
    clearTimeout(timeout)
  }
}

/** A foreign error's name, or its code: never its message, which may hold what was sent. */
function nameOf(err: unknown): string {
  const code = typeof err === 'object' && err !== null && 'code' in err ? String(err.code) : null
  const name = err instanceof Error ? err.name : 'unknown'
  return (code ?? name).replaceAll(/[^\w.-]/g, '').slice(0, 60)
}
