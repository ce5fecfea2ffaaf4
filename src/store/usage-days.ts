import type { Tx } from './db.ts'

/** Sums over calls: bytes of bodies, tokens as far as answers told them, milliseconds. */
export interface UsageSums {
  readonly calls: number
  readonly errors: number
  readonly requestBytes: number
  readonly answerBytes: number
  readonly inputTokens: number
  readonly outputTokens: number
  readonly totalTokens: number
  readonly durationMs: number
  readonly durationMaxMs: number
}

/** What a sum is of; empty: it is not told apart by this, or (`endpoint`) there is none to name. */
export interface UsageKey {
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly endpoint: string
  readonly actorKind: string
  readonly actorId: string
}

export interface UsageQuery {
  readonly fabricId: string
  /** `YYYY-MM-DD`, both included. */
  readonly from: string
  readonly to: string
  /** Only this actor's calls; null: everybody's. */
  readonly actorId: string | null
  readonly byDay: boolean
  readonly byEndpoint: boolean
  readonly byActor: boolean
}

type Summed = { readonly [K in keyof UsageSums]: number | bigint }

/** In the order of their keys, those after `after` only. */
export async function listUsage(
  tx: Tx,
  query: UsageQuery,
  page: { readonly after: UsageKey | null; readonly limit: number }
): Promise<(UsageKey & UsageSums)[]> {
  const { fabricId, from, to, actorId, byDay, byEndpoint, byActor } = query
  const after = page.after ?? { day: '', endpoint: '', actorKind: '', actorId: '' }
  const rows = await tx.rows.$queryRaw<(UsageKey & Summed)[]>`
    SELECT * FROM (
      SELECT CASE WHEN ${byDay} THEN day::text ELSE '' END AS "day",
        CASE WHEN ${byEndpoint} THEN endpoint ELSE '' END AS "endpoint",
        CASE WHEN ${byActor} THEN actor_kind ELSE '' END AS "actorKind",
        CASE WHEN ${byActor} THEN actor_id ELSE '' END AS "actorId",
        sum(calls)::bigint AS "calls", sum(errors)::bigint AS "errors",
        sum(request_bytes)::bigint AS "requestBytes", sum(answer_bytes)::bigint AS "answerBytes",
        sum(input_tokens)::bigint AS "inputTokens", sum(output_tokens)::bigint AS "outputTokens",
        sum(total_tokens)::bigint AS "totalTokens",
        sum(duration_ms) AS "durationMs", max(duration_max_ms) AS "durationMaxMs"
      FROM usage_days
      WHERE tenant_id = ${tx.scope.tenantId} AND fabric_id = ${fabricId}
        AND day BETWEEN ${from}::date AND ${to}::date
        AND (${actorId}::text IS NULL OR actor_id = ${actorId})
      GROUP BY 1, 2, 3, 4) AS sums
    WHERE ${page.after === null}
       OR ("day", "endpoint", "actorKind", "actorId") >
          (${after.day}, ${after.endpoint}, ${after.actorKind}, ${after.actorId})
    ORDER BY "day", "endpoint", "actorKind", "actorId" LIMIT ${page.limit}`
  return rows.map(numbered)
}

/** Of all calls of the range, whoever made them. */
export async function sumUsage(
  tx: Tx,
  query: Pick<UsageQuery, 'fabricId' | 'from' | 'to'>
): Promise<UsageSums> {
  const all = { ...query, actorId: null, byDay: false, byEndpoint: false, byActor: false }
  const [sums] = await listUsage(tx, all, { after: null, limit: 1 })
  return sums ?? nothing
}

/** What people and service accounts are called, by their ids; nothing of those that are no longer there. */
export async function nameActors(tx: Tx, ids: readonly string[]): Promise<Map<string, string>> {
  const { tenantId } = tx.scope
  const people = await tx.rows.membership.findMany({
    where: { tenantId, userId: { in: [...ids] } },
    select: { user: { select: { id: true, name: true } } }
  })
  const accounts = await tx.rows.serviceAccount.findMany({
    where: { tenantId, id: { in: [...ids] } },
    select: { id: true, name: true }
  })
  return new Map([...people.map(({ user }) => user), ...accounts].map(({ id, name }) => [id, name]))
}

/** Deletes the sums of days before `before`. @returns how many rows */
export async function deleteUsageDays(tx: Tx, before: Date): Promise<number> {
  const where = { tenantId: tx.scope.tenantId, day: { lt: before } }
  return (await tx.rows.usageDay.deleteMany({ where })).count
}

const nothing: UsageSums = {
  calls: 0,
  errors: 0,
  requestBytes: 0,
  answerBytes: 0,
  inputTokens: 0,
  outputTokens: 0,
  totalTokens: 0,
  durationMs: 0,
  durationMaxMs: 0
}

function numbered(row: UsageKey & Summed): UsageKey & UsageSums {
  return {
    ...row,
    calls: Number(row.calls),
    errors: Number(row.errors),
    requestBytes: Number(row.requestBytes),
    answerBytes: Number(row.answerBytes),
    inputTokens: Number(row.inputTokens),
    outputTokens: Number(row.outputTokens),
    totalTokens: Number(row.totalTokens),
    durationMs: Number(row.durationMs),
    durationMaxMs: Number(row.durationMaxMs)
  }
}
