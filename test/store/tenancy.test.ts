import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { UniqueViolation } from '../../src/store/db-errors.ts'
import { insertFabric } from '../../src/store/fabrics.ts'
import { Prisma } from '../../src/store/generated/client.ts'
import { findSessionByHash, insertSession } from '../../src/store/sessions.ts'
import { insertTeam } from '../../src/store/teams.ts'
import { listTenantIds, listTenantsOfUser } from '../../src/store/tenants.ts'
import { clock, createStoreWorld, query, type Row, type StoreWorld, scopeOf } from './world.ts'

let world: StoreWorld
let rows: Readonly<Record<'a' | 'b', Readonly<Record<string, Row>>>>
const [a, b] = ['ten_a', 'ten_b']

beforeAll(async () => {
  world = await createStoreWorld()
  rows = { a: await world.seed(a), b: await world.seed(b) }
})
afterAll(() => world.close())

const count = async (sql: string) => Number((await world.keeper.query(sql)).rows[0]?.n)

describe('D7 a transaction that serves tenant B', () => {
  test('every table of tenants holds a row of A and one of B, so that there is something to hide', async () => {
    expect(world.tables.length).toBeGreaterThan(15)
    for (const table of world.tables) {
      expect(
        await count(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = '${a}'`),
        table
      ).toBe(1)
    }
  })

  test('reads no row of A, through any table, by any way', async () => {
    for (const table of world.tables) {
      const seen = await world.db.inTenant(scopeOf(b), (tx) =>
        query<{ tenant_id: string }>(tx, `SELECT tenant_id FROM ${table}`)
      )
      expect(seen, table).toEqual([{ tenant_id: b }])
      const asked = await world.db.inTenant(scopeOf(b), (tx) =>
        query(tx, `SELECT FROM ${table} WHERE tenant_id = '${a}'`)
      )
      expect(asked, table).toEqual([])
    }
  })

  test('changes and deletes no row of A, through any table', async () => {
    for (const table of world.tables) {
      for (const sql of [
        `UPDATE ${table} SET tenant_id = tenant_id WHERE tenant_id = '${a}'`,
        `DELETE FROM ${table} WHERE tenant_id = '${a}'`
      ]) {
        const work = world.db.inTenant(scopeOf(b), (tx) => query(tx, `${sql} RETURNING 1 AS one`))
        expect(await work.catch((error: AppError) => error.note), table).toSatisfy(
          (end) => end === 'database: 42501' || (Array.isArray(end) && end.length === 0)
        )
      }
      expect(
        await count(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = '${a}'`),
        table
      ).toBe(1)
    }
  })

  test('cannot hand its own rows over to A', async () => {
    for (const table of world.tables) {
      const sql = `UPDATE ${table} SET tenant_id = '${a}' WHERE tenant_id = '${b}'`
      const work = world.db.inTenant(scopeOf(b), (tx) => query(tx, sql))
      await expect(work, table).rejects.toThrow()
      expect(
        await count(`SELECT count(*) AS n FROM ${table} WHERE tenant_id = '${b}'`),
        table
      ).toBe(1)
    }
  })
})

describe('D8 without a scope', () => {
  test.each([
    ['nothing presented', {}],
    ['an empty key', { key: '' }],
    ['an empty person', { userId: '' }],
    ['a key that is nobody’s', { key: 'nobody' }],
    ['a pattern', { key: '%' }]
  ])('%s: no row of any table', async (_, lookup) => {
    for (const table of [...world.tables, 'users', 'tenants']) {
      const seen = await world.db.inLookup(lookup, (tx) => query(tx, `SELECT FROM ${table}`))
      expect(seen, table).toEqual([])
    }
  })

  test('a hash opens exactly its own row, in exactly one table', async () => {
    const hash = String(rows.a.sessions?.token_hash)
    for (const table of world.tables) {
      const seen = await world.db.inLookup({ key: hash }, (tx) => query(tx, `SELECT FROM ${table}`))
      expect(seen.length, table).toBe(table === 'sessions' ? 1 : 0)
    }
    for (const near of [hash.slice(0, -1), `${hash} `, hash.toUpperCase(), `${hash}%`]) {
      expect(await findSessionByHash(world.db, near)).toBeNull()
    }
  })

  test('a presented hash reads and does nothing else', async () => {
    const key = String(rows.a.sessions?.token_hash)
    for (const sql of ['DELETE FROM sessions', `UPDATE sessions SET user_agent = 'x'`]) {
      const done = await world.db.inLookup({ key }, (tx) => query(tx, `${sql} RETURNING 1 AS one`))
      expect(done).toEqual([])
    }
  })

  test('plain statements see and do no more than any others', async () => {
    for (const table of [...world.tables, 'users', 'tenants']) {
      const sql = Prisma.sql([`SELECT FROM ${table}`])
      const [asked] = await world.db.askLookup({ key: 'nobody' }, { sql })
      const looked = await world.db.inLookupPlainly({ key: 'nobody' }, (tx) =>
        tx.rows.$queryRaw<unknown[]>(sql)
      )
      expect([asked, looked], table).toEqual([[], []])
    }
    for (const table of world.tables) {
      const sql = Prisma.sql([`SELECT tenant_id FROM ${table}`])
      const own = await world.db.inTenantPlainly(scopeOf(a), (tx) => tx.rows.$queryRaw(sql))
      expect(own, table).toEqual([{ tenant_id: a }])
    }
    const write = Prisma.sql`UPDATE tenants SET name = 'x' RETURNING id`
    await expect(world.db.askLookup({ key: '*' }, { sql: write })).rejects.toThrow()
  })

  test('plain statements of a transaction that fails are undone', async () => {
    const failed = world.db.inTenantPlainly(scopeOf(a), async (tx) => {
      await tx.rows.$queryRaw`UPDATE tenants SET name = 'undone' WHERE id = ${a}`
      await tx.rows.$queryRaw`SELECT 1/0`
    })
    await expect(failed).rejects.toThrow()
    const [tenant] = await world.db.inTenantPlainly(
      scopeOf(a),
      (tx) => tx.rows.$queryRaw<{ name: string }[]>`SELECT name FROM tenants`
    )
    expect(tenant?.name).not.toBe('undone')
  })

  test('the sweep’s star lists ids of tenants and opens no other table', async () => {
    expect(await listTenantIds(world.db)).toEqual([a, b])
    for (const table of [...world.tables, 'users']) {
      const seen = await world.db.inLookup({ key: '*' }, (tx) => query(tx, `SELECT FROM ${table}`))
      expect(seen, table).toEqual([])
    }
  })

  test('a person sees the tenants that they are a member of and no others', async () => {
    const own = await listTenantsOfUser(world.db, String(rows.a.users?.id))
    expect(own.map(({ id }) => id)).toEqual([a])
  })
})

