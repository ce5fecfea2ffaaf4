import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAuditReader } from '../../src/audit/audit-reader.ts'
import { verifyChain } from '../../src/audit/chain.ts'
import type { ChainFault } from '../../src/audit/chain-fault.ts'
import { chainStart, hashAuditEvent } from '../../src/audit/event-hash.ts'
import { asId } from '../../src/base/ids.ts'
import { type AuditWorld, createAuditWorld, eventNo, scopeOf } from './world.ts'

let world: AuditWorld
const [a, b] = [scopeOf('ten_a'), scopeOf('ten_b')]
const length = 12

beforeAll(async () => {
  world = await createAuditWorld()
  await world.addTenants([a, b, scopeOf('ten_c')])
})
afterAll(() => world.close())
beforeEach(async () => {
  await world.sql('DELETE FROM audit_events')
  for (const scope of [a, b]) {
    await world.audit.record(
      scope,
      Array.from({ length }, (_, index) => eventNo(index + 1))
    )
  }
})

const verify = (scope = a) => verifyChain(world.db, scope)
const broken = (fault: ChainFault, seq: number) => ({
  isIntact: false,
  count: seq - 1,
  firstBadSeq: seq,
  fault
})
/** Frees a number for a moment, so that two rows can change places. */
const move = (from: number, to: number) =>
  world.sql(`UPDATE audit_events SET seq = $2 WHERE tenant_id = 'ten_a' AND seq = $1`, [from, to])

describe('the chain', () => {
  test('begins with its first event, links each to the one before, and verifies', async () => {
    const rows = await world.sql<{ seq: string; hash: string; previous_hash: string }>(
      `SELECT seq, hash, previous_hash FROM audit_events WHERE tenant_id = 'ten_a' ORDER BY seq`
    )
    expect(rows.map(({ seq }) => Number(seq))).toEqual(rows.map((_, index) => index + 1))
    const links = [chainStart, ...rows.map(({ hash }) => hash)]
    expect(rows.map(({ previous_hash }) => previous_hash)).toEqual(links.slice(0, -1))
    expect(await verify()).toEqual({
      isIntact: true,
      count: length,
      firstBadSeq: null,
      fault: null
    })
  })

  test('of a tenant with no event verifies as empty; a long one verifies over its pages', async () => {
    expect(await verify(scopeOf('ten_none'))).toMatchObject({ isIntact: true, count: 0 })
    await world.audit.record(
      a,
      Array.from({ length: 1_000 - length }, (_, index) => eventNo(index))
    )
    expect(await verify()).toMatchObject({ isIntact: true, count: 1_000 })
    await world.sql(`UPDATE audit_events SET action = 'x' WHERE tenant_id = 'ten_a' AND seq = 733`)
    expect(await verify()).toEqual(broken('altered', 733))
  })

  test('holds what JSON and Postgres write differently', async () => {
    const details = { 'ü ☃ 𝌆': '\u2028 "quoted" \\', empty: '', none: null, small: 1e-7, list: [] }
    await world.audit.record(a, [{ ...eventNo(1), details }])
    expect(await verify()).toMatchObject({ isIntact: true, count: length + 1 })
  })
})

