import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { codeOf, createWorld, personNamed, type World } from './world.ts'

let world: World
let ann: TenantScope
let bob: TenantScope
beforeAll(async () => {
  world = await createWorld()
  const scopeOf = async (name: string) =>
    (await world.callerOf((await world.login(personNamed(name))).sessionToken)).scope
  ann = await scopeOf('ann')
  bob = await scopeOf('bob')
})
afterAll(() => world?.close())

const operation = 'service_key.create'
const body = { name: 'first', nested: { b: 1, a: [1, 2] } }

/** Work that counts its runs. */
function counted<T>(answer: (run: number) => T) {
  let runs = 0
  return {
    runs: () => runs,
    work: async () => {
      runs += 1
      return answer(runs)
    }
  }
}

describe('idempotency keys', () => {
  test('the same key and body: one effect, and the first answer again, Dates as Dates', async () => {
    const at = new Date('2026-01-02T03:04:05.678Z')
    const { work, runs } = counted((run) => ({
      run,
      at,
      none: null,
      missing: undefined,
      list: [{ at }, 'text', 1.5, true],
      date: '2026-01-01',
      secret: 'looks like a mark',
      members: { date: 'looks like one too' }
    }))
    const once = (given: unknown) =>
      world.identity.idempotency.once(ann, { key: 'key-1', operation, body: given }, work)
    const first = await once(body)
    const again = await once({ nested: { a: [1, 2], b: 1 }, name: 'first' })
    expect(runs()).toBe(1)
    expect(again).toEqual(first)
    expect(again.at).toBeInstanceOf(Date)
    const elsewhere = world.replica().identity.idempotency
    expect(await elsewhere.once(ann, { key: 'key-1', operation, body }, work)).toEqual(first)
    expect(runs()).toBe(1)
  })

  test('409 for the same key with another body or another operation', async () => {
    const { work, runs } = counted(() => 'done')
    const { once } = world.identity.idempotency
    const secret = (text: string) => ({ clientSecret: new Secret(text) })
    await once(ann, { key: 'key-2', operation, body: secret('one') }, work)
    const others = [
      { key: 'key-2', operation, body: secret('two') },
      { key: 'key-2', operation, body: {} },
      { key: 'key-2', operation: 'fabric.create', body: secret('one') }
    ]
    for (const call of others) {
      expect(await codeOf(once(ann, call, work))).toBe('idempotency_conflict')
    }
    expect(await once(ann, { key: 'key-2', operation, body: secret('one') }, work)).toBe('done')
    expect(runs()).toBe(1)
  })

  test('ten at once: one effect; the others get its answer or are told that it is under way', async () => {
    const gate = Promise.withResolvers<void>()
    let runs = 0
    const work = async () => {
      runs += 1
      await gate.promise
      return 'done'
    }
    const identities = [world.identity, world.replica().identity]
    const calls = Array.from({ length: 10 }, (_, at) =>
      codeOf(
        (identities[at % 2] ?? world.identity).idempotency.once(
          ann,
          { key: 'key-3', operation, body },
          work
        )
      )
    )
    const settled = Promise.all(calls)
    const losers = calls.map((call) => call.then((code) => code === 'idempotency_conflict'))
    await Promise.any(losers.map(async (lost) => ((await lost) ? true : Promise.reject())))
    gate.resolve()
    const codes = await settled
    expect(runs).toBe(1)
    expect(codes.filter((code) => code === 'no error').length).toBeGreaterThanOrEqual(1)
    expect(new Set(codes)).toEqual(new Set(['no error', 'idempotency_conflict']))
  })

  test('a call that failed frees the key', async () => {
    const { once } = world.identity.idempotency
    const call = { key: 'key-4', operation, body }
    const failing = once(ann, call, () => Promise.reject(new AppError('version_conflict')))
    expect(await codeOf(failing)).toBe('version_conflict')
    expect(await once(ann, call, async () => 'done')).toBe('done')
  })

  test('a key is its principal’s: another one may use the same', async () => {
    const { once } = world.identity.idempotency
    const call = { key: 'key-5', operation, body }
    expect(await once(ann, call, async () => 'ann')).toBe('ann')
    expect(await once(bob, call, async () => 'bob')).toBe('bob')
  })

  test('after 24 hours a key is new again', async () => {
    const { once } = world.identity.idempotency
    const call = { key: 'key-6', operation, body }
    await once(ann, call, async () => 'first')
    world.clock.advance(24 * 3_600_000 - 1000)
    expect(await once(ann, call, async () => 'second')).toBe('first')
    world.clock.advance(1001)
    expect(await once(ann, call, async () => 'second')).toBe('second')
  })

  test('answers and bodies lie sealed, bound to their row', async () => {
    const { once } = world.identity.idempotency
    const call = { key: 'key-7', operation, body: { clientSecret: 'canary-in' } }
    await once(ann, call, async () => ({ key: 'canary-out' }))
    const rows = JSON.stringify(await world.sql('SELECT * FROM idempotency_keys'))
    expect(rows).not.toMatch(/canary/)
    await once(ann, { ...call, key: 'key-8' }, async () => ({ key: 'other' }))
    await world.sql(
      `UPDATE idempotency_keys SET answer_sealed =
         (SELECT answer_sealed FROM idempotency_keys WHERE key = 'key-7') WHERE key = 'key-8'`
    )
    const work = once(ann, { ...call, key: 'key-8' }, async () => ({ key: 'never' }))
    expect(await codeOf(work)).toBe('key_unavailable')
  })
})
