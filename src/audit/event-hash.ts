import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { AuditEventRow } from '../store/audit-events.ts'

/** Hash of the event before a tenant's first. */
export const chainStart = '0'.repeat(64)

type Hashable = Omit<AuditEventRow, 'hash' | 'details'> & { readonly details: unknown }

/**
 * SHA-256, hex, over the canonical JSON (RFC 8785) of the event, its predecessor's hash included.
 * Members that came later stand in it only where they hold something: older events hash as they did.
 */
export function hashAuditEvent(event: Hashable): string {
  const { seq, at, source, credentialId, ...rest } = event
  const canonical = canonicalize({
    ...rest,
    ...(source !== null && { source }),
    ...(credentialId !== null && { credentialId }),
    seq: seq.toString(),
    at: at.toISOString()
  })
  return createHash('sha256').update(String(canonical)).digest('hex')
}
