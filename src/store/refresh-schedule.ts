import { plusMs } from '../base/clock.ts'
import type { Db, Tx } from './db.ts'
import { Prisma, type RefreshSchedule } from './generated/client.ts'
import { askForTenantIds } from './tenants.ts'

export type RefreshScheduleRow = RefreshSchedule

/** A grant that was taken to be looked at. */
export interface DueGrantRow {
  readonly grantId: string
  readonly workspaceOrigin: string
  /** When it was due. */
  readonly dueAt: Date
}

export function findRefreshSchedule(tx: Tx, grantId: string): Promise<RefreshScheduleRow | null> {
  return tx.rows.refreshSchedule.findFirst({ where: { tenantId: tx.scope.tenantId, grantId } })
}

export interface NextLook {
  readonly grantId: string
  readonly workspaceOrigin: string
  /** Null: not until it is used again. */
  readonly dueAt: Date | null
  readonly now: Date
  /** Whether this is a use of it; a new one counts as used now. */
  readonly isUse: boolean
}

/** When the grant is to be looked at next. */
export async function scheduleRefresh(tx: Tx, next: NextLook): Promise<void> {
  await tx.rows.$executeRaw`
    WITH ${schedulingOf(tx, next, Prisma.sql`true`)} SELECT 1 AS ok`
  await hastenTurn(tx, next)
}

/**
 * The same as parts of a statement (`scheduled`, `first_turn`) that holds under a condition; `hastenTurn` goes with it.
 * The turn is not touched here where it is there: the refreshes of a tenant would wait for each other.
 */
export function schedulingOf(tx: Tx, next: NextLook, condition: Prisma.Sql): Prisma.Sql {
  const { tenantId } = tx.scope
  const { grantId, workspaceOrigin, dueAt, now, isUse } = next
  return Prisma.sql`scheduled AS (
      INSERT INTO refresh_schedule (tenant_id, grant_id, workspace_origin, due_at, used_at)
      SELECT ${tenantId}, ${grantId}, ${workspaceOrigin}, ${dueAt}::timestamptz, ${now}::timestamptz WHERE ${condition}
      ON CONFLICT (tenant_id, grant_id) DO UPDATE SET due_at = EXCLUDED.due_at,
        used_at = CASE WHEN ${isUse} THEN EXCLUDED.used_at ELSE refresh_schedule.used_at END),
    first_turn AS (
      INSERT INTO refresh_turns (id, due_at)
      SELECT ${tenantId}, ${dueAt}::timestamptz WHERE ${dueAt}::timestamptz IS NOT NULL AND ${condition}
      ON CONFLICT DO NOTHING)`
}

/** The tenant's turn comes no later than this. */
export async function hastenTurn(tx: Tx, { dueAt }: Pick<NextLook, 'dueAt'>): Promise<void> {
  if (dueAt === null) return
  const { tenantId } = tx.scope
  await tx.rows.$executeRaw`
    UPDATE refresh_turns SET due_at = ${dueAt} WHERE id = ${tenantId} AND due_at > ${dueAt}`
}

/** The grant need not be looked at before. */
export async function putOffRefresh(tx: Tx, grantId: string, dueAt: Date | null): Promise<void> {
  const where = { tenantId: tx.scope.tenantId, grantId }
  await tx.rows.refreshSchedule.updateMany({ where, data: { dueAt } })
}

/** Notes of use; whoever is being written elsewhere is noted with its next use. */
export async function noteGrantUses(
  tx: Tx,
  grantIds: readonly string[],
  usedAt: Date,
  dueBefore: Date
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.$executeRaw`
    UPDATE refresh_schedule SET used_at = ${usedAt}
     WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM refresh_schedule
        WHERE tenant_id = ${tenantId} AND grant_id = ANY (${grantIds}) AND used_at < ${dueBefore}
          FOR UPDATE SKIP LOCKED))`
}

/** Tenants that have something due, the one that waits longest first. */
export async function listRefreshTurns(db: Db, now: Date, limit: number): Promise<string[]> {
  return await askForTenantIds(
    db,
    Prisma.sql`SELECT id FROM refresh_turns WHERE due_at <= ${now} ORDER BY due_at LIMIT ${limit}`
  )
}

/** A tenant is asked for again so soon at the latest: what was written while it was asked may be missed once. */
const askedAgainMs = 60_000
/** After a portion that was all there was, so that the next is one too. */
const lullMs = 1_000

/**
 * Takes a portion of what is due, host by host, as nobody else's until `until`; a replica that dies with it
 * leaves it to the next. Nothing while another replica is at this tenant.
 * @param perHost of one workspace host at most
 */
export async function takeDueGrants(
  tx: Tx,
  wanted: {
    now: Date
    until: Date
    limit: number
    perHost: number
    exceptOrigins: readonly string[]
  }
): Promise<DueGrantRow[]> {
  const { tenantId } = tx.scope
  const { now, until, limit, perHost, exceptOrigins } = wanted
  const turn = await tx.rows.$queryRaw<unknown[]>`
    SELECT 1 AS ok FROM refresh_turns WHERE id = ${tenantId} AND due_at <= ${now} FOR UPDATE SKIP LOCKED`
  if (turn.length === 0) return []
  const taken = await tx.rows.$queryRaw<DueGrantRow[]>`
    WITH due AS (
      SELECT one.grant_id, one.due_at FROM weft_refresh_hosts() h CROSS JOIN LATERAL (
        SELECT grant_id, due_at FROM refresh_schedule
         WHERE tenant_id = ${tenantId} AND workspace_origin = h.origin AND due_at <= ${now}
         ORDER BY due_at LIMIT ${perHost}::int) one
       WHERE h.origin <> ALL (${exceptOrigins}) ORDER BY one.due_at LIMIT ${limit}::int
    )
    UPDATE refresh_schedule s SET due_at = ${until} FROM due
     WHERE s.tenant_id = ${tenantId} AND s.grant_id = due.grant_id
    RETURNING s.grant_id AS "grantId", s.workspace_origin AS "workspaceOrigin", due.due_at AS "dueAt"`
  const [soonest, latest] = [
    plusMs(now, taken.length === limit ? 0 : lullMs),
    plusMs(now, askedAgainMs)
  ]
  await tx.rows.$executeRaw`
    UPDATE refresh_turns SET due_at = LEAST(${latest}, GREATEST(${soonest}, (
      SELECT min(one.due_at) FROM weft_refresh_hosts() h CROSS JOIN LATERAL (
        SELECT due_at FROM refresh_schedule
         WHERE tenant_id = ${tenantId} AND workspace_origin = h.origin AND due_at IS NOT NULL
         ORDER BY due_at LIMIT 1) one
       WHERE h.origin <> ALL (${exceptOrigins}))))
    WHERE id = ${tenantId}`
  return taken
}
