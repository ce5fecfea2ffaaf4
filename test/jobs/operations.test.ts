import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Vitals } from '../../src/base/vitals.ts'
import { commandLineCall } from '../../src/identity/identity.ts'
import { createOperations, vitalsNote } from '../../src/jobs/operations.ts'
import { clock, createKeyWorld, type KeyReplica, type KeyWorld } from './key-world.ts'

let world: KeyWorld
beforeEach(async () => {
  world = await createKeyWorld()
})
afterEach(() => world.close())

const vitals: Vitals = {
  version: '1.2.3',
  lacks: ['audit_records'],
  refreshes: [{ identity: 'user', outcome: 'renewed', count: 7 }],
  queues: [{ name: 'audit_records', waiting: 3, dropped: 0 }],
  streams: [{ kind: 'webhook', waiting: 5, failing: 1 }],
  callsInFlight: 2,
  breakersOpen: 1,
  loopLateMs: 4
}
const nothing = { status: async () => ({ rotating: [], retired: 0 }) }

function operationsOf({ db, rotation }: KeyReplica) {
  return createOperations({ db, clock, keyRotation: rotation, dataKeyRotation: nothing })
}
const tell = ({ db }: KeyReplica, host: string, told = vitals) =>
  vitalsNote({ db, clock }, `${host}-0000`, () => told).run()

test('what each replica knows of itself is seen from any other', async () => {
  const [a, b] = [world.replica('a', 'k1'), world.replica('b', 'k1')]
  await a.custody.turn()
  await b.custody.turn()
  await tell(a, 'a')
  await tell(b, 'b', { ...vitals, version: '1.3.0', lacks: null })
  const { replicas } = await operationsOf(b).view(commandLineCall)
  expect(replicas).toMatchObject([
    { host: 'a', isServing: true, sealingKid: 'k1', vitals, vitalsAt: expect.any(Date) },
    { host: 'b', isServing: true, vitals: { version: '1.3.0', lacks: null } }
  ])
  // What tells of keys goes on beside it.
  await a.custody.turn()
  expect((await operationsOf(b).view(commandLineCall)).replicas[0]?.vitals).toMatchObject(vitals)
})

test('a replica that has told nothing, or in another form, is there all the same', async () => {
  const [a, b] = [world.replica('a', 'k1'), world.replica('b', 'k1')]
  await a.custody.turn()
  await b.custody.turn()
  await tell(b, 'b')
  await world.sql(`UPDATE replicas SET vitals = '{"form": 99}' WHERE host = 'b'`)
  const { replicas } = await operationsOf(a).view(commandLineCall)
  expect(replicas).toMatchObject([
    { host: 'a', vitals: null, vitalsAt: null },
    { host: 'b', vitals: null }
  ])
})

test('one of a version that did not tell of streams is told with none', async () => {
  const a = world.replica('a', 'k1')
  await a.custody.turn()
  await tell(a, 'a')
  await world.sql(`UPDATE replicas SET vitals = vitals - 'streams'`)
  const { replicas } = await operationsOf(a).view(commandLineCall)
  expect(replicas).toMatchObject([{ host: 'a', vitals: { ...vitals, streams: [] } }])
})

test('one that ended without a word is told as silent, after those that serve', async () => {
  const [a, b] = [world.replica('a', 'k1'), world.replica('b', 'k1')]
  await a.custody.turn()
  await world.sql(`UPDATE replicas SET seen_at = seen_at - interval '1 hour'`)
  await b.custody.turn()
  expect((await operationsOf(b).view(commandLineCall)).replicas).toMatchObject([
    { host: 'b', isServing: true },
    { host: 'a', isServing: false }
  ])
})

test('C7 the key ring is told with what lags, and counted once for who asks at the same time', async () => {
  const [a, b] = [world.replica('a', 'k1'), world.replica('b', 'k2', 'k1')]
  await a.custody.turn()
  await b.custody.turn()
  const operations = operationsOf(b)
  const [first, second] = await Promise.all([
    operations.keys(commandLineCall),
    operations.keys(commandLineCall)
  ])
  expect(second).toBe(first)
  expect(first).toMatchObject({
    sealingKid: 'k1',
    keys: [
      { kid: 'k2', state: 'staged', missingOn: ['a'] },
      { kid: 'k1', state: 'seals', missingOn: [] }
    ],
    dataKeys: { rotating: [], retired: 0 }
  })
})

test('403 for whoever is no operator', async () => {
  const operations = operationsOf(world.replica('a', 'k1'))
  const nobody = { ...commandLineCall, authority: { may: () => false, teams: [] } }
  await expect(operations.view(nobody)).rejects.toMatchObject({ code: 'forbidden' })
  await expect(operations.keys(nobody)).rejects.toMatchObject({ code: 'forbidden' })
})
