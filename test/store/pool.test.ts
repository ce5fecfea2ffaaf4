import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { createDb } from '../../src/store/db.ts'
import { Prisma } from '../../src/store/generated/client.ts'
import { tenantVersion } from '../../src/store/tenant-versions.ts'
import { createStoreWorld, query, type StoreWorld, scopeOf } from './world.ts'

let world: StoreWorld
const tenants = Array.from({ length: 10 }, (_, index) => `ten_${index}`)

beforeAll(async () => {
  world = await createStoreWorld(2)
  for (const tenant of tenants) await world.seed(tenant)
})
afterAll(() => world.close())

const settings = `SELECT current_setting('weft.tenant', true) AS tenant,
  current_setting('weft.lookup', true) AS lookup, current_setting('weft.user', true) AS "user"`
const seenBy = (tenant: string) =>
  world.db.inTenant(scopeOf(tenant), (tx) =>
    query<{ tenant_id: string }>(tx, 'SELECT tenant_id FROM teams')
  )

/** How a transaction can end badly, with its scope set. */
const accidents: readonly (readonly [string, (tenant: string) => Promise<unknown>])[] = [
  ['a statement that fails', (tenant) => run(tenant, 'SELECT 1/0')],
  ['a statement that takes too long', (tenant) => run(tenant, slow)],
  [
    'a connection that is cut',
    (tenant) => run(tenant, 'SELECT pg_terminate_backend(pg_backend_pid())')
  ],
  [
    'work that throws',
    (tenant) =>
      world.db.inTenant(scopeOf(tenant), async () => {
        throw new AppError('forbidden')
      })
  ],
  ['a lookup that fails', () => world.db.inLookup({ key: '*' }, (tx) => query(tx, 'SELECT 1/0'))],
  ['a plain statement that fails', (tenant) => runPlainly(tenant, 'SELECT 1/0')],
  [
    'a plain statement whose connection is cut',
    (tenant) => runPlainly(tenant, 'SELECT pg_terminate_backend(pg_backend_pid())')
  ],
  [
    'plain work that throws between its statements',
    (tenant) =>
      world.db.inTenantPlainly(scopeOf(tenant), async (tx) => {
        await query(tx, 'SELECT 1')
        throw new AppError('forbidden')
      })
  ],
  [
    'a plain lookup that fails',
    () => world.db.inLookupPlainly({ key: '*' }, (tx) => query(tx, 'SELECT 1/0'))
  ],
  ['a question that fails', () => world.db.askLookup({ key: '*' }, { sql: Prisma.sql`SELECT 1/0` })]
]
const slow = `SELECT set_config('statement_timeout', '20', true), pg_sleep(5)`
const timeLimit = `SELECT set_config('statement_timeout', '20', true)`

function run(tenant: string, sql: string) {
  return world.db.inTenant(scopeOf(tenant), async (tx) => {
    if (sql === slow) await query(tx, timeLimit)
    return await query(tx, sql)
  })
}

function runPlainly(tenant: string, sql: string) {
  return world.db.inTenantPlainly(scopeOf(tenant), (tx) => query(tx, sql))
}

describe('D8 the scope does not leak through the pool', () => {
  test.each(accidents)(
    'after %s, the next on the same connections serve their own',
    async (_, cause) => {
      for (const tenant of tenants) {
        await expect(cause(tenant)).rejects.toThrow()
        const both = await Promise.all([
          world.db.inLookup({}, (tx) => query(tx, settings)),
          world.db.inLookup({}, (tx) => query(tx, 'SELECT tenant_id FROM teams'))
        ])
        expect(both).toEqual([[{ tenant: '', lookup: '', user: '' }], []])
      }
      const other = tenants[3] ?? ''
      expect(await seenBy(other)).toEqual([{ tenant_id: other }])
    }
  )

  test('1,000 interleaved transactions of ten tenants on two connections, every fifth failing, never cross', async () => {
    const ends = { own: 0, crossed: 0, failed: 0 }
    const callOf = async (index: number): Promise<keyof typeof ends> => {
      const tenant = tenants[index % tenants.length] ?? ''
      if (index % 5 === 4)
        return await run(tenant, 'SELECT 1/0').then(
          () => 'own',
          () => 'failed'
        )
      const rows = await seenBy(tenant)
      return rows.length === 1 && rows[0]?.tenant_id === tenant ? 'own' : 'crossed'
    }
    // So many at once that each gets its connection in time.
    const lanes = Array.from({ length: 40 }, async (_, lane) => {
      for (let index = lane; index < 1_000; index += 40) ends[await callOf(index)] += 1
    })
    await Promise.all(lanes)
    expect(ends).toEqual({ own: 800, crossed: 0, failed: 200 })
  })

  test('work that ends badly leaves nothing written', async () => {
    const tenant = tenants[0] ?? ''
    const work = world.db.inTenant(scopeOf(tenant), async (tx) => {
      await query(tx, `UPDATE teams SET name = 'changed'`)
      throw new AppError('forbidden')
    })
    await expect(work).rejects.toMatchObject({ code: 'forbidden' })
    const { rowCount } = await world.keeper.query(`SELECT FROM teams WHERE name = 'changed'`)
    expect(rowCount).toBe(0)
  })
})

test('questions alone: a connection that ends while nobody uses it harms nothing, and closing closes all', async () => {
  const url = new URL(world.database.appUrl)
  url.searchParams.set('application_name', 'asks-only')
  const db = createDb({ url: new Secret(url.href), poolMax: 2 })
  const tenant = tenants[0] ?? ''
  const ask = () => db.ask(scopeOf(tenant), tenantVersion())
  const endConnections = async () =>
    (
      await world.keeper.query(
        `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'asks-only'`
      )
    ).rowCount
  expect(await ask()).toMatchObject([[{ id: tenant }]])
  expect(await endConnections()).toBe(1)
  await expect.poll(() => db.load().connections.idle).toBe(0)
  expect(await ask()).toMatchObject([[{ id: tenant }]])
  await db.close()
  await expect.poll(endConnections).toBe(0)
})
