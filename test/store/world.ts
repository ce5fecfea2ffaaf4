import type pg from 'pg'
import pgClient from 'pg'
import { systemClock } from '../../src/base/clock.ts'
import { asId, type TenantId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../../src/base/tenant-scope.ts'
import { createDb, type Db, type PlainLookupTx } from '../../src/store/db.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

export const clock = systemClock()

export type Row = Record<string, unknown>

/** A foreign key between tables of tenants, column by column. */
export interface Reference {
  readonly table: string
  readonly name: string
  readonly columns: readonly string[]
  readonly target: string
  readonly targetColumns: readonly string[]
}

export interface StoreWorld {
  readonly database: TestDatabase
  readonly db: Db
  /** As the superuser, whom row-level security does not bind. */
  readonly keeper: pg.Client
  /** Names of the tables that have a tenant. */
  readonly tables: readonly string[]
  readonly references: readonly Reference[]
  /** One row in every table of tenants, each table's row by its name. */
  seed(tenant: string): Promise<Readonly<Record<string, Row>>>
  close(): Promise<void>
}

export async function createStoreWorld(poolMax = 5): Promise<StoreWorld> {
  const database = await createTestDatabase()
  const db = createDb({ url: new Secret(database.appUrl), poolMax })
  const keeper = new pgClient.Client({ connectionString: database.superuserUrl })
  await keeper.connect()
  const { rows: columns } = await keeper.query<Column>(
    `SELECT table_name AS "table", column_name AS name, data_type AS type, is_nullable = 'NO' AS needed
       FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`
  )
  const tables = columns.filter(({ name }) => name === 'tenant_id').map(({ table }) => table)
  const { rows: references } = await keeper.query<Reference>(
    `SELECT conrelid::regclass::text AS "table", conname AS name, confrelid::regclass::text AS target,
            ARRAY(SELECT attname::text FROM unnest(conkey) WITH ORDINALITY k(n, o)
                    JOIN pg_attribute ON attrelid = conrelid AND attnum = n ORDER BY o) AS columns,
            ARRAY(SELECT attname::text FROM unnest(confkey) WITH ORDINALITY k(n, o)
                    JOIN pg_attribute ON attrelid = confrelid AND attnum = n ORDER BY o) AS "targetColumns"
       FROM pg_constraint WHERE contype = 'f'`
  )
  const { rows: words } = await keeper.query<{ table: string; definition: string }>(
    `SELECT conrelid::regclass::text AS "table", pg_get_constraintdef(oid) AS definition
       FROM pg_constraint WHERE contype = 'c'`
  )
  for (const { table, definition } of words) {
    const [, name, first] = /^CHECK \(\((\w+) = ANY \(ARRAY\['(\w+)'/.exec(definition) ?? []
    const column = columns.find((one) => one.table === table && one.name === name)
    if (column !== undefined && first !== undefined) Object.assign(column, { first })
  }
  const insert = async (table: string, row: Row) => {
    const sql = `INSERT INTO ${table} SELECT (jsonb_populate_record(NULL::${table}, $1)).*`
    await keeper.query(sql, [row])
    return row
  }

  return {
    database,
    db,
    keeper,
    tables,
    references,
    async seed(tenant) {
      const rows: Record<string, Row> = {
        tenants: await insert('tenants', {
          ...rowOf(columns, 'tenants', tenant),
          id: tenant,
          slug: `slug-${tenant}`
        }),
        users: await insert('users', rowOf(columns, 'users', tenant))
      }
      // Above the tenants, and pointed at by what they have; not a row of theirs.
      const kek = rowOf(columns, 'key_encryption_keys', tenant)
      rows.key_encryption_keys = await insert('key_encryption_keys', kek)
      const left = new Set(tables)
      for (const table of [...tables, ...tables, ...tables, ...tables]) {
        const own = references.filter((reference) => reference.table === table)
        const isDue = own.every(({ target }) => target === table || rows[target] !== undefined)
        if (!left.has(table) || !isDue) continue
        const row = { ...rowOf(columns, table, tenant), tenant_id: tenant }
        for (const { columns: from, target, targetColumns } of own) {
          from.forEach((column, index) => {
            Object.assign(row, { [column]: rows[target]?.[targetColumns[index] ?? ''] })
          })
        }
        rows[table] = await insert(table, { ...row, ...fixed[table] })
        left.delete(table)
      }
      if (left.size > 0) throw new TypeError(`not seeded: ${[...left].join(', ')}`)
      const { key_encryption_keys: _, ...own } = rows
      return own
    },
    async close() {
      await db.close()
      await keeper.end()
      await database.drop()
    }
  }
}

interface Column {
  readonly table: string
  readonly name: string
  readonly type: string
  readonly needed: boolean
  /** Of the words that a check constraint lets it take. */
  readonly first?: string
}

/** What check constraints ask for that say more than which words a column takes. */
const fixed: Readonly<Record<string, Row>> = {
  grants: { kind: 'user', fabric_id: null },
  client_secrets: { state: 'current', fabric_id: null },
  group_mappings: { role: 'member' }
}

function rowOf(columns: readonly Column[], table: string, tenant: string): Row {
  const own = columns.filter((column) => column.table === table && column.needed)
  return Object.fromEntries(
    own.map(({ name, type, first }) => [name, first ?? sampleOf(type, table, name, tenant)])
  )
}

function sampleOf(type: string, table: string, name: string, tenant: string): unknown {
  if (type === 'ARRAY') return []
  if (type === 'jsonb') return {}
  if (type === 'boolean') return false
  if (type.endsWith('int') || type === 'integer' || type.startsWith('double')) return 1
  if (type === 'date') return '2036-01-01'
  if (type.startsWith('timestamp')) return '2036-01-01T00:00:00Z'
  return `${table}.${name}.${tenant}`
}

export function scopeOf(tenant: string): TenantScope {
  const tenantId: TenantId = asId('tenant', tenant)
  return makeTenantScope(tenantId, { kind: 'system', id: 'test' }, systemAuthority)
}

/** A statement that names tables of the catalogue, which no parameter can. */
export function query<T = Row>(tx: PlainLookupTx, sql: string): Promise<T[]> {
  return tx.rows.$queryRaw<T[]>(Object.assign([sql], { raw: [sql] }))
}
