import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { dueGrants } from '../../src/jobs/jobs.ts'
import { aheadEveryMs } from '../../src/jobs/refresh-ahead.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { noteVitals } from '../../src/store/replicas.ts'
import { listSigningKeys } from '../../src/store/signing-keys.ts'
import { listTenantStandings } from '../../src/store/tenant-standings.ts'
import { createTenantVersions } from '../../src/store/tenant-versions.ts'
import { type StatementCounter, startStatementCounter } from '../bench/statement-counter.ts'
import { clock, createStoreWorld, type StoreWorld } from '../store/world.ts'

let world: StoreWorld
let counter: StatementCounter
let db: Db
const tenants = ['ten_a', 'ten_b']

beforeAll(async () => {
  world = await createStoreWorld()
  for (const tenant of tenants) await world.seed(tenant)
  counter = await startStatementCounter(world.database.appUrl)
  db = createDb({ url: new Secret(counter.url) })
  await listTenantStandings(db)
})
afterAll(async () => {
  await db.close()
  await counter.close()
  await world.close()
})

/** How often it waits for the database. */
async function waitsOf(work: () => Promise<unknown>): Promise<number> {
  const before = counter.roundTrips.length
  await work()
  return counter.roundTrips.length - before
}

test('jobs that look how tenants stand at the same moment wait for one answer, and anew the next time', async () => {
  const versions = createTenantVersions(db, clock)
  const [id] = tenants
  versions.observe(id ?? '', 1)
  const look = () =>
    Promise.all([versions.poll(), listTenantStandings(db), listTenantStandings(db)])
  expect(await waitsOf(look)).toBe(1)
  await world.keeper.query('UPDATE tenants SET version = 7, audit_seq = 9 WHERE id = $1', [id])
  expect(await waitsOf(look)).toBe(1)
  expect(versions.current(id ?? '')).toBe(7)
  const standing = (await listTenantStandings(db)).find((one) => one.id === id)
  expect(standing).toMatchObject({ version: 7, auditSeq: 9n, status: 'active' })
})

test('a reading of them that fails is nobody’s but of those who waited for it', async () => {
  const flaky: Db = { ...db, askLookup: () => Promise.reject(new TypeError('away')) }
  const both = [listTenantStandings(flaky), listTenantStandings(flaky)]
  expect((await Promise.allSettled(both)).map(({ status }) => status)).toEqual([
    'rejected',
    'rejected'
  ])
  Object.assign(flaky, { askLookup: db.askLookup })
  expect(await listTenantStandings(flaky)).toHaveLength(tenants.length)
})

test('where nothing is due, a second’s turns ask once; where something is, each asks', async () => {
  await world.keeper.query('DELETE FROM refresh_turns')
  let ms = 0
  const slow = { now: clock.now, monotonicMs: () => ms }
  const vault = { takeDue: async () => [], renewAhead: async () => 'renewed' as const }
  const due = dueGrants(db, slow, { ...vault, flushUses: async () => undefined })
  const second = async () => {
    for (let turn = 0; turn < 1_000 / aheadEveryMs; turn += 1) {
      await due.tenants(100)
      ms += aheadEveryMs
    }
  }
  expect(await waitsOf(second)).toBe(1)
  expect(await waitsOf(second)).toBe(1)
  const sql = `INSERT INTO refresh_turns (id, due_at) VALUES ($1, now() - interval '1 hour')
    ON CONFLICT (id) DO UPDATE SET due_at = EXCLUDED.due_at`
  await world.keeper.query(sql, [tenants[0]])
  expect(await waitsOf(second)).toBe(1_000 / aheadEveryMs)
  expect(await due.tenants(100)).toEqual([tenants[0]])
})

test('what is asked for every few seconds waits once for its answer', async () => {
  expect(await waitsOf(() => listSigningKeys(db))).toBe(1)
  const vitals = {
    version: '0',
    lacks: null,
    refreshes: [],
    queues: [],
    streams: [],
    callsInFlight: 0,
    breakersOpen: 0,
    loopLateMs: 0
  }
  expect(await waitsOf(() => noteVitals(db, 'nobody', vitals, clock.now()))).toBe(2)
})
