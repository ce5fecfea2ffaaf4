import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { type FaultProxy, startFaultProxy, targetOf, viaPort } from '../support/fault-proxy.ts'
import { createStoreWorld, query, type StoreWorld, scopeOf } from './world.ts'

/** Five are promised to a process that does not watch; a busy machine takes its own time. */
const overloadedWithinMs = 15_000
let world: StoreWorld
let proxy: FaultProxy
let db: Db

beforeAll(async () => {
  world = await createStoreWorld()
  await world.seed('ten_a')
})
afterAll(() => world.close())
beforeEach(async () => {
  proxy = await startFaultProxy(targetOf(world.database.appUrl))
  db = createDb({ url: new Secret(viaPort(world.database.appUrl, proxy.port)), poolMax: 3 })
})
afterEach(async () => {
  await proxy.close()
  await db.close()
})

const read = () => db.inTenant(scopeOf('ten_a'), (tx) => query(tx, 'SELECT id FROM teams'))

async function expectOverloaded(work: Promise<unknown>): Promise<void> {
  const startedMs = performance.now()
  const fault: unknown = await work.then(
    () => null,
    (error: unknown) => error
  )
  expect(performance.now() - startedMs).toBeLessThan(overloadedWithinMs)
  expect(fault).toBeInstanceOf(AppError)
  expect(fault).toMatchObject({ code: 'overloaded', status: 503, owner: 'platform' })
  const { password, username } = new URL(world.database.appUrl)
  const told = inspect(fault, { depth: 9 })
  expect(told).not.toContain(username)
  expect(told).not.toContain(`:${password}@`)
}

describe('H5 the database is away', () => {
  test('nothing listens on its port', async () => {
    await proxy.close()
    await expectOverloaded(read())
    await expectOverloaded(db.ping())
  })

  test('it resets connections, those in the pool included; when it is back, so are we', async () => {
    expect(await read()).toHaveLength(1)
    proxy.mode = { kind: 'refuse' }
    await expectOverloaded(read())
    await expectOverloaded(db.inLookup({ key: 'x' }, (tx) => query(tx, 'SELECT 1')))
    proxy.mode = { kind: 'pass' }
    expect(await read()).toHaveLength(1)
  })

  test('it accepts new connections and says nothing', async () => {
    proxy.mode = { kind: 'drop' }
    await expectOverloaded(read())
  })

  test('it freezes under connections that stand', async () => {
    await Promise.all([read(), read(), read()])
    proxy.pause()
    await Promise.all([
      expectOverloaded(read()),
      expectOverloaded(read()),
      expectOverloaded(read())
    ])
    proxy.resume()
    expect(await read()).toHaveLength(1)
  })

  test('it is cut in the middle of a transaction: nothing of it stays', async () => {
    const stop = proxy.stopAt({ seen: /COMMIT/, hold: 'request' })
    const work = db.inTenant(scopeOf('ten_a'), (tx) =>
      query(tx, `UPDATE teams SET name = 'half' RETURNING 1 AS one`)
    )
    const end = work.catch((error: unknown) => error)
    await stop.reached
    stop.cut()
    expect(await end).toMatchObject({ code: 'overloaded' })
    const { rowCount } = await world.keeper.query(`SELECT FROM teams WHERE name = 'half'`)
    expect(rowCount).toBe(0)
  })

  test('it resets a connection between two statements of a transaction', async () => {
    const work = db.inTenant(scopeOf('ten_a'), async (tx) => {
      await query(tx, 'SELECT 1')
      proxy.mode = { kind: 'refuse' }
      // The driver has heard of it by then, or hears of it from the next statement.
      await new Promise((resolve) => setTimeout(resolve, 100))
      await query(tx, 'SELECT 2')
    })
    await expectOverloaded(work)
  })

  test('every connection is taken: the next caller waits no longer than the pool allows, and is not told of an outage', async () => {
    db.watch()
    const held = Promise.withResolvers<void>()
    const holders = Array.from({ length: 3 }, () =>
      db.inTenant(scopeOf('ten_a'), async (tx) => {
        await query(tx, 'SELECT 1')
        await held.promise
      })
    )
    const ends = Promise.allSettled(holders)
    const crowd = [read(), read(), read()]
    await Promise.all(crowd.map(expectOverloaded))
    await expect(crowd[0]).rejects.toMatchObject({
      detail: expect.stringContaining('Too much waits')
    })
    const { errors } = db.load()
    expect([errors.of('busy'), errors.of('away')]).toEqual([3, 0])
    held.resolve()
    await ends
    expect(await read()).toHaveLength(1)
  })

  test('it ends connections as a stopping server does', async () => {
    await read()
    await world.keeper.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND usename LIKE '%_app'`
    )
    const first: unknown = await read().catch((error: unknown) => error)
    if (first instanceof Error) expect(first).toMatchObject({ code: 'overloaded' })
    expect(await read()).toHaveLength(1)
  })
})
