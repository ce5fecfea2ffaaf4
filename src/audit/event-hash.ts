import { hash } from 'node:crypto'
import canonicalize from 'canonicalize'
import type { AuditEventRow } from '../store/audit-events.ts'

/** Hash of the event before a tenant's first. */
export const chainStart = '0'.repeat(64)

type Hashable = Omit<AuditEventRow, 'hash' | 'details'> & { readonly details: unknown }

/** An event as it is stored. */
export interface SealedEvent {
  readonly hash: string
  /** All its members, the hash too, as one JSON object. */
  readonly json: string
}

export function sealAuditEvent(event: Hashable): SealedEvent {
  const text = canonicalOf(event)
  const sealed = hash('sha256', text, 'hex')
  return { hash: sealed, json: `${text.slice(0, -1)},"hash":"${sealed}"}` }
}

/** SHA-256, hex, over the canonical JSON of the event, its predecessor's hash included. */
export function hashAuditEvent(event: Hashable): string {
  return sealAuditEvent(event).hash
}

/**
 * Canonical JSON (RFC 8785) of the event.
 * Members that came later stand in it only where they hold something, as what is undefined is left out: older
 * events hash as they did.
 */
function canonicalOf(event: Hashable): string {
  const details = inOrder(event.details)
  // In the order that canonical JSON has them in: most events need nothing else to be that.
  const members = {
    action: event.action,
    actorId: event.actorId,
    actorKind: event.actorKind,
    at: event.at.toISOString(),
    code: event.code,
    credentialId: event.credentialId ?? undefined,
    details,
    fabricId: event.fabricId,
    id: event.id,
    objectId: event.objectId,
    objectKind: event.objectKind,
    onBehalfOf: event.onBehalfOf,
    outcome: event.outcome,
    previousHash: event.previousHash,
    requestId: event.requestId,
    seq: event.seq.toString(),
    source: event.source ?? undefined,
    tenantId: event.tenantId
  } satisfies Record<keyof Hashable, unknown>
  if (details !== null) {
    const text = JSON.stringify(members)
    // A lone surrogate, perhaps, which canonical JSON has no word for.
    if (!text.includes('\\ud')) return text
  }
  return String(canonicalize({ ...members, details: event.details }))
}

/** Members by their names; null: not as plain as what events tell, and for the library to put in order. */
function inOrder(details: unknown): object | null {
  if (typeof details !== 'object' || details === null || Array.isArray(details)) return null
  const entries = Object.entries(details)
  let isInOrder = true
  let before = ''
  for (const [name, value] of entries) {
    if (!isPlain(name, value)) return null
    isInOrder &&= before < name
    before = name
  }
  if (isInOrder) return details
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Numbers as names come first in an object, wherever they are put. */
function isPlain(name: string, value: unknown): boolean {
  const first = name.charCodeAt(0)
  if ((first >= 48 && first <= 57) || name === '__proto__') return false
  if (typeof value === 'string' || value === null) return true
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return typeof value === 'boolean' || Number.isFinite(value)
}
