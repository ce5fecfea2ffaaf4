import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { createAuditBuffer } from '../../src/audit/audit-buffer.ts'
import { createCallWriter } from '../../src/audit/call-writer.ts'
import { verifyChain } from '../../src/audit/chain.ts'
import { systemClock } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { createDb } from '../../src/store/db.ts'
import { insertTeam } from '../../src/store/teams.ts'
import { type AuditWorld, callNo, createAuditWorld, eventNo, scopeOf } from './world.ts'

let world: AuditWorld
const [a, b] = [scopeOf('ten_a'), scopeOf('ten_b')]
const clock = systemClock()

beforeAll(async () => {
  world = await createAuditWorld()
  await world.addTenants([a, b])
})
afterAll(() => world.close())
beforeEach(async () => {
  for (const table of ['audit_events', 'call_records', 'usage_days'])
    await world.sql(`DELETE FROM ${table}`)
})

const objectsOf = async (tenant: string) =>
  (
    await world.sql<{ object_id: string }>(
      'SELECT object_id FROM audit_events WHERE tenant_id = $1 ORDER BY seq',
      [tenant]
    )
  ).map(({ object_id }) => object_id)

describe('I5 many writers', () => {
  test('fifty at once, on two replicas and two tenants: no gap, no fork, nothing lost', async () => {
    const otherDb = createDb({ url: new Secret(world.database.appUrl), poolMax: 10 })
    const replicas = [world.audit, createAudit(otherDb, clock)]
    const writers = Array.from({ length: 50 }, (_, index) =>
      (replicas[index % 2] ?? world.audit).record(index % 5 === 0 ? b : a, [
        eventNo(index),
        eventNo(index + 100)
      ])
    )
    await Promise.all(writers)
    expect(await verifyChain(world.db, a)).toMatchObject({ isIntact: true, count: 80 })
    expect(await verifyChain(world.db, b)).toMatchObject({ isIntact: true, count: 20 })
    expect(new Set(await objectsOf('ten_a')).size).toBe(80)
    await otherDb.close()
  })

  test('a writer whose transaction is undone leaves no gap', async () => {
    await world.audit.record(a, [eventNo(1)])
    const undone = world.db.inTenant(a, async (tx) => {
      await world.audit.append(tx, eventNo(2))
      throw new AppError('forbidden')
    })
    await Promise.allSettled([undone, world.audit.record(a, [eventNo(3)])])
    expect(await verifyChain(world.db, a)).toMatchObject({ isIntact: true, count: 2 })
    expect(await objectsOf('ten_a')).toEqual(['fab_1', 'fab_3'])
  })
})

describe('I4 no record, no action', () => {
  const appRole = () => decodeURIComponent(new URL(world.database.appUrl).username)
  afterEach(() => world.sql(`GRANT INSERT ON audit_events TO ${appRole()}`))

  test('where the record cannot be written, what it records does not happen', async () => {
    await world.sql(`REVOKE INSERT ON audit_events FROM ${appRole()}`)
    const team = { id: 'team_1', name: 'n', kind: 'shared', createdAt: clock.now() }
    const work = world.db.inTenant(a, async (tx) => {
      await insertTeam(tx, team)
      await world.audit.append(tx, eventNo(1))
    })
    await expect(work).rejects.toMatchObject({ code: 'internal' })
    expect(await world.sql('SELECT FROM teams')).toEqual([])
  })
})

describe('records of calls that change nothing', () => {
  /** A writer that can be made to fail, and that counts its transactions. */
  function unreliable() {
    const state = { isAway: false, transactions: 0, hold: Promise.resolve() }
    const write = createCallWriter(world.db, world.audit)
    const buffer = createAuditBuffer(async (scope, writer, calls) => {
      await state.hold
      if (state.isAway) throw new AppError('overloaded')
      state.transactions += 1
      await write(scope, writer, calls)
    })
    return { state, buffer }
  }

  test('are written in the order in which they came, tenant by tenant, in batches', async () => {
    const { state, buffer } = unreliable()
    for (let index = 0; index < 900; index += 1) buffer.add(index % 3 === 0 ? b : a, callNo(index))
    expect(buffer.size).toBe(900)
    await buffer.flush()
    expect(buffer.size).toBe(0)
    const wanted = Array.from({ length: 900 }, (_, index) => index)
    const name = (index: number) => `fab_${index}`
    expect(await objectsOf('ten_a')).toEqual(wanted.filter((n) => n % 3 !== 0).map(name))
    expect(await objectsOf('ten_b')).toEqual(wanted.filter((n) => n % 3 === 0).map(name))
    expect(state.transactions).toBe(3)
    expect(await verifyChain(world.db, a)).toMatchObject({ isIntact: true, count: 600 })
  })

  test('keep the request that they belong to', async () => {
    const { buffer } = unreliable()
    for (const request of ['req-00001', 'req-00002'])
      buffer.add(scopeOf('ten_a', request), callNo(1))
    await buffer.flush()
    const rows = await world.sql('SELECT request_id FROM audit_events ORDER BY seq')
    expect(rows).toEqual([{ request_id: 'req-00001' }, { request_id: 'req-00002' }])
  })

  test('stay while the database is away, and are written once it is back, none twice', async () => {
    const { state, buffer } = unreliable()
    for (let index = 0; index < 5; index += 1) buffer.add(a, callNo(index))
    state.isAway = true
    await expect(buffer.flush()).rejects.toMatchObject({ code: 'overloaded' })
    await expect(buffer.flush()).rejects.toMatchObject({ code: 'overloaded' })
    expect(buffer.size).toBe(5)
    buffer.add(a, callNo(5))
    state.isAway = false
    await buffer.flush()
    expect(await objectsOf('ten_a')).toEqual([0, 1, 2, 3, 4, 5].map((n) => `fab_${n}`))
    expect(buffer.dropped).toBe(0)
  })

  test('one tenant that cannot be written does not hold up another', async () => {
    const write = createCallWriter(world.db, world.audit)
    const buffer = createAuditBuffer(async (scope, writer, calls) => {
      if (scope === b) throw new AppError('internal')
      await write(scope, writer, calls)
    })
    buffer.add(b, callNo(1))
    buffer.add(a, callNo(2))
    await expect(buffer.flush()).rejects.toMatchObject({ code: 'internal' })
    expect(await objectsOf('ten_a')).toEqual(['fab_2'])
    expect(buffer.size).toBe(1)
  })

  test('that come while others are being written are written in their turn', async () => {
    const { state, buffer } = unreliable()
    const gate = Promise.withResolvers<void>()
    state.hold = gate.promise
    buffer.add(a, callNo(1))
    const first = buffer.flush()
    buffer.add(a, callNo(2))
    buffer.add(b, callNo(3))
    const second = buffer.flush()
    gate.resolve()
    await Promise.all([first, second])
    expect(buffer.size).toBe(0)
    expect([await objectsOf('ten_a'), await objectsOf('ten_b')]).toEqual([
      ['fab_1', 'fab_2'],
      ['fab_3']
    ])
  })

  test('beyond what memory should hold are counted as dropped', () => {
    const buffer = createAuditBuffer(createCallWriter(world.db, world.audit))
    for (let index = 0; index < 50_003; index += 1) buffer.add(a, callNo(1))
    expect([buffer.size, buffer.dropped]).toEqual([50_000, 3])
  })
})
