import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { createAuditBuffer } from '../../src/audit/audit-buffer.ts'
import { createClockwork } from '../../src/jobs/clockwork.ts'
import { auditFlush, expirySweep } from '../../src/jobs/jobs.ts'
import { clock, createStoreWorld, type StoreWorld, scopeOf } from '../store/world.ts'

let world: StoreWorld
const tenants = ['ten_a', 'ten_b']
const swept = [
  'login_attempts',
  'sign_in_attempts',
  'sessions',
  'service_tokens',
  'idempotency_keys'
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

describe('the audit flush', () => {
  test('a stop of the clockwork writes what is still held', async () => {
    const buffer = createAuditBuffer(createAudit(world.db, clock))
    await world.keeper.query('DELETE FROM audit_events')
    const clockwork = createClockwork([auditFlush(buffer)], {
      last: ['audit_flush'],
      onFailure: (_, error) => expect.fail(String(error))
    })
    clockwork.start()
    buffer.add(scopeOf('ten_a'), { action: 'endpoint.query', object: ['fabric', 'fab_1'] })
    await clockwork.stop()
    expect(buffer.size).toBe(0)
    expect((await world.keeper.query('SELECT FROM audit_events')).rowCount).toBe(1)
  })
})
