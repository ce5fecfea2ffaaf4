import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Audit } from '../../src/audit/audit.ts'
import {
  createCallWriter,
  type HeldCall,
  sliceMax,
  type WriteCalls
} from '../../src/audit/call-writer.ts'
import { verifyChain } from '../../src/audit/chain.ts'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import { insertCalls } from '../../src/store/call-records.ts'
import { createDb } from '../../src/store/db.ts'
import { listUsage } from '../../src/store/usage-days.ts'
import { type AuditWorld, callNo, createAuditWorld, scopeOf } from './world.ts'

let world: AuditWorld
let write: WriteCalls
const scope = scopeOf('ten_a', 'request-1')

beforeAll(async () => {
  world = await createAuditWorld()
  write = createCallWriter(world.db, world.audit)
  const sql = 'INSERT INTO tenants (id, slug, name, created_at) VALUES ($1, $1, $1, now())'
  await world.sql(sql, ['ten_a'])
})
afterAll(() => world.close())
beforeEach(async () => {
  for (const table of ['audit_events', 'call_records', 'usage_days'])
    await world.sql(`DELETE FROM ${table}`)
})

const held = (seq: number, more: Parameters<typeof callNo>[1] = {}): HeldCall => ({
  scope,
  seq,
  call: callNo(seq, more)
})
const sums = (db = world.db) =>
  db.inTenant(scope, (tx) =>
    listUsage(
      tx,
      {
        fabricId: 'fab_1',
        from: '2026-01-01',
        to: '2026-12-31',
        actorId: null,
        byDay: true,
        byEndpoint: true,
        byActor: true
      },
      { after: null, limit: 100 }
    )
  )

describe('a call', () => {
  test('is stored with who made it, for whom, as whom, and all its measures', async () => {
    const onBehalfOf = asId('user', 'usr_of_ten_a')
    const asPerson = { identity: 'user', onBehalfOf, upstreamRequestId: null } as const
    await write(scope, 'w1', [held(1), held(2, asPerson)])
    const [row, own] = await world.sql('SELECT * FROM call_records ORDER BY seq')
    expect(row).toEqual({
      tenant_id: 'ten_a',
      writer: 'w1',
      seq: '1',
      at: new Date('2026-11-20T12:00:00.000Z'),
      actor_kind: 'user',
      actor_id: 'usr_of_ten_a',
      on_behalf_of: null,
      key_id: null,
      fabric_id: 'fab_1',
      operation: 'serving.invocations',
      endpoint: 'llama',
      identity: 'service_principal',
      grant_id: 'grt_1',
      generation: 3,
      token_source: 'cached',
      outcome: 'succeeded',
      code: null,
      status: 200,
      upstream_status: 200,
      request_id: 'request-1',
      upstream_request_id: 'up-1',
      attempts: 1,
      request_bytes: '10',
      answer_bytes: '100',
      duration_ms: 12.5,
      first_byte_ms: 6.25,
      token_ms: 0.5,
      input_tokens: 7,
      output_tokens: 5,
      total_tokens: 12
    })
    expect(own).toMatchObject({ on_behalf_of: 'usr_of_ten_a', upstream_request_id: null })
  })

  test('is an event of the audit too, of the time at which it came, in the same transaction', async () => {
    await write(scope, 'w1', [held(1)])
    const events = await world.sql('SELECT action, object_id, at, details FROM audit_events')
    expect(events).toEqual([
      {
        action: 'endpoint.query',
        object_id: 'fab_1',
        at: new Date('2026-11-20T12:00:00.000Z'),
        details: {
          operation: 'serving.invocations',
          identity: 'service_principal',
          keyId: null,
          generation: 3,
          upstreamStatus: 200
        }
      }
    ])
    const broken = createCallWriter(world.db, {
      holdChain: async () => ({
        seal() {
          throw new TypeError('no audit')
        }
      })
    })
    await expect(broken(scope, 'w1', [held(2)])).rejects.toThrow('no audit')
    expect(await world.sql('SELECT seq FROM call_records')).toEqual([{ seq: '1' }])
    expect(await sums()).toMatchObject([{ calls: 1 }])
  })

  test('that is written again, since nobody heard that it was, counts once', async () => {
    await write(scope, 'w1', [held(1), held(2)])
    await write(scope, 'w1', [held(1), held(2), held(3)])
    await write(scope, 'w2', [held(1)])
    expect(await sums()).toMatchObject([{ calls: 4, inputTokens: 28 }])
    expect(await verifyChain(world.db, scope)).toMatchObject({ isIntact: true, count: 4 })
  })
})

