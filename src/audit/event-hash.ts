import { hash } from 'node:crypto'
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
  const { source, credentialId } = event
  // In the order that canonical JSON has them in: most events need nothing else to be that.
  const members = {
    action: event.action,
    actorId: event.actorId,
    actorKind: event.actorKind,
    at: event.at.toISOString(),
    code: event.code,
    ...(credentialId !== null && { credentialId }),
    details: inOrder(event.details),
    fabricId: event.fabricId,
    id: event.id,
    objectId: event.objectId,
    objectKind: event.objectKind,
    onBehalfOf: event.onBehalfOf,
    outcome: event.outcome,
    previousHash: event.previousHash,
    requestId: event.requestId,
    seq: event.seq.toString(),
    ...(source !== null && { source }),
    tenantId: event.tenantId
  } satisfies Record<Exclude<keyof Hashable, 'source' | 'credentialId'>, unknown>
  return hash('sha256', canonicalOf(members, event.details), 'hex')
}

function canonicalOf(members: { readonly details: object | null }, details: unknown): string {
  if (members.details !== null) {
    const text = JSON.stringify(members)
    // A lone surrogate, perhaps, which canonical JSON has no word for.
    if (!text.includes('\\ud')) return text
  }
  return String(canonicalize({ ...members, details }))
}

/** Members by their names; null: not as plain as what events tell, and for the library to put in order. */
function inOrder(details: unknown): object | null {
  if (typeof details !== 'object' || details === null || Array.isArray(details)) return null
  const entries = Object.entries(details)
  if (!entries.every(([name, value]) => isPlain(name, value))) return null
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Numbers as names come first in an object, wherever they are put. */
function isPlain(name: string, value: unknown): boolean {
  if (/^\d/.test(name) || name === '__proto__') return false
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'boolean' ||
    Number.isFinite(value)
  )
}
