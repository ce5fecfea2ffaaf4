/**
 * The one shape in which secrets lie at rest: compact JWE, `dir` + `A256GCM` (RFC 7516, RFC 7518 §5.3):
 * its header, the strict reading of it, and the one error for whatever does not open. Picks no key.
 */
import assert from 'node:assert'
import { CompactEncrypt, type CompactJWEHeaderParameters, compactDecrypt } from 'jose'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'

/** Length of every key that seals, bytes. */
export const keyBytes = 32

const header = { alg: 'dir', enc: 'A256GCM' } as const
const segmentsExpected = 5
const base64url = /^[A-Za-z0-9_-]*$/

/** What is sealed with which key and to which place; `context` is authenticated, not encrypted. */
export interface Binding {
  readonly kid: string
  /** Bound as a JSON array of strings, which is injective whatever the strings hold. */
  readonly context: readonly string[]
}

/**
 * The one error for anything that does not open: other key, other place, changed or cut text, rubbish.
 * It says nothing more on purpose.
 */
export function cannotOpen(): AppError {
  return new AppError('key_unavailable', { note: 'a sealed value cannot be opened' })
}

/**
 * Seals `plaintext` under a fresh random 96-bit IV. One key must seal fewer than 2^32 values
 * (NIST SP 800-38D §8.3).
 * @param key exactly 32 bytes
 */
export async function sealCompact(
  key: Secret<Uint8Array>,
  binding: Binding,
  plaintext: Uint8Array
): Promise<string> {
  const bytes = key.reveal()
  assert(bytes.byteLength === keyBytes, 'a sealing key has 32 bytes')
  return await new CompactEncrypt(plaintext)
    .setProtectedHeader({ ...header, kid: binding.kid, ctx: [...binding.context] })
    .encrypt(bytes)
}

/**
 * Opens what `sealCompact` sealed with the same key and binding; any other text fails.
 * @throws AppError `key_unavailable`, always the same one
 */
export async function openCompact(
  key: Secret<Uint8Array>,
  binding: Binding,
  sealed: string
): Promise<Uint8Array> {
  if (isCanonical(sealed) && hasPlainHeader(sealed)) {
    const opened = await decrypt(key, sealed)
    if (opened !== null && isBoundTo(binding, opened.protectedHeader)) return opened.plaintext
  }
  throw cannotOpen()
}

/** The `kid` that the text claims, not authenticated: good for picking a key and nothing else. */
export function claimedKid(sealed: string): string | null {
  const kid = claimedHeader(sealed)?.kid
  return typeof kid === 'string' ? kid : null
}

/** The place that the text claims to be sealed for, not authenticated; null for rubbish. */
export function claimedContext(sealed: string): readonly string[] | null {
  const context = claimedHeader(sealed)?.ctx
  return Array.isArray(context) && context.every((part) => typeof part === 'string')
    ? context
    : null
}

/**
 * How each text that `kid` sealed begins: as much of it as base64url spells without what follows.
 * @param kid of plain letters, digits and `_`, which JSON spells as they are
 */
export function sealedPrefix(kid: string): string {
  const start = `${JSON.stringify({ ...header, kid }).slice(0, -1)},`
  return Buffer.from(start.slice(0, start.length - (start.length % 3))).toString('base64url')
}

async function decrypt(key: Secret<Uint8Array>, sealed: string) {
  try {
    return await compactDecrypt(sealed, key.reveal(), {
      keyManagementAlgorithms: [header.alg],
      contentEncryptionAlgorithms: [header.enc]
    })
  } catch {
    return null
  }
}

/** Base64url leaves unused bits in a last character; only one spelling of each text is accepted. */
function isCanonical(sealed: string): boolean {
  const segments = sealed.split('.', segmentsExpected + 1)
  return (
    segments.length === segmentsExpected &&
    segments.every(
      (segment) =>
        base64url.test(segment) &&
        Buffer.from(segment, 'base64url').toString('base64url') === segment
    )
  )
}

/** No member beyond ours: so no `zip`, `crit`, `jwk` or whatever jose may learn one day. */
function hasPlainHeader(sealed: string): boolean {
  const claimed = claimedHeader(sealed)
  return claimed !== null && Object.keys(claimed).sort().join() === 'alg,ctx,enc,kid'
}

function isBoundTo(binding: Binding, authenticated: CompactJWEHeaderParameters): boolean {
  const { kid, ctx } = authenticated
  return (
    kid === binding.kid &&
    Array.isArray(ctx) &&
    ctx.length === binding.context.length &&
    binding.context.every((part, index) => ctx[index] === part)
  )
}

function claimedHeader(sealed: string): Record<string, unknown> | null {
  try {
    const end = sealed.indexOf('.')
    const parsed: unknown = JSON.parse(
      Buffer.from(sealed.slice(0, Math.max(end, 0)), 'base64url').toString()
    )
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : null
  } catch {
    return null
  }
}
