import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Anchors, createAnchors, headsIn } from '../../src/audit/anchors.ts'
import { createAudit } from '../../src/audit/audit.ts'
import { chainStart, hashAuditEvent } from '../../src/audit/event-hash.ts'
import { secondsOf } from '../../src/base/clock.ts'
import { Secret } from '../../src/base/secret.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import { listAuditEvents } from '../../src/store/audit-events.ts'
import { createDb } from '../../src/store/db.ts'
import { createSigningKeys, type SigningKeys } from '../../src/vault/signing-keys.ts'
import { errorOf, testClock } from '../identity/world.ts'
import { promoteKeys } from '../support/promoted-keys.ts'
import { type AuditWorld, createAuditWorld, eventNo, scopeOf } from './world.ts'

/** Somebody outside keeps heads; the database is in the hands of somebody who owns it. */
let world: AuditWorld
let signingKeys: SigningKeys
let anchors: Anchors
const clock = testClock()
const [a, b] = [scopeOf('ten_a'), scopeOf('ten_b')]
const publicUrl = 'https://weft.test'

beforeAll(async () => {
  world = await createAuditWorld()
  const { db } = world
  const key = new Secret(new Uint8Array(Array.from({ length: 32 }, (_, at) => (at * 37) % 251)))
  const keyWrap = createKeyRing([{ kid: 'kek', key }])
  await promoteKeys((text, values) => world.sql(text, values), keyWrap)
  await world.addTenants([a, b])
  signingKeys = createSigningKeys({ db, keyWrap, clock })
  anchors = createAnchors({ db, clock, signer: signingKeys, publicUrl })
})
afterAll(() => world?.close())
beforeEach(async () => {
  await world.sql('DELETE FROM audit_events')
  await grow(10)
  await world.audit.record(b, [eventNo(1), eventNo(2)])
})

const grow = (count: number, from = 1) =>
  world.audit.record(
    a,
    Array.from({ length: count }, (_, index) => eventNo(from + index))
  )
const jws = async () => (await anchors.head(a)).jws
const intact = (count: number) => ({ isIntact: true, count, firstBadSeq: null, fault: null })

/** Makes all hashes anew from a record on, as somebody does who knows how. */
async function recompute(tenant: string, from: number): Promise<void> {
  const rows = await world.db.inTenant(scopeOf(tenant), (tx) =>
    listAuditEvents(tx, { limit: 1_000, order: 'asc' })
  )
  let previousHash = rows.find(({ seq }) => Number(seq) === from - 1)?.hash ?? chainStart
  for (const { hash: _, ...row } of rows.filter(({ seq }) => Number(seq) >= from)) {
    const hash = hashAuditEvent({ ...row, previousHash })
    const values = [tenant, row.seq.toString(), previousHash, hash]
    await world.sql(
      'UPDATE audit_events SET previous_hash = $3, hash = $4 WHERE tenant_id = $1 AND seq = $2',
      values
    )
    previousHash = hash
  }
}

describe('the head of a tenant’s record', () => {
  test('tells its length and last hash, signed as nothing else is', async () => {
    const { tenantId, seq, hash, at, jws: signed } = await anchors.head(a)
    expect({ tenantId, seq }).toEqual({ tenantId: 'ten_a', seq: 10 })
    const iat = secondsOf(at)
    expect(decodeJwt(signed)).toEqual({ iss: publicUrl, sub: 'ten_a', iat, seq: 10, hash })
    const { alg, typ, kid } = decodeProtectedHeader(signed)
    expect([alg, typ]).toEqual(['ES256', 'weft-audit-head+jwt'])
    expect((await signingKeys.published()).keys.map((key) => key.kid)).toContain(kid)
    for (const other of ['at+jwt', 'JWT', 'weft-audit-head+jwt']) {
      expect(await signingKeys.verify(signed, { typ: other, issuer: publicUrl })).toBeNull()
    }
  })

  test('of a tenant with no record is the start of the chain, and holds from then on', async () => {
    await world.sql('DELETE FROM audit_events')
    const { seq, hash, jws: signed } = await anchors.head(a)
    expect([seq, hash]).toEqual([0, chainStart])
    await grow(3)
    expect(await anchors.verify(a, [signed])).toEqual(intact(3))
  })

  test('is found in any text', () => {
    const [one, other] = ['eyJh.eyJi.c-_d', 'eyJx.eyJy.z']
    const text = `{"msg":"audit head","jws":"${one}"}\n${other} ${one}`
    expect(headsIn(text)).toEqual([one, other])
    expect(() => headsIn('nothing')).toThrow()
  })
})