describe('a heap of calls', () => {
  /** How many records are made ready in each turn of the event loop. */
  function counting(audit: Audit) {
    const made = new Map<number, number>()
    let turn = 0
    let isOver = false
    const nextTurn = () => {
      turn += 1
      if (!isOver) setImmediate(nextTurn)
    }
    nextTurn()
    const end = () => {
      isOver = true
    }
    const counted: Pick<Audit, 'holdChain'> = {
      async holdChain(tx) {
        const chain = await audit.holdChain(tx)
        return {
          seal(events) {
            made.set(turn, (made.get(turn) ?? 0) + events.length)
            return chain.seal(events)
          }
        }
      }
    }
    return { made, counted, end }
  }

  test('of several tenants is made ready in small slices, one for a turn of the event loop', async () => {
    const others = ['ten_s1', 'ten_s2', 'ten_s3'].map((id) => scopeOf(id))
    await world.addTenants(others)
    const { made, counted, end } = counting(world.audit)
    const sliced = createCallWriter(world.db, counted)
    const heap = Array.from({ length: 3 * sliceMax + 5 }, (_, index) => held(index))
    await Promise.all(
      others.map((one) =>
        sliced(
          one,
          'w1',
          heap.map((h) => ({ ...h, scope: one }))
        )
      )
    )
    end()
    const turns = [...made.values()]
    expect(turns).toHaveLength(4 * others.length)
    expect(Math.max(...turns)).toBe(sliceMax)
    for (const one of others)
      expect(await verifyChain(world.db, one)).toMatchObject({ isIntact: true, count: heap.length })
  })

  test('of which a part was written before is written once, in its order', async () => {
    const heap = Array.from({ length: 2 * sliceMax + 3 }, (_, index) => held(index))
    await write(scope, 'w1', heap.slice(0, sliceMax + 1))
    await write(scope, 'w1', heap)
    const events = await world.sql('SELECT object_id FROM audit_events ORDER BY seq')
    expect(events).toEqual(heap.map(({ call }) => ({ object_id: call.subject })))
    expect(await sums()).toMatchObject([{ calls: heap.length }])
  })

  test('whose last part cannot be written is not written at all', async () => {
    const heap = Array.from({ length: 2 * sliceMax }, (_, index) => held(index))
    const bad = held(2 * sliceMax, { endpoint: 'a \0 that no text can hold' })
    await expect(write(scope, 'w1', [...heap, bad])).rejects.toMatchObject({
      code: 'internal'
    })
    expect(await world.sql('SELECT FROM call_records')).toEqual([])
    expect(await world.sql('SELECT FROM audit_events')).toEqual([])
    await write(scope, 'w1', heap)
    expect(await verifyChain(world.db, scope)).toMatchObject({ isIntact: true, count: heap.length })
  })
})

describe('the sums of a day', () => {
  test('tell days of UTC, endpoints and callers apart, and count what did not succeed', async () => {
    const robot = makeTenantScope(
      scope.tenantId,
      { kind: 'service_account', id: asId('serviceAccount', 'sva_1') },
      systemAuthority
    )
    await write(scope, 'w1', [
      held(1, { durationMs: 10 }),
      held(2, { durationMs: 30, outcome: 'failed', inputTokens: null, totalTokens: null }),
      held(3, { at: new Date('2026-11-20T23:59:59.999Z') }),
      held(4, { at: new Date('2026-11-21T00:00:00.000Z') }),
      held(5, { endpoint: null, operation: 'statement.execute' }),
      { ...held(6), scope: robot },
      held(7, { fabricId: null })
    ])
    const found = (await sums()).map(({ day, endpoint, actorId, calls, errors, durationMs }) => [
      [day, endpoint, actorId].join(' '),
      [calls, errors, durationMs]
    ])
    expect(found).toEqual([
      ['2026-11-20 llama sva_1', [1, 0, 12.5]],
      ['2026-11-20 llama usr_of_ten_a', [3, 1, 52.5]],
      ['2026-11-20 statement.execute usr_of_ten_a', [1, 0, 12.5]],
      ['2026-11-21 llama usr_of_ten_a', [1, 0, 12.5]]
    ])
    expect((await sums())[1]).toMatchObject({
      inputTokens: 14,
      outputTokens: 15,
      durationMaxMs: 30
    })
  })

  test('hold no name that no endpoint answered to, so that nobody can make them endless', async () => {
    await write(scope, 'w1', [
      held(1, { endpoint: 'made-up-1', upstreamStatus: 404, outcome: 'failed' }),
      held(2, { endpoint: 'made-up-2', attempts: 0, upstreamStatus: null, outcome: 'refused' }),
      held(3, { endpoint: 'away', upstreamStatus: null, outcome: 'failed' })
    ])
    expect((await sums()).map(({ endpoint, calls }) => [endpoint, calls])).toEqual([
      ['', 2],
      ['away', 1]
    ])
  })

  test('are whole when two replicas write at once', async () => {
    const other = createDb({ url: new Secret(world.database.appUrl), poolMax: 4 })
    const writers = [write, createCallWriter(other, world.audit)]
    const names = ['a', 'b', 'c', 'd']
    const batches = Array.from({ length: 16 }, (_, index) => {
      // Each in an order of its own, as two replicas meet their callers.
      const turned = [...names.slice(index % 4), ...names.slice(0, index % 4)]
      const calls = turned.map((endpoint, at) => held(at, { endpoint }))
      return (writers[index % 2] ?? write)(scope, `w${index}`, calls)
    })
    await Promise.all(batches)
    await other.close()
    expect((await sums()).map(({ calls }) => calls)).toEqual([16, 16, 16, 16])
  })
})

test('D7 a record for another tenant than the transaction serves cannot be stored', async () => {
  const b = scopeOf('ten_b')
  await world.addTenants([b])
  const wrong = world.db.inTenant(b, async (tx) => {
    const chain = await world.audit.holdChain(tx)
    const events = chain.seal([{ action: 'endpoint.query', object: ['endpoint', 'x'] }])
    const own = { ...JSON.parse(events[0] ?? ''), tenantId: scope.tenantId }
    const measures = JSON.stringify({ number: 1, ...callNo(1) })
    await insertCalls({ ...tx, scope }, 'w1', [JSON.stringify(own)], [measures])
  })
  const insufficientPrivilege = '42501'
  await expect(wrong).rejects.toMatchObject({ note: `database: ${insufficientPrivilege}` })
  expect(await world.sql('SELECT FROM call_records')).toEqual([])
})
