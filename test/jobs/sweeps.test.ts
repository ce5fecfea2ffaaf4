import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { createAuditBuffer } from '../../src/audit/audit-buffer.ts'
import { createCallWriter } from '../../src/audit/call-writer.ts'
import { createClockwork } from '../../src/jobs/clockwork.ts'
import { auditFlush, callRecordSweep, expirySweep } from '../../src/jobs/jobs.ts'
import { callNo } from '../audit/world.ts'
import { clock, createStoreWorld, type StoreWorld, scopeOf } from '../store/world.ts'

let world: StoreWorld
const tenants = ['ten_a', 'ten_b']
const swept = [
  'login_attempts',
  'sign_in_attempts',
  'sessions',
  'idempotency_keys',
  'used_assertions'
]

beforeAll(async () => {
  world = await createStoreWorld()
  for (const tenant of tenants) await world.seed(tenant)
})
afterAll(() => world.close())

const counts = async () => {
  const found: Record<string, number> = {}
  for (const table of [...world.tables, 'tenants', 'users']) {
    found[table] = (await world.keeper.query(`SELECT FROM ${table}`)).rowCount ?? 0
  }
  return found
}
const expire = (table: string, ago: string, tenant: string) =>
  world.keeper.query(
    `UPDATE ${table} SET expires_at = now() - interval '${ago}' WHERE tenant_id = $1`,
    [tenant]
  )

describe('the expiry sweep', () => {
  test('keeps what ended less than a day ago, takes what ended before, in every tenant, and nothing else', async () => {
    const before = await counts()
    const sweep = expirySweep(world.db, clock)
    await sweep.run()
    expect(await counts()).toEqual(before)
    for (const table of swept) {
      await expire(table, '25 hours', 'ten_a')
      await expire(table, '23 hours', 'ten_b')
    }
    await sweep.run()
    expect(await counts()).toEqual({
      ...before,
      ...Object.fromEntries(swept.map((table) => [table, 1]))
    })
    for (const table of swept) await expire(table, '25 hours', 'ten_b')
    await sweep.run()
    expect(await counts()).toEqual({
      ...before,
      ...Object.fromEntries(swept.map((table) => [table, 0]))
    })
  })
})

describe('the sweep of call records', () => {
  test('keeps records for 30 days and their sums for 400, in every tenant', async () => {
    const sweep = callRecordSweep(world.db, clock)
    const left = async () => {
      await sweep.run()
      const { call_records, usage_days } = await counts()
      return [call_records, usage_days]
    }
    const age = (table: string, column: string, ago: string, tenant: string) =>
      world.keeper.query(
        `UPDATE ${table} SET ${column} = now() - interval '${ago}' WHERE tenant_id = $1`,
        [tenant]
      )
    await age('call_records', 'at', '29 days', 'ten_a')
    await age('usage_days', 'day', '399 days', 'ten_a')
    expect(await left()).toEqual([2, 2])
    await age('call_records', 'at', '31 days', 'ten_a')
    await age('usage_days', 'day', '402 days', 'ten_a')
    expect(await left()).toEqual([1, 1])
  })

  test('takes many portions in one turn', async () => {
    await world.keeper.query(
      `INSERT INTO call_records (tenant_id, writer, seq, at, actor_kind, actor_id, operation, outcome,
         attempts, request_bytes, answer_bytes, duration_ms)
       SELECT 'ten_a', 'w', n, now() - interval '40 days', 'user', 'u', 'o', 'succeeded', 1, 0, 0, 1
         FROM generate_series(1, 12001) n`
    )
    await callRecordSweep(world.db, clock).run()
    expect((await counts()).call_records).toBe(1)
  })
})

describe('the audit flush', () => {
  test('a stop of the clockwork writes what is still held', async () => {
    const buffer = createAuditBuffer(createCallWriter(world.db, createAudit(world.db, clock)))
    await world.keeper.query('DELETE FROM audit_events')
    const clockwork = createClockwork([auditFlush(buffer)], {
      clock,
      last: ['audit_flush'],
      onFailure: (_, error) => expect.fail(String(error))
    })
    clockwork.start()
    buffer.add(scopeOf('ten_a'), callNo(1))
    await clockwork.stop()
    expect(buffer.size).toBe(0)
    expect((await world.keeper.query('SELECT FROM audit_events')).rowCount).toBe(1)
  })
})
