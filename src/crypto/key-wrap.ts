import type { Secret } from '../base/secret.ts'

/**
 * The port to key-encryption keys: a local key ring, or a key management service. Each newcomer passes the
 * key-wrap contract tests.
 */
export interface KeyWrap {
  /** The key that `wrap` uses. */
  readonly newestKid: string
  /** kid → 16 hex digits that name a key without telling it; for start-up messages and `keys status`. */
  readonly fingerprints: ReadonlyMap<string, string>
  /**
   * Wraps a tenant's data key with the newest key.
   * @param dataKey exactly 32 bytes
   * @param context where the wrapped key lies, e.g. `ten_x/data_keys/dek_y`; bound to it
   */
  wrap(dataKey: Secret<Uint8Array>, context: string): Promise<string>
  /**
   * Unwraps with the key that the wrapped text names.
   * @throws AppError `key_unavailable`: no such key (`note` names its kid), or, in one and the same words,
   *   anything else that is wrong
   */
  unwrap(wrapped: string, context: string): Promise<Secret<Uint8Array>>
  /**
   * The kid that the wrapped text claims: tells which rows a rotation has still to re-wrap.
   * @throws AppError `key_unavailable`: the text is not a wrapped key
   */
  kidOf(wrapped: string): string
}
