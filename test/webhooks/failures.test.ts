import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { retryAfterMs, retryDelayMs } from '../../src/webhooks/retry.ts'
import { type Behaviour, status } from './receiver.ts'
import { createWebhookWorld, type WebhookWorld } from './world.ts'

let it: WebhookWorld

beforeEach(async () => {
  it = await createWebhookWorld()
})
afterEach(() => it.close())

const hourMs = 60 * 60_000
const seqs = () => it.receiver.received.map(({ seq }) => seq)
const get = (id: Parameters<WebhookWorld['webhooks']['get']>[1]) =>
  it.webhooks.get(it.world.scope, id)

const ways: Readonly<Record<string, readonly [Behaviour, string]>> = {
  'answers 500': [status(500), 'not_2xx'],
  'answers 404': [status(404), 'not_2xx'],
  'leads elsewhere': [status(307, { location: 'http://127.0.0.1:1/elsewhere' }), 'redirect'],
  'answers without end': [
    (answer) => {
      answer.writeHead(200)
      for (let kib = 0; kib < 128; kib += 1) answer.write(randomBytes(1_024))
    },
    'bad_answer'
  ],
  'packs its answer': [
    (answer) => void answer.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
    'bad_answer'
  ],
  'hangs up': [(_answer, request) => void request.socket.destroy(), 'bad_answer'],
  'hangs up in the middle': [
    (answer) => {
      answer.writeHead(200, { 'content-length': '10' }).write('half')
      setImmediate(() => answer.destroy())
    },
    'bad_answer'
  ]
}

describe('a receiver that', () => {
  test.each(Object.entries(ways))(
    '%s is asked again with the same message, and then told the rest in order',
    async (_name, [behave, error]) => {
      const { id } = await it.hook()
      await it.happen(4)
      it.receiver.next.push((answer) => void answer.writeHead(200).end(), behave)
      await it.tell()
      expect(seqs()).toEqual([2, 3])
      const failing = await get(id)
      expect(failing).toMatchObject({ status: 'failing', lastError: error, failures: 1 })
      expect(failing.nextTryAt?.getTime()).toBeGreaterThan(it.world.clock.now().getTime())
      it.world.clock.advance(hourMs)
      await it.tell()
      expect(seqs()).toEqual([2, 3, 3, 4, 5])
      const [, once, again] = it.receiver.received
      expect(again?.headers['webhook-id']).toBe(once?.headers['webhook-id'])
      expect(again?.body).toBe(once?.body)
      expect(await get(id)).toMatchObject({ status: 'active', failures: 0, lastError: null })
      const { items } = await it.webhooks.deliveries(it.world.scope, id, { limit: 9, cursor: null })
      expect(items.map(({ attempt, error: told }) => [attempt, told])).toEqual([
        [1, null],
        [1, null],
        [2, null],
        [1, error],
        [1, null]
      ])
    }
  )

  test('takes connections and says nothing is given up on in time', async () => {
    const { id } = await it.hook()
    await it.happen(1)
    it.receiver.next.push(() => undefined)
    await it.courier.turn()
    await it.receiver.arrived(1)
    it.world.clock.advance(11_000)
    await it.courier.settle()
    expect(await get(id)).toMatchObject({ status: 'failing', lastError: 'timeout' })
  })

  test('is not there is tried again later, and later still', async () => {
    const { id } = await it.hook()
    await it.happen(1)
    await it.receiver.down()
    const waits: number[] = []
    for (let tries = 1; tries <= 12; tries += 1) {
      await it.tell()
      const { nextTryAt, failures, lastError } = await get(id)
      expect([failures, lastError]).toEqual([tries, 'unreachable'])
      waits.push((nextTryAt?.getTime() ?? 0) - it.world.clock.now().getTime())
      it.world.clock.advance(hourMs + 1)
    }
    expect(waits[0]).toBeLessThanOrEqual(5_000)
    expect(waits.at(-1)).toBeGreaterThan(hourMs / 2 - 60_000)
    expect(Math.max(...waits)).toBeLessThanOrEqual(hourMs)
    await it.receiver.up()
    await it.tell()
    expect(seqs()).toEqual([2])
  })

  test('asks for time is given it, and no webhook waits for another’s receiver', async () => {
    const { id } = await it.hook()
    await it.happen(1)
    it.receiver.next.push(status(429, { 'retry-after': '1800' }))
    await it.tell()
    const { nextTryAt } = await get(id)
    const waitMs = (nextTryAt?.getTime() ?? 0) - it.world.clock.now().getTime()
    expect(waitMs).toBeGreaterThan(29 * 60_000)
    it.world.clock.advance(20 * 60_000)
    await it.tell()
    expect(seqs()).toEqual([2])
    await it.webhooks.resume(it.world.scope, id, false)
    await it.tell()
    expect(seqs()).toEqual([2, 2, 3])
  })

  test('is gone is sent nothing more, and the record says so', async () => {
    const { id } = await it.hook(['fabric.test'])
    await it.happen(2)
    it.receiver.next.push(status(410))
    await it.tell()
    expect(await get(id)).toMatchObject({ status: 'disabled', cause: 'gone', lastError: 'gone' })
    it.world.clock.advance(hourMs)
    await it.tell()
    expect(it.receiver.received).toHaveLength(1)
    const told = await it.world.sql(
      `SELECT action, object_id, details FROM audit_events WHERE action LIKE 'webhook.dis%'`
    )
    expect(told).toEqual([{ action: 'webhook.disable', object_id: id, details: { cause: 'gone' } }])
    await it.webhooks.resume(it.world.scope, id, false)
    await it.tell()
    expect(it.receiver.received).toHaveLength(3)
  })

  test('takes nothing for three days is left alone until its admin has looked', async () => {
    const { id } = await it.hook(['fabric.test'])
    await it.happen(1)
    it.receiver.usual = status(503)
    await it.tell()
    it.world.clock.advance(71 * hourMs)
    await it.tell()
    expect(await get(id)).toMatchObject({ status: 'failing', failures: 2 })
    it.world.clock.advance(2 * hourMs)
    await it.tell()
    expect(await get(id)).toMatchObject({ status: 'paused', cause: 'failed_too_long' })
    const told = await it.world.sql(
      `SELECT action, actor_id, details FROM audit_events WHERE action = 'webhook.pause'`
    )
    expect(told).toMatchObject([{ actor_id: 'courier', details: { cause: 'failed_too_long' } }])
    it.world.clock.advance(72 * hourMs)
    await it.tell()
    expect(it.receiver.received).toHaveLength(3)
  })
})

