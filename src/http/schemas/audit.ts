import type { Static } from 'typebox'
import type { FabricId } from '../../base/ids.ts'
import type { Actor, TenantScope } from '../../base/tenant-scope.ts'
import { Type } from '../json-schema.ts'
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
  /** The address that the request came from. */
  readonly source: string | null
  /** The session, key or token that it came with. */
  readonly credentialId: string | null
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
  readonly credential?: string | undefined
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/** What the routes need of the audit, newest first. */
export interface AuditReader {
  list(
    scope: TenantScope,
    query: AuditQuery
  ): Promise<{ items: readonly AuditEventView[]; nextCursor: string | null }>
  head(scope: TenantScope): Promise<Static<typeof AuditHead>>
  /** @param anchors heads that somebody has kept */
  verify(scope: TenantScope, anchors: readonly string[]): Promise<Static<typeof ChainVerdict>>
}

const eventMembers = {
  id: IdOfKind('auditEvent'),
  seq: Type.Integer(),
  at: Time,
  actor: Strict({
    kind: Type.Enum(['user', 'service_account', 'scim_token', 'system'], { type: 'string' }),
    id: Type.String()
  }),
  onBehalfOf: Nullable(Type.String()),
  action: Type.String(),
  object: Strict({ kind: Type.String(), id: Type.String() }),
  fabricId: Nullable(IdOfKind('fabric')),
  outcome: Type.Enum(['succeeded', 'refused', 'failed'], { type: 'string' }),
  code: Nullable(Type.String()),
  requestId: Nullable(Type.String()),
  source: Nullable(Type.String({ description: 'The address that the request came from' })),
  credentialId: Nullable(
    Type.String({ description: 'The session, key or token that it came with' })
  ),
  details: Type.Object({}, { additionalProperties: true }),
  hash: Type.String(),
  previousHash: Type.String()
}

export const AuditEvent = Strict(eventMembers, { title: 'AuditEvent' })

const Moment = (description: string) =>
  Type.String({ format: 'date-time', maxLength: 64, description })

export const AuditFilters = Strict({
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Text(512)),
  actor: Type.Optional(Text(64, { pattern: '^[a-z0-9_]+$' })),
  action: Type.Optional(Text(64, { pattern: '^[a-z_.]+$' })),
  fabric: Type.Optional(IdOfKind('fabric')),
  credential: Type.Optional(
    Text(64, { pattern: '^[a-z0-9_]+$', description: 'A session, key or token, by its id' })
  ),
  from: Type.Optional(Moment('Not before this')),
  to: Type.Optional(Moment('Before this'))
})

export const AuditHead = Strict(
  {
    tenantId: IdOfKind('tenant'),
    seq: Type.Integer({ description: 'How many records there are' }),
    hash: Type.String({ description: 'Of the last of them' }),
    at: Time,
    jws: Type.String({ description: 'The same, signed by Weft: keep it where Weft cannot write' })
  },
  { title: 'AuditHead' }
)

export const Anchors = Strict({
  anchors: Type.Array(Text(2_048, { pattern: '^eyJ[\\w-]+\\.eyJ[\\w-]+\\.[\\w-]+$' }), {
    minItems: 1,
    maxItems: 100,
    description: 'Heads that were kept, each the `jws` of one'
  })
})

export const LostToken = Strict({
  token: Text(8_192, {
    description: 'A service key, personal, SCIM or service token of Weft; it is not kept'
  })
})

const kinds = ['service_key', 'personal_token', 'scim_token', 'service_token', 'session'] as const
const owners = ['user', 'service_account', 'scim_token'] as const

export const FoundToken = Strict(
  {
    kind: Type.Enum(kinds, { type: 'string' }),
    credentialId: Type.String({
      description: 'By which its uses stand in the record; of a service token: what it was got with'
    }),
    owner: Strict({ kind: Type.Enum(owners, { type: 'string' }), id: Type.String() }),
    issued: Nullable(Strict(eventMembers, { title: 'TokenIssue' })),
    events: Type.Array(AuditEvent, { description: 'The latest of what was done with it' })
  },
  { title: 'FoundToken' }
)

const faults = ['altered', 'missing', 'inserted', 'reordered', 'cut', 'rewritten'] as const

export const ChainVerdict = Strict(
  {
    isIntact: Type.Boolean(),
    count: Type.Integer({ description: 'Records that are shown to be as they were written' }),
    firstBadSeq: Nullable(Type.Integer()),
    fault: Nullable(
      Type.Enum(faults, {
        type: 'string',
        description:
          'What is wrong with it. `cut` and `rewritten` are seen only where heads were kept'
      })
    )
  },
  { title: 'ChainVerdict' }
)
