import { createHash } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts'
import { createStoreWorld, type Row, type StoreWorld } from './world.ts'

/**
 * The store with its own check switched off: plain SQL as the app role, not one statement of which names a
 * tenant, in transactions that say only that they serve B. What holds here, the policies hold alone.
 */
let world: StoreWorld
let bouncer: PgBouncer | null = null
let rows: Readonly<Record<'a' | 'b', Readonly<Record<string, Row>>>>
let relations: readonly string[]
const [a, b] = ['ten_a', 'ten_b']
const program = findPgBouncer()

beforeAll(async () => {
  world = await createStoreWorld()
  rows = { a: await world.seed(a), b: await world.seed(b) }
  for (const { sql } of Object.values(planted)) {
    await world.keeper.query(sql, [a, rows.a.users?.id])
  }
  const { rows: found } = await world.keeper.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name FROM pg_class c
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`
  )
  relations = found.map(({ name }) => name).filter((name) => name !== '_prisma_migrations')
  if (program !== null) bouncer = await startPgBouncer(program, world.database.appUrl)
})
afterAll(async () => {
  await bouncer?.stop()
  await world?.close()
})

/** Rows of A in the platform's tables, where no tenant's seed puts any; and what they are known by. */
const planted: Readonly<Record<string, { readonly key: string; readonly sql: string }>> = {
  // One has been put there for each tenant, whose data key points at it.
  key_encryption_keys: { key: 'kid', sql: 'SELECT $1::text, $2::text' },
  platform_operators: {
    key: 'user_id',
    sql: 'INSERT INTO platform_operators SELECT $2, now(), $1, NULL'
  },
  refresh_turns: {
    key: 'id',
    sql: 'INSERT INTO refresh_turns SELECT $1, now() WHERE $2::text <> $1'
  },
  replicas: {
    key: 'id',
    sql: `INSERT INTO replicas SELECT $1, $2, now(), now(), '', '{}'`
  },
  retired_signing_keys: {
    key: 'kid',
    sql: 'INSERT INTO retired_signing_keys SELECT $1, $2, now()'
  },
  signing_keys: {
    key: 'kid',
    sql: `INSERT INTO signing_keys SELECT $1, $2, '', '', kid, now(), now()
            FROM key_encryption_keys WHERE kid LIKE '%' || $1`
  },
  tenant_erasures: {
    key: 'id',
    sql: `INSERT INTO tenant_erasures (id, slug, actor_kind, actor_id, started_at, row_counts)
          SELECT $1, 'slug-' || $1, 'user', $2, now(), '{}'`
  }
}

const ways = [
  ['directly', () => world.database.appUrl],
  ['through PgBouncer', () => bouncer?.via(world.database.appUrl) ?? '']
] as const

describe.each(ways)('D7 the policies alone, %s', (way, url) => {
  const isSkipped = way !== 'directly' && program === null
  let app: pg.Client
  beforeAll(async () => {
    if (isSkipped) return
    app = new pg.Client({ connectionString: url() })
    await app.connect()
  })
  afterAll(() => app?.end())

  /** One statement in a transaction that serves B and leaves nothing. */
  async function asB(sql: string, values: unknown[] = []): Promise<pg.QueryResult<Row> | string> {
    await app.query('BEGIN')
    try {
      await app.query(`SELECT set_config('weft.tenant', $1, true)`, [b])
      return await app.query<Row>(sql, values)
    } catch (err) {
      if (!(err instanceof pg.DatabaseError)) throw err
      expect(`${err.message} ${err.detail ?? ''} ${err.hint ?? ''}`).not.toContain(a)
      return err.code ?? 'none'
    } finally {
      await app.query('ROLLBACK')
    }
  }

  /** All that A has, as somebody sees who is bound by nothing. */
  async function stateOfA(): Promise<string> {
    const hash = createHash('sha256')
    for (const name of relations) {
      const { rows: found } = await world.keeper.query<{ text: string }>(
        `SELECT to_jsonb(t)::text AS text FROM ${name} t WHERE to_jsonb(t)::text LIKE '%${a}%' ORDER BY 1`
      )
      expect([name, found.length]).toEqual([name, 1])
      hash.update(`${name} ${found.map(({ text }) => text).join()}`)
    }
    return hash.digest('hex')
  }

  test.skipIf(isSkipped)(
    'B sees its own row of each relation and nothing of A’s, however it asks',
    async () => {
      for (const name of relations) {
        const isOfB = rows.b[name] !== undefined
        for (const sql of [
          `SELECT to_jsonb(t)::text AS text FROM ${name} t`,
          `SELECT to_jsonb(t)::text AS text FROM ${name} t WHERE to_jsonb(t)::text LIKE '%${a}%' OR true`,
          `SELECT to_jsonb(t)::text AS text FROM (TABLE ${name} UNION ALL TABLE ${name}) t`,
          `SELECT (SELECT to_jsonb(t)::text FROM ${name} t WHERE to_jsonb(t)::text LIKE '%${a}%') AS text`,
          `SELECT max(to_jsonb(t)::text) AS text, count(*) FROM ${name} t`,
          `SELECT to_jsonb(t)::text AS text FROM ${name} t TABLESAMPLE BERNOULLI (100)`
        ]) {
          const seen = await asB(sql)
          const texts = typeof seen === 'string' ? [] : seen.rows.map(({ text }) => String(text))
          expect([sql, texts.join().includes(a)]).toEqual([sql, false])
        }
        const counted = await asB(`SELECT count(*)::int AS n FROM ${name}`)
        expect([name, counted]).toMatchObject([name, { rows: [{ n: isOfB ? 1 : 0 }] }])
      }
    }
  )

  test.skipIf(isSkipped)(
    'a condition that would fail on a row of A is never asked about it',
    async () => {
      for (const name of relations) {
        const trap = `1 / CASE WHEN to_jsonb(t)::text LIKE '%${a}%' THEN 0 ELSE 1 END = 1`
        const seen = await asB(`SELECT FROM ${name} t WHERE ${trap}`)
        expect([name, typeof seen]).toEqual([name, 'object'])
      }
      await world.keeper.query('ANALYZE')
      const statistics = await asB(`SELECT * FROM pg_stats WHERE schemaname = 'public'
      AND tablename <> '_prisma_migrations'`)
      expect(statistics).toMatchObject({ rows: [] })
    }
  )

  test.skipIf(isSkipped)(
    'B changes, deletes, locks, takes over and copies nothing of A’s',
    async () => {
      const before = await stateOfA()
      for (const name of relations) {
        const key = keyOf(name)
        const copy = `jsonb_populate_record(NULL::${name}, $1)`
        const statements: [string, unknown[]][] = [
          [`UPDATE ${name} SET ${key} = ${key} RETURNING to_jsonb(${name})::text AS text`, []],
          [`DELETE FROM ${name} RETURNING to_jsonb(${name})::text AS text`, []],
          [`SELECT to_jsonb(t)::text AS text FROM ${name} t FOR UPDATE`, []],
          [`MERGE INTO ${name} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE`, []],
          [`TRUNCATE ${name} CASCADE`, []],
          [`INSERT INTO ${name} SELECT (${copy}).*`, [rows.a[name] ?? {}]],
          [`INSERT INTO ${name} SELECT (${copy}).* ON CONFLICT DO NOTHING`, [rows.a[name] ?? {}]],
          [
            `INSERT INTO ${name} SELECT (${copy}).* RETURNING to_jsonb(${name})::text AS text`,
            [{ ...rows.b[name], tenant_id: a }]
          ]
        ]
        for (const [sql, values] of statements) {
          const done = await asB(sql, values)
          const texts = typeof done === 'string' ? [] : done.rows.map(({ text }) => String(text))
          expect([sql, texts.join().includes(a)]).toEqual([sql, false])
          const isInsert = sql.startsWith('INSERT') && typeof done !== 'string'
          expect([sql, isInsert ? done.rowCount : 0]).toEqual([sql, 0])
        }
      }
      expect(await stateOfA()).toBe(before)
    }
  )

  test.skipIf(isSkipped)(
    'no row of B’s is handed to A, and none can point at one of A’s',
    async () => {
      const between = world.references.filter(
        ({ table, columns }) => world.tables.includes(table) && columns.length > 1
      )
      for (const { table, columns, target, targetColumns } of between) {
        const pairs = columns.flatMap((column, index) => {
          const value = rows.a[target]?.[targetColumns[index] ?? '']
          return column === 'tenant_id' ? [] : [`${column} = '${value}'`]
        })
        const refused = await asB(`UPDATE ${table} SET ${pairs.join(', ')}`)
        // Refused by the key, or before it: no right to update, a check, or no row that may be changed.
        expect(['23503', '42501', '23514'], `${table} → ${target}`).toContain(refused)
      }
      for (const table of world.tables) {
        expect([table, await asB(`UPDATE ${table} SET tenant_id = '${a}'`)]).toEqual([
          table,
          '42501'
        ])
      }
    }
  )

  test.skipIf(isSkipped)(
    'no function of the schema serves another tenant than the transaction’s',
    async () => {
      const { rows: functions } = await world.keeper.query<{ call: string; may: boolean }>(
        `SELECT p.proname || '(' || array_to_string(ARRAY(
                SELECT CASE t WHEN 'text'::regtype THEN quote_literal('${a}') ELSE '1000' END
                  FROM unnest(p.proargtypes) t), ', ') || ')' AS call,
              has_function_privilege($1, p.oid, 'EXECUTE') AS may
         FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prokind = 'f'`,
        [decodeURIComponent(new URL(world.database.appUrl).username)]
      )
      expect(functions.length).toBeGreaterThan(5)
      const before = await stateOfA()
      for (const { call, may } of functions) {
        const done = await asB(`SELECT ${call}::text AS text`)
        if (!may) expect([call, done]).toEqual([call, '42501'])
        if (typeof done !== 'string')
          expect([call, JSON.stringify(done.rows)]).toEqual([call, expect.not.stringContaining(a)])
        expect([call, await stateOfA()]).toEqual([call, before])
      }
      // The one that deletes, let run to its end: B is gone, and A has not lost a row.
      await app.query('BEGIN')
      await app.query(`SELECT set_config('weft.tenant', $1, true)`, [b])
      await app.query(`SELECT weft_begin_erasure('user', $1)`, [a])
      for (let isDone = false; !isDone; ) {
        const { rows: turn } = await app.query('SELECT weft_erase_rows(100) AS done')
        isDone = turn[0]?.done
      }
      await app.query('ROLLBACK')
      expect(await stateOfA()).toBe(before)
    }
  )

  test.skipIf(isSkipped)('D9 a clash with a row of A’s tells a code and no value', async () => {
    let clashes = 0
    for (const name of world.tables) {
      const row = rows.b[name] ?? {}
      const keys = ['id', 'hash', 'token_hash', 'state_hash'].filter((key) => key in row)
      for (const key of keys) {
        const copy = { ...row, [key]: rows.a[name]?.[key] }
        const sql = `INSERT INTO ${name} SELECT (jsonb_populate_record(NULL::${name}, $1)).*`
        const end = await asB(sql, [copy])
        // Where the key is unique within a tenant only, there is no clash to tell of; it may point at nothing.
        if (typeof end === 'string') expect(['23505', '23503'], `${name}.${key}`).toContain(end)
        clashes += Number(end === '23505')
      }
    }
    expect(clashes).toBeGreaterThan(10)
  })

  test.skipIf(isSkipped)(
    'D8 what one transaction served, the next on the connection does not',
    async () => {
      await asB('SELECT FROM teams')
      for (const name of relations) {
        const { rowCount } = await app.query(`SELECT FROM ${name}`)
        expect([name, rowCount]).toEqual([name, 0])
      }
    }
  )

  /** A column of its own that every row of the relation has. */
  function keyOf(name: string): string | undefined {
    const columns = Object.keys(rows.a[name] ?? {})
    return planted[name]?.key ?? columns.find((column) => column !== 'tenant_id')
  }
})