describe('I5 tampering by somebody who owns the database', () => {
  const column = (name: string, value: string) =>
    [
      `${name} changed`,
      'altered',
      5,
      `UPDATE audit_events SET ${name} = ${value} WHERE tenant_id = 'ten_a' AND seq = 5`
    ] as const

  test.each<readonly [string, ChainFault, number, string]>([
    column('at', `at + interval '1 millisecond'`),
    column('actor_kind', `'system'`),
    column('actor_id', `'usr_other'`),
    column('on_behalf_of', `'usr_other'`),
    column('action', `'fabric.create'`),
    column('object_kind', `'grant'`),
    column('object_id', `'fab_other'`),
    column('fabric_id', `'fab_other'`),
    column('outcome', `'failed'`),
    column('code', `'forbidden'`),
    column('request_id', `'another-request'`),
    column('details', `details || '{"count": 6}'`),
    column('id', `'aud_other'`),
    column('hash', `repeat('0', 64)`),
    column('previous_hash', `repeat('0', 64)`),
    ['one deleted', 'missing', 5, `DELETE FROM audit_events WHERE tenant_id = 'ten_a' AND seq = 5`],
    [
      'the first deleted',
      'missing',
      1,
      `DELETE FROM audit_events WHERE tenant_id = 'ten_a' AND seq = 1`
    ],
    [
      'one deleted and the gap closed',
      'missing',
      5,
      `DELETE FROM audit_events WHERE tenant_id = 'ten_a' AND seq = 5;
       UPDATE audit_events SET seq = seq - 100 WHERE tenant_id = 'ten_a' AND seq > 5;
       UPDATE audit_events SET seq = seq + 99 WHERE tenant_id = 'ten_a' AND seq < 0`
    ],
    [
      'two tenants’ records swapped',
      'altered',
      5,
      `UPDATE audit_events SET tenant_id = 'ten_c' WHERE tenant_id = 'ten_a' AND seq = 5;
       UPDATE audit_events SET tenant_id = 'ten_a' WHERE tenant_id = 'ten_b' AND seq = 5;
       UPDATE audit_events SET tenant_id = 'ten_b' WHERE tenant_id = 'ten_c'`
    ],
    [
      'one put in before the first',
      'inserted',
      1,
      `INSERT INTO audit_events SELECT (jsonb_populate_record(a, '{"seq": 0, "id": "aud_new"}')).*
         FROM audit_events a WHERE tenant_id = 'ten_a' AND seq = 1`
    ]
  ])('%s: %s, and the verifier names record %i', async (_, fault, seq, sql) => {
    await world.sql(sql)
    expect(await verify()).toEqual(broken(fault, seq))
  })

  test('two records change places: the first of them is named', async () => {
    for (const [from, to] of [
      [4, 900],
      [7, 4],
      [900, 7]
    ] as const)
      await move(from, to)
    expect(await verify()).toEqual(broken('reordered', 4))
  })

  test('one put in in the past, with a right hash of its own: the ones that it pushed on tell', async () => {
    for (let seq = length; seq >= 6; seq -= 1) await move(seq, seq + 1)
    await world.sql(`INSERT INTO audit_events
      SELECT (jsonb_populate_record(a, '{"seq": 6, "id": "aud_new"}')).*
        FROM audit_events a WHERE tenant_id = 'ten_a' AND seq = 5`)
    const [before] = await createAuditReader(world.db)
      .list(a, { limit: 1, cursor: '7' })
      .then(({ items }) => items)
    const row = {
      tenantId: 'ten_a',
      seq: 6n,
      id: 'aud_new',
      at: before?.at ?? new Date(0),
      actorKind: 'user',
      actorId: 'usr_of_ten_a',
      onBehalfOf: null,
      action: 'fabric.update',
      objectKind: 'fabric',
      objectId: 'fab_5',
      fabricId: null,
      outcome: 'succeeded',
      code: null,
      requestId: null,
      source: null,
      credentialId: null,
      details: before?.details ?? {},
      previousHash: await hashAt(5)
    }
    await world.sql(
      `UPDATE audit_events SET hash = $1, previous_hash = $2, at = $3, details = $4
        WHERE tenant_id = 'ten_a' AND seq = 6`,
      [hashAuditEvent(row), row.previousHash, row.at, row.details]
    )
    expect(await verify()).toEqual(broken('inserted', 6))
  })

  test('another tenant’s chain is untouched by all of it', async () => {
    await world.sql(`UPDATE audit_events SET action = 'x' WHERE tenant_id = 'ten_a'`)
    expect(await verify(b)).toMatchObject({ isIntact: true })
  })

  async function hashAt(seq: number): Promise<string> {
    const [row] = await world.sql<{ hash: string }>(
      `SELECT hash FROM audit_events WHERE tenant_id = 'ten_a' AND seq = $1`,
      [seq]
    )
    return row?.hash ?? ''
  }
})

describe('I6 the tenant’s admins read', () => {
  test('their own events only, newest first, page by page, by actor, action and fabric', async () => {
    const reader = createAuditReader(world.db)
    await world.audit.record(a, [{ ...eventNo(99), fabricId: asId('fabric', 'fab_99') }])
    const query = { limit: 5, cursor: null }
    const seen: number[] = []
    for (let cursor: string | null = null; ; ) {
      const page = await reader.list(a, { limit: 5, cursor })
      seen.push(...page.items.map(({ seq }) => seq))
      expect(page.items.every(({ actor }) => actor.id === 'usr_of_ten_a')).toBe(true)
      cursor = page.nextCursor
      if (cursor === null) break
    }
    expect(seen).toEqual(Array.from({ length: length + 1 }, (_, index) => length + 1 - index))
    const fabric = asId('fabric', 'fab_99')
    expect((await reader.list(a, { ...query, fabric })).items).toHaveLength(1)
    expect((await reader.list(a, { ...query, actor: 'usr_of_ten_b' })).items).toEqual([])
    expect((await reader.list(a, { ...query, action: 'login' })).items).toEqual([])
  })

  test('those of a time: from its begin on, and before its end', async () => {
    const reader = createAuditReader(world.db)
    const [newest] = (await reader.list(a, { limit: 1, cursor: null })).items
    const at = newest?.at ?? new Date(0)
    const seqs = async (times: { from?: Date; to?: Date }) =>
      (await reader.list(a, { limit: 200, cursor: null, ...times })).items.map(({ seq }) => seq)
    expect(await seqs({ from: at })).toContain(newest?.seq)
    expect(await seqs({ to: at })).not.toContain(newest?.seq)
    expect(await seqs({ from: new Date(at.getTime() + 1) })).toEqual([])
  })
})
