import { afterEach, beforeEach, expect, test } from 'vitest'
import { localKey } from '../../src/crypto/local-key.ts'
import { createKeyWorld, type KeyWorld, noteOf, ringKey } from './key-world.ts'

let world: KeyWorld
beforeEach(async () => {
  world = await createKeyWorld()
})
afterEach(() => world.close())

const printOf = (kid: string) => localKey(ringKey(kid)).fingerprint

test('a new deployment seals with the newest key, whichever of its replicas comes first', async () => {
  const [a, b] = [world.replica('a', 'k2', 'k1'), world.replica('b', 'k2', 'k1')]
  await Promise.all([a.custody.turn(), b.custody.turn()])
  expect(await world.sql('SELECT kid, fingerprint FROM key_encryption_keys')).toEqual([
    { kid: 'k2', fingerprint: printOf('k2') }
  ])
  expect([a.keyRing.sealingKid, b.keyRing.sealingKid]).toEqual(['k2', 'k2'])
})

test('C7 a newer key in the ring is staged: it seals only when it is told to', async () => {
  await world.replica('a', 'k1').custody.turn()
  const later = world.replica('b', 'k2', 'k1')
  await later.custody.turn()
  expect(later.keyRing.sealingKid).toBe('k1')
  const { keys } = await later.rotation.status()
  expect(keys).toMatchObject([
    { kid: 'k2', state: 'staged', missingOn: ['a'], promotedAt: null, wraps: 0 },
    { kid: 'k1', state: 'seals', missingOn: [], fingerprint: printOf('k1') }
  ])
})

test('C8 F32 a ring without a needed key is refused, and the fingerprint that is needed is named', async () => {
  await world.replica('a', 'k1').custody.turn()
  const without = world.replica('b', 'k2')
  for (const attempt of [() => without.custody.check(), () => without.custody.turn()]) {
    expect(await noteOf(attempt())).toBe(
      `key_unavailable: the key ring lacks key "k1", fingerprint ${printOf('k1')}`
    )
  }
  expect(await world.sql('SELECT host FROM replicas')).toEqual([{ host: 'a' }])
})

test('C8 another key under the same name is refused, and both fingerprints are named', async () => {
  await world.replica('a', 'k1').custody.turn()
  await world.sql(`UPDATE key_encryption_keys SET fingerprint = 'feedfeedfeedfeed'`)
  expect(await noteOf(world.replica('b', 'k1').custody.check())).toBe(
    `key_unavailable: the key ring has another key than key "k1", fingerprint feedfeedfeedfeed: ${printOf('k1')}`
  )
})

test('C8 a key from before fingerprints were kept is believed where it opens what it wrapped, and only there', async () => {
  const a = world.replica('a', 'k1')
  await a.custody.turn()
  await a.strongbox.prepare(await world.tenant('acme'))
  await world.sql('UPDATE key_encryption_keys SET fingerprint = NULL')
  const [row] = await world.sql('SELECT id, wrapped FROM data_keys')
  await world.sql(`UPDATE data_keys SET wrapped = wrapped || 'A'`)
  expect(await noteOf(world.replica('b', 'k1').custody.turn())).toBe(
    'key_unavailable: key "k1" opens nothing'
  )
  await world.sql('UPDATE data_keys SET wrapped = $1', [row?.wrapped])
  await world.replica('c', 'k1').custody.turn()
  expect(await world.sql('SELECT fingerprint FROM key_encryption_keys')).toEqual([
    { fingerprint: printOf('k1') }
  ])
})

test('a ring’s file is read anew; a slip in it takes no key away from a process that runs', async () => {
  const a = world.replica('a', 'k1')
  await a.custody.turn()
  a.write('k2', 'k1')
  await a.custody.turn()
  expect([...a.keyRing.fingerprints.keys()]).toEqual(['k2', 'k1'])
  a.write('k2')
  expect(await noteOf(a.custody.turn())).toContain('lacks key "k1"')
  expect([...a.keyRing.fingerprints.keys()]).toEqual(['k2', 'k1'])
  a.custody.assertGood()
})

test('C8 a process that lacks what seals now is not ready, until it has it', async () => {
  const [a, b] = [world.replica('a', 'k1'), world.replica('b', 'k2', 'k1')]
  await a.custody.turn()
  // Stopped for so long that nobody waited for it.
  await world.sql(`UPDATE replicas SET seen_at = seen_at - interval '1 hour'`)
  await b.rotation.rotate({ to: null, waitMs: 0 }, () => undefined)
  expect(await noteOf(a.custody.turn())).toContain(`lacks key "k2", fingerprint ${printOf('k2')}`)
  expect(() => a.custody.assertGood()).toThrow()
  a.write('k2', 'k1')
  await a.custody.turn()
  a.custody.assertGood()
  expect(a.keyRing.sealingKid).toBe('k2')
})

test('who leaves is not waited for', async () => {
  const a = world.replica('a', 'k1')
  await a.custody.turn()
  await a.custody.leave()
  expect(await world.sql('SELECT id FROM replicas')).toEqual([])
})