describe('D3 references between tenants', () => {
  test('no foreign key lets a row of B point at a row of A, even past row-level security', async () => {
    const between = world.references.filter(
      ({ table, columns }) => world.tables.includes(table) && columns.length > 1
    )
    expect(between.length).toBeGreaterThan(15)
    await world.keeper.query('BEGIN')
    await world.keeper.query('ALTER TABLE grants DROP CONSTRAINT grants_kind_check')
    await world.keeper.query(
      'ALTER TABLE client_secrets DROP CONSTRAINT client_secrets_owner_check'
    )
    await world.keeper.query('SAVEPOINT before')
    for (const { name, table, columns, target, targetColumns } of between) {
      const pairs = columns.flatMap((column, index) => {
        if (column === 'tenant_id') return []
        return [`${column} = '${rows.a[target]?.[targetColumns[index] ?? '']}'`]
      })
      const sql = `UPDATE ${table} SET ${pairs.join(', ')} WHERE tenant_id = '${b}'`
      await expect(world.keeper.query(sql), name).rejects.toMatchObject({ code: '23503' })
      await world.keeper.query('ROLLBACK TO before')
    }
    await world.keeper.query('ROLLBACK')
  })

  test('a reference to another tenant’s row reads like one to a row that is not there', async () => {
    const insert = (teamId: string) =>
      world.db.inTenant(scopeOf(b), (tx) =>
        insertFabric(tx, {
          id: 'fab_x',
          teamId,
          name: 'n',
          slug: 's',
          description: '',
          kind: 'sql',
          provider: 'databricks',
          workspaceOrigin: 'https://x',
          authMethod: 'oauth',
          appConnectionId: null,
          servicePrincipalUse: 'admins',
          warehouseId: null,
          isServerless: false,
          jobSizes: [],
          isProduction: false,
          clusterId: null,
          httpPath: null,
          catalog: null,
          schema: null,
          connectMs: null,
          firstByteMs: null,
          idleMs: null,
          totalMs: null,
          hasEndpointList: false,
          endpointAllowList: [],
          status: 'draft',
          createdAt: clock.now(),
          updatedAt: clock.now()
        })
      )
    const faults = await Promise.all(
      [String(rows.a.teams?.id), 'team_nowhere'].map((id) => insert(id).catch((error) => error))
    )
    expect(faults[0]).toBeInstanceOf(AppError)
    expect(faults[0].code).toBe('not_found')
    expect(inspect({ ...faults[0] })).toBe(inspect({ ...faults[1] }))
  })
})

describe('D9 what a clash tells', () => {
  const session = (id: string, tokenHash: string) => ({
    id,
    tokenHash,
    userId: String(rows.b.users?.id),
    loginProviderId: 'lgp_x',
    userAgent: '',
    createdAt: clock.now(),
    lastSeenAt: clock.now(),
    idleExpiresAt: clock.now(),
    expiresAt: clock.now(),
    providerSessionHash: null,
    providerSubjectHash: null,
    idTokenSealed: null
  })

  test('the same name in two tenants is no clash', async () => {
    const name = String(rows.a.teams?.name)
    const team = { id: 'team_twin', name, kind: 'shared', createdAt: clock.now() }
    await expect(
      world.db.inTenant(scopeOf(b), (tx) => insertTeam(tx, team))
    ).resolves.toMatchObject({ name })
  })

  test.each(['sessions', 'teams'])(
    'an id of A that B takes for %s: the constraint is named, no value and no tenant is',
    async (table) => {
      const taken = String(rows.a[table]?.id)
      const fault: unknown = await world.db
        .inTenant(scopeOf(b), async (tx) => {
          if (table === 'sessions') return await insertSession(tx, session(taken, 'fresh'))
          const team = { id: taken, name: 'fresh', kind: 'shared', createdAt: clock.now() }
          return await insertTeam(tx, team)
        })
        .catch((error: unknown) => error)
      expect(fault).toBeInstanceOf(UniqueViolation)
      const told = inspect(fault, { depth: 9 })
      expect(told).not.toContain(taken)
      expect(told).not.toContain(a)
    }
  )
})
