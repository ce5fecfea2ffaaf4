import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startReplica } from '../support/replicas.ts'
import { createWebhookWorld, type WebhookWorld } from './world.ts'

let it: WebhookWorld

beforeEach(async () => {
  it = await createWebhookWorld()
})
afterEach(() => it.close())

const seqs = () => it.receiver.received.map(({ seq }) => seq)
const from = (first: number, count: number) =>
  Array.from({ length: count }, (_, index) => first + index)

describe('replicas', () => {
  test('that look at once tell each event once and in order between them', async () => {
    await it.hook()
    const couriers = [it.courier, it.replica(), it.replica()]
    await it.happen(30)
    await Promise.all(couriers.map((courier) => courier.turn()))
    const late = it.happen(30)
    await Promise.all(couriers.map((courier) => courier.settle()))
    await late
    for (const courier of couriers) await it.tell(courier)
    expect(seqs()).toEqual(from(2, 60))
  })

  test('take over from one that died, with the messages that nobody can know to have been taken', async () => {
    const { id } = await it.hook()
    await it.happen(3)
    const held = Promise.withResolvers<void>()
    it.receiver.next.push(
      (answer) => void answer.writeHead(204).end(),
      (answer) => void held.promise.then(() => answer.destroy())
    )
    const dying = it.replica()
    await dying.turn()
    await it.receiver.arrived(2)
    // It lets nothing of it be known, and nobody else is at it while its claim holds.
    await it.tell()
    expect(seqs()).toEqual([2, 3])
    await it.world.sql(
      `UPDATE audit_streams SET claim_owner = 'who has died', claim_expires_at = now() - interval '1 second'`
    )
    it.world.clock.advance(2_000)
    await it.tell()
    expect(seqs()).toEqual([2, 3, 2, 3, 4])
    // What it finds out too late changes nothing.
    held.resolve()
    await dying.settle()
    expect(await it.streamOf(id)).toMatchObject({ failures: 0, cursor: '4' })
  })

  test('G a receiver that hangs holds up nobody else, of its own tenant or of another', async () => {
    const other = await it.tenant('globex')
    const hanging = Promise.withResolvers<void>()
    for (let count = 0; count < 6; count += 1) await it.hook(['fabric.test'])
    await it.hook(['fabric.test'], other)
    it.receiver.usual = (answer) => void hanging.promise.then(() => answer.writeHead(204).end())
    await it.happen(1)
    await it.courier.turn()
    await it.receiver.arrived(4)
    it.receiver.usual = (answer) => void answer.writeHead(204).end()
    await it.happen(1, 'fabric.test', other)
    await it.courier.turn()
    await it.receiver.arrived(5)
    expect(JSON.parse(it.receiver.received[4]?.body ?? '{}').tenant.slug).toBe('globex')
    // No more than four of a tenant at once: the other two of the first have waited.
    expect(it.receiver.received).toHaveLength(5)
    hanging.resolve()
    await it.courier.settle()
    await it.tell()
    expect(it.receiver.received).toHaveLength(7)
  })

  test('that close send what they have begun and nothing more; the rest is another’s', async () => {
    await it.hook()
    await it.happen(30)
    const closing = it.replica()
    it.receiver.next.push((answer) => {
      void closing.close()
      answer.writeHead(204).end()
    })
    await closing.turn()
    await it.receiver.arrived(1)
    await closing.close()
    expect(seqs()).toEqual([2])
    await it.tell()
    expect(seqs()).toEqual(from(2, 30))
  })
})

test('F after kill -9 another process goes on where the record was left, and leaves nothing out', async () => {
  const env = { WEFT_EXTRA_WEBHOOK_ORIGINS: it.receiver.origin }
  const first = await startReplica(it.world, { env })
  const { id } = await it.hook()
  it.receiver.next.push(
    (answer) => void answer.writeHead(204).end(),
    () => undefined
  )
  await it.happen(40)
  await it.receiver.arrived(2)
  // It is in the middle of its second message, and its claim says so.
  expect((await it.streamOf(id)).claim_owner).not.toBeNull()
  await first.kill()
  await it.world.sql('UPDATE audit_streams SET claim_expires_at = now()')
  await it.tell()
  expect(seqs()).toEqual([2, 3, ...from(2, 40)])
}, 60_000)
