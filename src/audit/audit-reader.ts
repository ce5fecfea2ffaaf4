import { asId, type FabricId } from '../base/ids.ts'
import { type Page, pageOf } from '../base/page.ts'
import type { Actor, TenantScope } from '../base/tenant-scope.ts'
import { type AuditEventRow, listAuditEvents } from '../store/audit-events.ts'
import type { Db } from '../store/db.ts'

/** An event as the tenant's admins read it. */
export interface AuditEventView {
  readonly id: string
  readonly seq: number
  readonly at: Date
  readonly actor: { readonly kind: Actor['kind']; readonly id: string }
  readonly onBehalfOf: string | null
  readonly action: string
  readonly object: { readonly kind: string; readonly id: string }
  readonly fabricId: FabricId | null
  readonly outcome: 'succeeded' | 'refused' | 'failed'
  readonly code: string | null
  readonly requestId: string | null
  /** The address that the request came from. */
  readonly source: string | null
  /** The session, key or token that it came with. */
  readonly credentialId: string | null
  readonly details: Readonly<Record<string, unknown>>
  readonly hash: string
  readonly previousHash: string
}

export interface AuditQuery {
  readonly limit: number
  /** A sequence number, as `nextCursor` gave it. */
  readonly cursor: string | null
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly fabric?: FabricId | undefined
  readonly credential?: string | undefined
  /** From this on, and before that. */
  readonly from?: Date | undefined
  readonly to?: Date | undefined
}

/** The tenant's own events, newest first. */
export interface AuditReader {
  list(scope: TenantScope, query: AuditQuery): Promise<Page<AuditEventView>>
}

export function createAuditReader(db: Db): AuditReader {
  return {
    async list(scope, { limit, cursor, actor, action, fabric, credential, from, to }) {
      const before = cursor === null || !/^\d{1,18}$/.test(cursor) ? null : BigInt(cursor)
      const rows = await db.inTenant(scope, (tx) =>
        listAuditEvents(tx, {
          limit: limit + 1,
          order: 'desc',
          ...(before === null ? {} : { fromSeq: before - 1n }),
          ...(actor === undefined ? {} : { actorId: actor }),
          ...(action === undefined ? {} : { action }),
          ...(fabric === undefined ? {} : { fabricId: fabric }),
          ...(credential === undefined ? {} : { credentialId: credential }),
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to })
        })
      )
      const keyed = rows.map((row) => ({ id: row.seq.toString(), row }))
      return pageOf(keyed, limit, ({ row }) => auditEventView(row))
    }
  }
}

/** A row of the record as it is told. */
export function auditEventView(row: AuditEventRow): AuditEventView {
  return {
    id: row.id,
    seq: Number(row.seq),
    at: row.at,
    actor: { kind: row.actorKind as Actor['kind'], id: row.actorId }, // written by append alone
    onBehalfOf: row.onBehalfOf,
    action: row.action,
    object: { kind: row.objectKind, id: row.objectId },
    fabricId: row.fabricId === null ? null : asId('fabric', row.fabricId),
    outcome: row.outcome as AuditEventView['outcome'], // written by append alone
    code: row.code,
    requestId: row.requestId,
    source: row.source,
    credentialId: row.credentialId,
    details: row.details as Readonly<Record<string, unknown>>, // an object, as append stores it
    hash: row.hash,
    previousHash: row.previousHash
  }
}
