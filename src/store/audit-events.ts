import type { TenantScope } from '../base/tenant-scope.ts'
import type { PlainTx, Tx } from './db.ts'
import { type AuditEvent, Prisma } from './generated/client.ts'

export type AuditEventRow = AuditEvent

/**
 * Makes appends to the tenant's chain wait for one another until the transaction ends.
 * @returns the newest event
 */
export async function lockAuditChain(tx: PlainTx): Promise<{ seq: bigint; hash: string } | null> {
  const [latest] = await tx.rows.$queryRaw<{ seq: string; hash: string }[]>`
    SELECT seq::text AS seq, hash FROM weft_lock_audit_chain()`
  return latest === undefined ? null : { seq: BigInt(latest.seq), hash: latest.hash }
}

export function latestAuditEvent(tx: Tx): Promise<{ seq: bigint; hash: string } | null> {
  return tx.rows.auditEvent.findFirst({
    where: { tenantId: tx.scope.tenantId },
    orderBy: { seq: 'desc' },
    select: { seq: true, hash: true }
  })
}

/** Those that say they follow the event of this hash. */
export function findLinkedAuditEvents(tx: Tx, previousHash: string): Promise<AuditEventRow[]> {
  return tx.rows.auditEvent.findMany({
    where: { tenantId: tx.scope.tenantId, previousHash },
    orderBy: { seq: 'asc' },
    take: 10
  })
}

/** The event that says a token was issued, by what it says of it. */
export function findIssueOfToken(
  tx: Tx,
  by: 'tokenMark' | 'tokenId',
  value: string
): Promise<AuditEventRow | null> {
  const actions = ['service_key.create', 'personal_token.create', 'scim_token.create']
  return tx.rows.auditEvent.findFirst({
    where: {
      tenantId: tx.scope.tenantId,
      action: by === 'tokenId' ? 'service_token.issue' : { in: actions },
      details: { path: [by], equals: value }
    },
    orderBy: { seq: 'desc' }
  })
}

/** What an event's JSON has, as `AuditEventRow` names it, for a list of columns; null may be left out. */
export const eventMembers = Prisma.sql`
  "tenantId" text, "seq" bigint, "id" text, "at" timestamptz, "actorKind" text, "actorId" text,
  "onBehalfOf" text, "action" text, "objectKind" text, "objectId" text,
  "fabricId" text, "outcome" text, "code" text, "requestId" text, "source" text,
  "credentialId" text, "details" jsonb, "previousHash" text, "hash" text`

/** Stores the events of `given`, whose columns are `eventMembers` and perhaps more. */
export const storingEvents = Prisma.sql`
  INSERT INTO audit_events (
    tenant_id, seq, id, at, actor_kind, actor_id, on_behalf_of, action, object_kind, object_id,
    fabric_id, outcome, code, request_id, source, credential_id, details, previous_hash, hash)
  SELECT "tenantId", "seq", "id", "at", "actorKind", "actorId", "onBehalfOf", "action",
    "objectKind", "objectId", "fabricId", "outcome", "code", "requestId", "source",
    "credentialId", "details", "previousHash", "hash" FROM given
  RETURNING seq`

/** Tells whoever waits for it how long the tenant's record is once `appended` is stored. */
export function lengthening({ tenantId }: TenantScope, isChange: boolean): Prisma.Sql {
  return Prisma.sql`
    UPDATE tenants SET audit_seq = (SELECT max(seq) FROM appended),
      version = version + ${isChange ? 1 : 0}::int
     WHERE id = ${tenantId} RETURNING version`
}

/** Several JSON texts as one array: one parameter, as one for each value would cost many times the work. */
export function jsonArray(texts: readonly string[]): Prisma.Sql {
  return Prisma.sql`${`[${texts.join(',')}]`}::json`
}

/**
 * Appends them, and tells whoever waits for it how long the record is from now on; with `isChange` as
 * `bumpTenantVersion` does.
 * @param events each as a JSON object of `eventMembers`
 */
export async function insertAuditEvents(
  tx: PlainTx,
  events: readonly string[],
  isChange: boolean
): Promise<void> {
  const [tenant] = await tx.rows.$queryRaw<{ version: number }[]>`
    WITH given AS (SELECT * FROM json_to_recordset(${jsonArray(events)}) AS r (${eventMembers})),
      appended AS (${storingEvents})
    ${lengthening(tx.scope, isChange)}`
  if (tenant !== undefined && isChange) tx.noteChange(tenant.version)
}

export interface AuditPage {
  /** First sequence number wanted (asc), or last (desc). */
  readonly fromSeq?: bigint
  readonly limit: number
  readonly order: 'asc' | 'desc'
  readonly actorId?: string
  readonly action?: string
  readonly fabricId?: string
  readonly credentialId?: string
  /** From this on, and before that. */
  readonly from?: Date
  readonly to?: Date
}

export function listAuditEvents(tx: Tx, page: AuditPage): Promise<AuditEventRow[]> {
  const { from, to } = page
  const bound = page.order === 'asc' ? 'gte' : 'lte'
  return tx.rows.auditEvent.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(page.fromSeq === undefined ? {} : { seq: { [bound]: page.fromSeq } }),
      ...(page.actorId === undefined ? {} : { actorId: page.actorId }),
      ...(page.action === undefined ? {} : { action: page.action }),
      ...(page.fabricId === undefined ? {} : { fabricId: page.fabricId }),
      ...(page.credentialId === undefined ? {} : { credentialId: page.credentialId }),
      ...((from ?? to) && { at: { ...(from && { gte: from }), ...(to && { lt: to }) } })
    },
    orderBy: { seq: page.order },
    take: page.limit
  })
}
