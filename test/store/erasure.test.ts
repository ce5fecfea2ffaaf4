import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  beginTenantErasure,
  eraseRows,
  findTenantErasure
} from '../../src/store/tenant-erasures.ts'
import { createStoreWorld, query, type Row, type StoreWorld, scopeOf } from './world.ts'

let world: StoreWorld
let rows: Readonly<Record<string, Row>>
const [a, b, c] = ['ten_a', 'ten_b', 'ten_c']
const actor = { kind: 'system', id: 'cli' } as const

beforeAll(async () => {
  world = await createStoreWorld()
  rows = await world.seed(a)
  for (const other of [b, c]) await world.seed(other)
})
afterAll(() => world.close())

const count = async (sql: string) => Number((await world.keeper.query(sql)).rows[0]?.n)
const countOf = (table: string, tenant: string) =>
  count(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = '${tenant}'`)
const begin = (tenant: string) =>
  world.db.inTenant(scopeOf(tenant), (tx) => beginTenantErasure(tx, actor))
const turn = (tenant: string, atMost: number) =>
  world.db.inTenant(scopeOf(tenant), (tx) => eraseRows(tx, atMost))

describe('D13 C12 an erasure', () => {
  test('does nothing to a tenant that nobody has begun to erase', async () => {
    await expect(turn(a, 1)).rejects.toMatchObject({ note: 'database: 42501' })
    await expect(turn('ten_nobody', 1)).rejects.toMatchObject({ note: 'database: 42501' })
    await begin('ten_nobody')
    expect(await findTenantErasure(world.db, 'ten_nobody')).toBeNull()
  })

  test('C12 begins with the keys and the receipt; the rows go row by row, whoever takes turns', async () => {
    await begin(a)
    await begin(a)
    expect(await countOf('data_keys', a)).toBe(0)
    const { rows: tenants } = await world.keeper.query(
      `SELECT status FROM tenants WHERE id = '${a}'`
    )
    expect(tenants).toEqual([{ status: 'erasing' }])
    let turns = 0
    // Two processes at it, one row at a time.
    for (let done = false; !done; turns += 1) {
      done = (await Promise.all([turn(a, 1), turn(a, 1)])).every((isDone) => isDone)
      expect(turns).toBeLessThan(100)
    }
    expect(turns).toBeGreaterThan(world.tables.length / 2 - 1)
    for (const table of world.tables) expect([table, await countOf(table, a)]).toEqual([table, 0])
    expect(await count(`SELECT count(*) AS n FROM tenants WHERE id = '${a}'`)).toBe(0)
  })

  test('leaves a receipt of every table, and the end of the audit trail', async () => {
    const receipt = await findTenantErasure(world.db, a)
    expect(receipt).toMatchObject({ id: a, slug: `slug-${a}`, actorKind: 'system', actorId: 'cli' })
    expect(receipt?.finishedAt).not.toBeNull()
    const others = world.tables.filter((table) => table !== 'audit_events')
    expect(receipt?.rowCounts).toEqual(Object.fromEntries(others.map((table) => [table, 1])))
    expect(receipt?.auditHead).toBe(rows.audit_events?.hash)
    expect(receipt?.auditLength).toBe(1n)
    expect(await turn(a, 1)).toBe(true)
  })

  test('touches no row of another tenant', async () => {
    for (const other of [b, c]) {
      for (const table of world.tables) {
        expect([table, await countOf(table, other)]).toEqual([table, 1])
      }
    }
  })

  test('forgets a person who was a member there alone, and keeps one who is elsewhere', async () => {
    const [only, both] = [rows.users?.id, `usr_both`]
    expect(await count(`SELECT count(*) AS n FROM users WHERE id = '${only}'`)).toBe(0)
    const person = { ...(await userOf(b)), id: both, identity_hash: 'hash-both', subject: 'both' }
    await insert('users', person)
    for (const tenant of [b, c]) {
      await insert('memberships', { ...(await memberOf(b)), tenant_id: tenant, user_id: both })
    }
    await begin(b)
    while (!(await turn(b, 100)));
    expect(await count(`SELECT count(*) AS n FROM users WHERE id = '${both}'`)).toBe(1)
    expect(await count(`SELECT count(*) AS n FROM memberships WHERE user_id = '${both}'`)).toBe(1)
  })

  test('what comes late for an erased tenant is refused by every table', async () => {
    const { rows: late } = await world.keeper.query<Row>('SELECT * FROM audit_events')
    await expect(
      insert('audit_events', { ...late[0], tenant_id: a, id: 'aud_late' })
    ).rejects.toThrow(/foreign key/)
    const { rows: keys } = await world.keeper.query<Row>('SELECT * FROM idempotency_keys')
    await expect(insert('idempotency_keys', { ...keys[0], tenant_id: a })).rejects.toThrow(
      /foreign key/
    )
  })

  const insert = (table: string, row: Row) =>
    world.keeper.query(
      `INSERT INTO ${table} SELECT (jsonb_populate_record(NULL::${table}, $1)).*`,
      [row]
    )
  const userOf = async (tenant: string) =>
    (await world.keeper.query<Row>(`SELECT * FROM users WHERE id LIKE '%${tenant}'`)).rows[0]
  const memberOf = async (tenant: string) =>
    (await world.keeper.query<Row>(`SELECT * FROM memberships WHERE tenant_id = '${tenant}'`))
      .rows[0]
})

describe('I6 the receipts', () => {
  test('a tenant sees its own and no other; nobody without a scope sees any', async () => {
    const receipts = 'SELECT id FROM tenant_erasures'
    const seen = await world.db.inTenant(scopeOf(c), (tx) => query(tx, receipts))
    expect(seen).toEqual([])
    expect(await world.db.inLookup({}, (tx) => query(tx, receipts))).toEqual([])
    const all = await world.db.inLookup({ key: '*' }, (tx) => query(tx, receipts))
    expect(all.length).toBe(2)
  })

  test('a temporary table cannot stand in for a real one in the owner’s functions', async () => {
    const app = new pg.Client({ connectionString: world.database.appUrl })
    await app.connect()
    await app.query(`SELECT set_config('weft.tenant', '${c}', false)`)
    await app.query('CREATE TEMP TABLE tenant_erasures (id text, finished_at timestamptz)')
    await app.query(`INSERT INTO tenant_erasures VALUES ('${c}', NULL)`)
    await expect(app.query('SELECT weft_erase_rows(100)')).rejects.toMatchObject({ code: '42501' })
    await app.end()
  })
})