describe('I5 what fits in itself is caught by a head that was kept outside', () => {
  test('an honest record holds against every head that it ever had', async () => {
    const kept = [await jws()]
    await grow(5, 11)
    kept.push(await jws())
    await grow(600, 16)
    expect(await anchors.verify(a, kept)).toEqual(intact(615))
  })

  test('cut: the tail is gone, and the first that is missing is named', async () => {
    const kept = [await jws()]
    await world.sql(`DELETE FROM audit_events WHERE tenant_id = 'ten_a' AND seq > 7`)
    expect(await anchors.verify(a, [])).toEqual(intact(7))
    const cut = { isIntact: false, count: 7, firstBadSeq: 8, fault: 'cut' }
    expect(await anchors.verify(a, kept)).toEqual(cut)
  })

  test('rewritten: a restore to an earlier point, gone on from', async () => {
    await world.sql(`CREATE TABLE earlier AS SELECT * FROM audit_events WHERE tenant_id = 'ten_a'`)
    const early = await jws()
    await grow(4, 11)
    const late = await jws()
    await world.sql(`DELETE FROM audit_events WHERE tenant_id = 'ten_a'`)
    await world.sql('INSERT INTO audit_events SELECT * FROM earlier')
    const cut = { isIntact: false, count: 10, firstBadSeq: 11, fault: 'cut' }
    expect(await anchors.verify(a, [early, late])).toEqual(cut)
    await grow(20, 50)
    expect(await anchors.verify(a, [])).toEqual(intact(30))
    const rewritten = { isIntact: false, count: 10, firstBadSeq: 14, fault: 'rewritten' }
    expect(await anchors.verify(a, [late, early])).toEqual(rewritten)
    await world.sql('DROP TABLE earlier')
  })

  test('rewritten: one record is changed and the whole chain made anew', async () => {
    const early = await jws()
    await grow(10, 11)
    const late = await jws()
    await world.sql(`UPDATE audit_events SET action = 'x' WHERE tenant_id = 'ten_a' AND seq = 13`)
    await recompute('ten_a', 13)
    expect(await anchors.verify(a, [])).toEqual(intact(20))
    const rewritten = { isIntact: false, count: 10, firstBadSeq: 20, fault: 'rewritten' }
    expect(await anchors.verify(a, [early, late])).toEqual(rewritten)
  })

  test('rewritten: two tenants’ chains change places and are made anew', async () => {
    const kept = [await jws()]
    for (const [from, to] of [
      ['ten_a', 'ten_x'],
      ['ten_b', 'ten_a'],
      ['ten_x', 'ten_b']
    ] as const) {
      await world.addTenants(from === 'ten_a' ? [scopeOf('ten_x')] : [])
      await world.sql('UPDATE audit_events SET tenant_id = $2 WHERE tenant_id = $1', [from, to])
    }
    expect(await anchors.verify(a, [])).toMatchObject({ firstBadSeq: 1, fault: 'altered' })
    await recompute('ten_a', 1)
    expect(await anchors.verify(a, kept)).toMatchObject({ firstBadSeq: 3, fault: 'cut' })
    await grow(20)
    expect(await anchors.verify(a, kept)).toMatchObject({ firstBadSeq: 10, fault: 'rewritten' })
  })

  test('what is broken in itself before a head is named as such', async () => {
    const kept = [await jws()]
    await world.sql(`UPDATE audit_events SET action = 'x' WHERE tenant_id = 'ten_a' AND seq = 3`)
    expect(await anchors.verify(a, kept)).toMatchObject({ firstBadSeq: 3, fault: 'altered' })
  })

  test('with 20 writers at it, no head ever fails to hold', async () => {
    const otherDb = createDb({ url: new Secret(world.database.appUrl), poolMax: 10 })
    const replicas = [world.audit, createAudit(otherDb, clock)]
    const kept: string[] = []
    const faults: unknown[] = []
    let isWriting = true
    const writers = Array.from({ length: 20 }, (_, index) =>
      (replicas[index % 2] ?? world.audit).record(a, [eventNo(index)])
    )
    const writing = Promise.allSettled(writers).finally(() => {
      isWriting = false
    })
    while (isWriting && kept.length < 10) {
      kept.push(await jws())
      faults.push((await anchors.verify(a, kept)).fault)
    }
    await writing
    await otherDb.close()
    // On a machine that is busy, one may have waited too long for its turn.
    const [row] = await world.sql<{ n: number }>(
      `SELECT count(*)::int AS n FROM audit_events WHERE tenant_id = 'ten_a'`
    )
    expect(row?.n).toBeGreaterThan(10)
    expect(faults).toEqual(faults.map(() => null))
    expect(await anchors.verify(a, kept)).toEqual(intact(row?.n ?? 0))
  })
})

describe('a head is believed', () => {
  test('long after the turn of the key that signed it, and not once that key was dropped', async () => {
    const kept = await jws()
    const kid = decodeProtectedHeader(kept).kid ?? ''
    for (let days = 0; days < 90; days += 1) {
      clock.advance(24 * 3_600_000)
      await signingKeys.rotate()
    }
    expect((await signingKeys.published()).keys.map((key) => key.kid)).not.toContain(kid)
    expect(await anchors.verify(a, [kept])).toEqual(intact(10))
    const fresh = await jws()
    await signingKeys.drop(decodeProtectedHeader(fresh).kid ?? '')
    expect(await errorOf(anchors.verify(a, [kept, fresh]))).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: '/anchors/1' }]
    })
  })

  test.each<[string, () => Promise<string>, string]>([
    ['of another tenant', async () => (await anchors.head(b)).jws, 'another tenant'],
    [
      'with another number',
      async () => {
        const [head, , signature] = (await jws()).split('.')
        const claims = { ...decodeJwt(await jws()), seq: 1 }
        return [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join(
          '.'
        )
      },
      'no head'
    ],
    [
      'that is a token of Weft’s',
      () => signingKeys.sign('at+jwt', { sub: 'ten_a', seq: 1, hash: 'x' }),
      'no head'
    ],
    [
      'that says nothing',
      () => signingKeys.sign('weft-audit-head+jwt', { sub: 'ten_a' }),
      'number and a hash'
    ]
  ])('400 one %s', async (_, make, words) => {
    const error = await errorOf(anchors.verify(a, [await make()]))
    expect(error?.code).toBe('invalid_request')
    expect(error?.detail).toContain(words)
  })
})
