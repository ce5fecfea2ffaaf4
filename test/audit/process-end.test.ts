import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { FabricId } from '../../src/base/ids.ts'
import { type ReplicaProcess, startReplica } from '../support/replicas.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
let fabricId: FabricId
let session: string
let replica: ReplicaProcess

beforeAll(async () => {
  world = await createVaultWorld()
  fabricId = await world.seedFabric()
  const { userId } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  session = await world.rows.session(world.seeded.tenantId, userId)
})
afterAll(async () => {
  await replica?.stop()
  await world?.close()
})
afterEach(async () => {
  for (const table of ['call_records', 'usage_days', 'audit_events'])
    await world.sql(`DELETE FROM ${table}`)
})

async function start(): Promise<void> {
  replica = await startReplica(world, { env: { WEFT_LOG_LEVEL: 'info' } })
}

/** Asks one after the other. @returns how often */
async function ask(count: number): Promise<number> {
  for (let index = 0; index < count; index += 1) {
    expect((await replica.ask(session, fabricId)).status).toBe(200)
  }
  return count
}

/** How many calls are in the records, in the days' sums and in the audit. */
async function written(): Promise<number[]> {
  const [row] = await world.sql<Record<'records' | 'sums' | 'events', string>>(
    `SELECT (SELECT count(*) FROM call_records) AS records,
            (SELECT coalesce(sum(calls), 0) FROM usage_days) AS sums,
            (SELECT count(*) FROM audit_events WHERE action = 'endpoint.query') AS events`
  )
  return [row?.records, row?.sums, row?.events].map(Number)
}

async function metric(name: string): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${replica.adminPort}/metrics`)
  const line = new RegExp(`^${name} (\\d+)$`, 'm').exec(await answer.text())
  return Number(line?.[1])
}

const insert = /INSERT INTO call_records/

describe('records of calls', { timeout: 60_000 }, () => {
  test('kill -9 loses what came since the last write, and nothing that came before', async () => {
    await start()
    const first = await ask(10)
    await expect.poll(() => written(), { timeout: 10_000 }).toEqual([10, 10, 10])
    const stop = replica.proxy.stopAt({ seen: insert, hold: 'request' })
    const second = await ask(5)
    await stop.reached
    await replica.kill()
    expect(await written()).toEqual([first, first, first])
    expect(second, 'the held write, and what came while it was held').toBe(5)
  })

  test('kill -9 after a commit that nobody was told of loses none of its calls', async () => {
    await start()
    const stop = replica.proxy.stopAt({ seen: insert, hold: 'commit' })
    await ask(1)
    await stop.reached
    await replica.kill()
    expect(await written()).toEqual([1, 1, 1])
  })

  describe('of a process that lives on', () => {
    beforeAll(start)

    test('a commit whose confirmation is lost is written again and counts once', async () => {
      const stop = replica.proxy.stopAt({ seen: insert, hold: 'commit' })
      await ask(1)
      await stop.reached
      stop.cut()
      await ask(2)
      await expect.poll(() => written(), { timeout: 20_000 }).toEqual([3, 3, 3])
      await expect.poll(() => metric('weft_audit_records_waiting'), { timeout: 10_000 }).toBe(0)
      expect(await written()).toEqual([3, 3, 3])
    })

    test('H5 while the database is away they wait and are counted, and are written once it is back', async () => {
      replica.proxy.mode = { kind: 'refuse' }
      await ask(3)
      expect(await metric('weft_audit_records_waiting')).toBe(3)
      expect(await metric('weft_audit_records_dropped_total')).toBe(0)
      replica.proxy.mode = { kind: 'pass' }
      await expect.poll(() => written(), { timeout: 20_000 }).toEqual([3, 3, 3])
    })

    test('H4 SIGTERM loses none, however new they are', async () => {
      await Promise.all(Array.from({ length: 40 }, () => ask(1)))
      expect(await replica.stop()).toBe(0)
      expect(await written()).toEqual([40, 40, 40])
      expect(replica.output()).not.toContain('are lost')
    })
  })
})
