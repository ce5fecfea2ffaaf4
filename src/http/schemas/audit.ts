import { Type } from 'typebox'
import type { FabricId } from '../../base/ids.ts'
import type { Actor, TenantScope } from '../../base/tenant-scope.ts'
import { IdOfKind, Nullable, Strict, Text, Time } from '../route.ts'

/** An event as the audit tells it. */
export interface AuditEventView {
  readonly id: string
  readonly seq: number
  readonly at: Date
  readonly actor: { readonly kind: Actor['kind']; readonly id: string }
  readonly onBehalfOf: string | null
  readonly action: string
  readonly object: { readonly kind: string; readonly id: string }
  readonly fabricId: string | null
  readonly outcome: 'succeeded' | 'refused' | 'failed'
  readonly code: string | null
  readonly requestId: string | null
  readonly details: Readonly<Record<string, unknown>>
  /** SHA-256, hex, of the event and of its predecessor. */
  readonly hash: string
  readonly previousHash: string
}

export interface AuditQuery {
  readonly limit: number
  readonly cursor: string | null
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly fabric?: FabricId | undefined
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/** What the routes need of the audit, newest first. */
export interface AuditReader {
  list(
    scope: TenantScope,
    query: AuditQuery
  ): Promise<{ items: readonly AuditEventView[]; nextCursor: string | null }>
  verify(
    scope: TenantScope
  ): Promise<{ isIntact: boolean; count: number; firstBadSeq: number | null }>
}

export const AuditEvent = Strict(
  {
    id: IdOfKind('auditEvent'),
    seq: Type.Integer(),
    at: Time,
    actor: Strict({
      kind: Type.Enum(['user', 'service_account', 'system'], { type: 'string' }),
      id: Type.String()
    }),
    onBehalfOf: Nullable(Type.String()),
    action: Type.String(),
    object: Strict({ kind: Type.String(), id: Type.String() }),
    fabricId: Nullable(IdOfKind('fabric')),
    outcome: Type.Enum(['succeeded', 'refused', 'failed'], { type: 'string' }),
    code: Nullable(Type.String()),
    requestId: Nullable(Type.String()),
    details: Type.Object({}, { additionalProperties: true }),
    hash: Type.String(),
    previousHash: Type.String()
  },
  { title: 'AuditEvent' }
)

const Moment = (description: string) =>
  Type.String({ format: 'date-time', maxLength: 64, description })

export const AuditFilters = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Text(512)),
  actor: Type.Optional(Text(64, { pattern: '^[a-z0-9_]+$' })),
  action: Type.Optional(Text(64, { pattern: '^[a-z_.]+$' })),
  fabric: Type.Optional(IdOfKind('fabric')),
  from: Type.Optional(Moment('Not before this')),
  to: Type.Optional(Moment('Before this'))
})

export const ChainVerdict = Strict(
  { isIntact: Type.Boolean(), count: Type.Integer(), firstBadSeq: Nullable(Type.Integer()) },
  { title: 'ChainVerdict' }
)
