/**
 * The sealing room. Owns: envelopes, the key ring and the key-wrap port, bearer tokens and their hashes.
 * Touches: jose, node:crypto.
 * Never: stores or fetches anything, tells why a sealed value does not open, accepts another algorithm.
 */
import assert from 'node:assert'
import { randomBytes } from 'node:crypto'
import { Secret } from '../base/secret.ts'
import {
  type Binding,
  cannotOpen,
  claimedContext,
  claimedKid,
  keyBytes,
  openCompact,
  sealCompact,
  sealedPrefix
} from './compact-jwe.ts'

/** A tenant's key that seals its rows; lies in the database wrapped by a `KeyWrap`. */
export interface DataKey {
  /** `dek_…`, the `kid` of every envelope sealed with it. */
  readonly id: string
  /** Exactly 32 bytes. */
  readonly key: Secret<Uint8Array>
}

/** The one place that a sealed value belongs to; anywhere else it does not open. */
export interface RowContext {
  readonly tenantId: string
  readonly table: string
  readonly rowId: string
  readonly column: string
}

/** A data key of 32 fresh random bytes. */
export function newDataKey(id: string): DataKey {
  return { id, key: new Secret(new Uint8Array(randomBytes(keyBytes))) }
}

/**
 * Seals a text into compact JWE, bound to its row and column.
 * @param plaintext well-formed Unicode (a lone surrogate would not come back as it was)
 */
export async function sealEnvelope(
  dataKey: DataKey,
  context: RowContext,
  plaintext: Secret
): Promise<string> {
  const text = plaintext.reveal()
  assert(text.isWellFormed(), 'a sealed text is well-formed Unicode')
  return await sealCompact(dataKey.key, bind(dataKey, context), new TextEncoder().encode(text))
}

/**
 * Opens an envelope at the place it was sealed for.
 * @throws AppError `key_unavailable`: another place, another key, or changed text, told apart by nothing
 */
export async function openEnvelope(
  dataKey: DataKey,
  context: RowContext,
  sealed: string
): Promise<Secret> {
  const bytes = await openCompact(dataKey.key, bind(dataKey, context), sealed)
  return new Secret(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes))
}

/**
 * Opens what was sealed for caution and goes back to who gave it: no secret, but nothing to lie open in a database.
 * @throws AppError `key_unavailable`, as `openEnvelope`
 */
export async function openEnvelopeText(
  dataKey: DataKey,
  context: RowContext,
  sealed: string
): Promise<string> {
  return (await openEnvelope(dataKey, context, sealed)).reveal()
}

/**
 * Seals anew, with another key of the tenant, what `from` sealed: for the place that the text itself names, which
 * is authenticated. So a text that lies at a wrong place stays one that opens there no more than before.
 * @throws AppError `key_unavailable`: changed text, another key, another tenant
 */
export async function resealEnvelope(
  from: DataKey,
  to: DataKey,
  tenantId: string,
  sealed: string
): Promise<string> {
  const context = claimedContext(sealed)
  if (context === null || context[0] !== tenantId) throw cannotOpen()
  const bytes = await openCompact(from.key, { kid: from.id, context }, sealed)
  return await sealCompact(to.key, { kid: to.id, context }, bytes)
}

/** How every text begins that this data key sealed; only to find them. */
export function sealedPrefixOf(dataKeyId: string): string {
  return sealedPrefix(dataKeyId)
}

/** The data key that an envelope claims, not authenticated: only to pick the key; null for rubbish. */
export function dataKeyIdOf(sealed: string): string | null {
  return claimedKid(sealed)
}

function bind(dataKey: DataKey, { tenantId, table, rowId, column }: RowContext): Binding {
  return { kid: dataKey.id, context: [tenantId, table, rowId, column] }
}