test('E TLS that does not hold is not spoken over', async () => {
  const { id } = await it.hook()
  // The same port, which does not speak TLS at all.
  const url = it.receiver.origin.replace('http:', 'https:')
  await it.world.sql('UPDATE webhooks SET url = $1', [url])
  expect((await it.webhooks.test(it.world.scope, id)).error).toMatch(/^(tls_failed|not_allowed)$/)
  expect(it.receiver.received).toHaveLength(0)
})

test('the time between tries doubles up to an hour, is spread, and heeds the receiver up to six hours', () => {
  expect(retryDelayMs(1, 0.999, null)).toBeLessThanOrEqual(5_000)
  expect(retryDelayMs(1, 0, null)).toBe(2_500)
  expect(retryDelayMs(4, 0, null)).toBe(20_000)
  expect(retryDelayMs(1_000, 0.999, null)).toBeLessThanOrEqual(hourMs)
  expect(retryDelayMs(1, 0, 60_000)).toBe(60_000)
  expect(retryDelayMs(1, 0, 1e12)).toBe(6 * hourMs)
  const now = new Date('2026-11-22T07:00:00Z')
  expect(retryAfterMs('120', now)).toBe(120_000)
  expect(retryAfterMs('Sun, 22 Nov 2026 07:01:00 GMT', now)).toBe(60_000)
  expect(retryAfterMs('Sun, 22 Nov 2026 06:00:00 GMT', now)).toBe(0)
  expect(retryAfterMs('soon', now)).toBeNull()
  expect(retryAfterMs(undefined, now)).toBeNull()
})
