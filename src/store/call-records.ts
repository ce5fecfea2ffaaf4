import { eventMembers, jsonArray, lengthening, storingEvents } from './audit-events.ts'
import type { PlainTx, Tx } from './db.ts'

/** One call on the data plane as its process notes it; who made it is the writer's to add. */
export interface CallRecord {
  /** When the call came. */
  readonly at: Date
  readonly operation: string
  /** The serving endpoint that was asked, null where it was none. */
  readonly endpoint: string | null
  /** Null: it never came to a fabric that the actor sees. */
  readonly fabricId: string | null
  readonly identity: 'user' | 'service_principal' | null
  readonly keyId: string | null
  readonly grantId: string | null
  readonly generation: number | null
  readonly tokenSource: 'cached' | 'refreshed' | null
  readonly outcome: 'succeeded' | 'refused' | 'failed'
  /** The problem that Weft answered with, or that cut the answer. */
  readonly code: string | null
  /** What the client was answered with; null: it left before. */
  readonly status: number | null
  readonly upstreamStatus: number | null
  readonly upstreamRequestId: string | null
  /** How often something was sent, or was about to be. */
  readonly attempts: number
  readonly requestBytes: number
  readonly answerBytes: number
  readonly durationMs: number
  readonly firstByteMs: number | null
  readonly tokenMs: number | null
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  readonly totalTokens: number | null
}

/** What is stored of a call beside its event in the audit, which says who made it and how it ended. */
export interface CallMeasures extends Omit<CallRecord, 'at' | 'fabricId' | 'outcome' | 'code'> {
  /** Number of the record in the process that writes it. */
  readonly number: number
  /** Whose sign-in was used, or was to be. */
  readonly signInOf: string | null
}

/** Numbers of those of the writer's records that are stored already. */
export async function listStoredCalls(
  tx: PlainTx,
  writer: string,
  { from, to }: { readonly from: number; readonly to: number }
): Promise<ReadonlySet<number>> {
  const rows = await tx.rows.$queryRaw<{ seq: number }[]>`
    SELECT seq::float8 AS seq FROM call_records
     WHERE tenant_id = ${tx.scope.tenantId} AND writer = ${writer} AND seq BETWEEN ${from} AND ${to}`
  return new Set(rows.map(({ seq }) => seq))
}

/**
 * Appends the calls' events to the audit, stores the calls, of which none may be stored yet, and adds them to the
 * days' sums: one statement, whatever their number. Writers of one tenant must wait for one another, or they may
 * deadlock on the sums.
 * @param events as `insertAuditEvents` takes them
 * @param measures of the same calls, in the same order; each a `CallMeasures` as JSON
 */
export async function insertCalls(
  tx: PlainTx,
  writer: string,
  events: readonly string[],
  measures: readonly string[]
): Promise<void> {
  await tx.rows.$queryRaw`
    WITH given AS (
      SELECT * FROM ROWS FROM (
        json_to_recordset(${jsonArray(events)}) AS (${eventMembers}),
        json_to_recordset(${jsonArray(measures)}) AS (
          "number" bigint, "signInOf" text, "keyId" text, "operation" text, "endpoint" text,
          "identity" text, "grantId" text, "generation" int, "tokenSource" text, "status" int,
          "upstreamStatus" int, "upstreamRequestId" text, "attempts" int, "requestBytes" bigint,
          "answerBytes" bigint, "durationMs" float8, "firstByteMs" float8, "tokenMs" float8,
          "inputTokens" int, "outputTokens" int, "totalTokens" int))
    ), appended AS (${storingEvents}
    ), stored AS (
      INSERT INTO call_records (
        tenant_id, writer, seq, at, actor_kind, actor_id, on_behalf_of,
        key_id, fabric_id, operation, endpoint, identity,
        grant_id, generation, token_source, outcome, code,
        status, upstream_status, request_id, upstream_request_id,
        attempts, request_bytes, answer_bytes, duration_ms,
        first_byte_ms, token_ms, input_tokens, output_tokens,
        total_tokens)
      SELECT "tenantId", ${writer}, "number", "at", "actorKind", "actorId", "signInOf",
        "keyId", "fabricId", "operation", "endpoint", "identity",
        "grantId", "generation", "tokenSource", "outcome", "code",
        "status", "upstreamStatus", "requestId", "upstreamRequestId",
        "attempts", "requestBytes", "answerBytes", "durationMs",
        "firstByteMs", "tokenMs", "inputTokens", "outputTokens",
        "totalTokens" FROM given
    ), summed AS (
      INSERT INTO usage_days AS u (
        tenant_id, fabric_id, day, endpoint, actor_kind, actor_id, calls, errors, request_bytes,
        answer_bytes, input_tokens, output_tokens, total_tokens, duration_ms, duration_max_ms)
      SELECT "tenantId", "fabricId", ("at" AT TIME ZONE 'UTC')::date,
        CASE WHEN "endpoint" IS NULL THEN "operation"
             WHEN "attempts" = 0 OR "upstreamStatus" = 404 THEN ''
             ELSE "endpoint" END,
        "actorKind", "actorId", count(*), count(*) FILTER (WHERE "outcome" <> 'succeeded'),
        sum("requestBytes"), sum("answerBytes"), coalesce(sum("inputTokens"), 0),
        coalesce(sum("outputTokens"), 0), coalesce(sum("totalTokens"), 0),
        sum("durationMs"), max("durationMs")
      FROM given WHERE "fabricId" IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
      ON CONFLICT (tenant_id, fabric_id, day, endpoint, actor_kind, actor_id) DO UPDATE SET
        calls = u.calls + excluded.calls,
        errors = u.errors + excluded.errors,
        request_bytes = u.request_bytes + excluded.request_bytes,
        answer_bytes = u.answer_bytes + excluded.answer_bytes,
        input_tokens = u.input_tokens + excluded.input_tokens,
        output_tokens = u.output_tokens + excluded.output_tokens,
        total_tokens = u.total_tokens + excluded.total_tokens,
        duration_ms = u.duration_ms + excluded.duration_ms,
        duration_max_ms = greatest(u.duration_max_ms, excluded.duration_max_ms)
    ) ${lengthening(tx.scope, false)}`
}

/** Deletes the tenant's oldest records that came before `before`. @returns how many, at most `limit` */
export async function deleteCallRecords(tx: Tx, before: Date, limit: number): Promise<number> {
  const { tenantId } = tx.scope
  return await tx.rows.$executeRaw`
    DELETE FROM call_records WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM call_records
       WHERE tenant_id = ${tenantId} AND at < ${before} ORDER BY at LIMIT ${limit}))`
}
