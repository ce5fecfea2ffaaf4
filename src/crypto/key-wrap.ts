import type { Secret } from '../base/secret.ts'

/**
 * One key that wraps data keys: held in this process, or at a key management service. Each newcomer passes the
 * key-wrap contract tests.
 */
export interface KeyEncryptionKey {
  /** What names it in the ring and in the database. */
  readonly kid: string
  /** 16 hex digits that name the key without telling it. */
  readonly fingerprint: string
  /** Whether each use of it is a call to another machine, which may be away. */
  readonly isRemote: boolean
  /**
   * @param dataKey exactly 32 bytes
   * @param context where the wrapped key lies, e.g. `ten_x/data_keys/dek_y`; bound to it
   * @throws AppError `key_unavailable`: the service does not answer, or refuses
   */
  wrap(dataKey: Secret<Uint8Array>, context: string): Promise<string>
  /** @throws AppError `key_unavailable`, in one and the same words whatever is wrong with the text */
  unwrap(wrapped: string, context: string): Promise<Secret<Uint8Array>>
}

/** All key-encryption keys that this process has: what the rest of the house sees of them. */
export interface KeyWrap {
  /** The key that `wrap` uses. */
  readonly sealingKid: string
  /** kid → fingerprint, newest first; for start-up messages and `keys status`. */
  readonly fingerprints: ReadonlyMap<string, string>
  /**
   * Wraps a tenant's data key with the key that seals.
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
