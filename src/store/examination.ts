import pg from 'pg'
import type { Clock } from '../base/clock.ts'
import type { Secret } from '../base/secret.ts'
import { connectionStringOf } from './connection.ts'
import { missingMigrations } from './migrations.ts'
import { roleFaults } from './roles.ts'

/** What one look at the database found; empty lists are good. */
export interface DatabaseExamination {
  /** Such as 18.1. */
  readonly version: string
  /** 180001 is 18.1. */
  readonly versionNumber: number
  /** How far the database's clock is ahead of this machine's. */
  readonly skewMs: number
  readonly roundTripMs: number
  readonly isReadOnly: boolean
  readonly connections: { readonly used: number; readonly max: number }
  readonly role: readonly string[]
  readonly missingMigrations: readonly string[]
  /** Tables whose rows no policy guards, as the role that is logged in sees them. */
  readonly unguardedTables: readonly string[]
  /** What the role may do to the audit trail beyond reading and adding. */
  readonly auditRights: readonly string[]
}

/** Why a look was not possible. */
export interface DatabaseAway {
  /** Of Postgres (SQLSTATE) or of the operating system, such as `28P01` and `ECONNREFUSED`. */
  readonly fault: string
}

const timeoutMs = 5_000

/** On a connection of its own, as the app role; writes nothing. */
export async function examineDatabase(
  url: Secret,
  clock: Clock
): Promise<DatabaseExamination | DatabaseAway> {
  const client = new pg.Client({
    connectionString: connectionStringOf(url),
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs
  })
  client.on('error', () => undefined) // the next query tells of it
  try {
    await client.connect()
    return await examine(client, clock)
  } catch (error) {
    return { fault: faultOf(error) }
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function examine(client: pg.Client, clock: Clock): Promise<DatabaseExamination> {
  const query = async <Row extends pg.QueryResultRow>(sql: string) =>
    (await client.query<Row>(sql)).rows
  const [startedMs, startedAt] = [clock.monotonicMs(), clock.now()]
  const [there] = await query<{ now: Date }>('SELECT clock_timestamp() AS now')
  const roundTripMs = clock.monotonicMs() - startedMs
  const hereMs = startedAt.getTime() + roundTripMs / 2
  const [server] = await query<{
    version: string
    number: number
    read_only: boolean
    used: number
    max: number
  }>(
    `SELECT current_setting('server_version') AS version,
            current_setting('server_version_num')::int AS number,
            pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only,
            (SELECT sum(numbackends)::int FROM pg_stat_database) AS used,
            current_setting('max_connections')::int AS max`
  )
  const tables = await query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND n.nspname = 'public' AND c.relname <> '_prisma_migrations'
        AND NOT (c.relrowsecurity AND c.relforcerowsecurity
                 AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid))
      ORDER BY 1`
  )
  const rights = await query<{ name: string }>(
    `SELECT kind AS name FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS kind
      WHERE has_table_privilege(to_regclass('public.audit_events'), kind)`
  )
  const missing = await missingMigrations(query)
  return {
    version: server?.version ?? '',
    versionNumber: server?.number ?? 0,
    skewMs: (there?.now.getTime() ?? hereMs) - hereMs,
    roundTripMs,
    isReadOnly: server?.read_only === true,
    connections: { used: server?.used ?? 0, max: server?.max ?? 0 },
    role: await roleFaults(query),
    missingMigrations: missing,
    unguardedTables: tables.map(({ name }) => name),
    auditRights: rights.map(({ name }) => name)
  }
}

function faultOf(error: unknown): string {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error
  return hasCode && typeof error.code === 'string' ? error.code : 'ETIMEDOUT'
}
