import { afterEach, beforeEach, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { newDataKey } from '../../src/crypto/envelope.ts'
import { createStrongbox } from '../../src/vault/strongbox.ts'
import {
  clock,
  createKeyWorld,
  type KeyReplica,
  type KeyWorld,
  noteOf,
  place
} from './key-world.ts'

let world: KeyWorld
beforeEach(async () => {
  world = await createKeyWorld()
})
afterEach(() => world.close())

const secret = new Secret('canary-of-a-rotation')
const quiet = () => undefined
const kidsInUse = () =>
  world.sql(
    `SELECT kek_kid AS kid, count(*)::int AS n FROM (
       SELECT kek_kid FROM data_keys UNION ALL SELECT kek_kid FROM signing_keys) k GROUP BY 1 ORDER BY 1`
  )
const claims = { iss: 'i', aud: 'a', sub: 's', jti: 'j', iat: 1, exp: 9_999_999_999 }

/** Three tenants with a sealed value each, and a signing key, all under the replica's sealing key. */
async function furnish({ strongbox, signingKeys }: KeyReplica) {
  await signingKeys.sign('at+jwt', claims)
  const scopes = [await world.tenant('a'), await world.tenant('b'), await world.tenant('c')]
  const sealed = await Promise.all(scopes.map((scope) => strongbox.seal(scope, place, secret)))
  return async (replica: KeyReplica) => {
    // As of a process that has opened nothing yet.
    const box = createStrongbox(replica.db, replica.keyRing, clock)
    for (const [at, scope] of scopes.entries()) {
      expect((await box.open(scope, place, sealed[at] ?? '')).reveal()).toBe(secret.reveal())
    }
  }
}

test('C7 staged, promoted, re-wrapped, verified, retired: and everything opens with the new key alone', async () => {
  const [a, b] = [world.replica('a', 'k1'), world.replica('b', 'k1')]
  await Promise.all([a.custody.turn(), b.custody.turn()])
  const opens = await furnish(a)
  for (const one of [a, b]) one.write('k2', 'k1')
  const beats = setInterval(() => void Promise.all([a.custody.turn(), b.custody.turn()]), 100)
  const operator = world.replica('operator', 'k2', 'k1')
  await operator.custody.check()
  const steps: string[] = []
  const report = await operator.rotation.rotate({ to: null, waitMs: 10_000 }, (step) =>
    steps.push(step)
  )
  clearInterval(beats)
  expect(report).toEqual({ to: 'k2', replicas: 2, rewrapped: 4, retired: ['k1'] })
  expect(steps.join()).toMatch(/promoted k2.*re-wrapped 4.*verified/)
  expect(await kidsInUse()).toEqual([{ kid: 'k2', n: 4 }])
  const recorded = await world.sql(
    `SELECT tenant_id, details FROM audit_events WHERE action = 'data_key.rewrap' ORDER BY 1`
  )
  const details = { from: 'k1', to: 'k2' }
  expect(recorded).toEqual(['ten_a', 'ten_b', 'ten_c'].map((id) => ({ tenant_id: id, details })))
  const alone = world.replica('c', 'k2')
  await alone.custody.turn()
  await opens(alone)
  expect(await alone.signingKeys.sign('at+jwt', claims)).toContain('.')
  const again = await operator.rotation.rotate({ to: null, waitMs: 0 }, quiet)
  expect(again).toMatchObject({ rewrapped: 0, retired: [] })
  const { keys } = await operator.rotation.status()
  expect(keys).toMatchObject([
    { kid: 'k2', state: 'seals', wraps: 4 },
    { kid: 'k1', state: 'unneeded', wraps: 0 }
  ])
})

test('C7 a replica without the new key is named, and nothing is changed', async () => {
  const [a, b] = [world.replica('slow-host', 'k1'), world.replica('b', 'k2', 'k1')]
  await a.custody.turn()
  await b.custody.turn()
  const steps: string[] = []
  const attempt = b.rotation.rotate({ to: null, waitMs: 0 }, (step) => steps.push(step))
  expect(await noteOf(attempt)).toMatch(
    /^conflict: staged k2 .*waiting for slow-host \(slow-hos\)$/
  )
  expect(await world.sql('SELECT kid FROM key_encryption_keys')).toEqual([{ kid: 'k1' }])
  expect(b.keyRing.sealingKid).toBe('k1')
})

test('C7 a replica that starts with the old ring meanwhile is not overlooked', async () => {
  const b = world.replica('b', 'k2', 'k1')
  const late = world.replica('late', 'k1')
  await late.custody.turn()
  await world.sql(`UPDATE replicas SET seen_at = seen_at - interval '1 hour'`)
  await b.custody.turn()
  await Promise.allSettled([b.rotation.rotate({ to: 'k2', waitMs: 0 }, quiet), late.custody.turn()])
  const [promoted] = await world.sql(
    'SELECT kid FROM key_encryption_keys ORDER BY promoted_at DESC'
  )
  // Either it was there and was waited for, or it came too late and is not ready.
  const isReady = await late.custody.turn().then(
    () => true,
    () => false
  )
  expect(isReady).toBe(promoted?.kid === 'k1')
})

test('C7 two at once, and one that goes on where another was left, end in the same state', async () => {
  const a = world.replica('a', 'k1')
  await a.custody.check()
  const opens = await furnish(a)
  const [one, two] = [world.replica('x', 'k2', 'k1'), world.replica('y', 'k2', 'k1')]
  // Left after it had re-wrapped some.
  await world.sql(`INSERT INTO key_encryption_keys SELECT 'k2', fingerprint, now()
                     FROM (VALUES ('${one.keyRing.fingerprints.get('k2')}')) v(fingerprint)`)
  await Promise.all([one.custody.check(), two.custody.check()])
  const reports = await Promise.all(
    [one, two].map(({ rotation }) => rotation.rotate({ to: null, waitMs: 0 }, quiet))
  )
  expect(reports.reduce((sum, { rewrapped }) => sum + rewrapped, 0)).toBe(4)
  expect(await kidsInUse()).toEqual([{ kid: 'k2', n: 4 }])
  await opens(world.replica('z', 'k2'))
})

test('C7 retire is refused while a row still needs the old key, and by the database itself', async () => {
  const a = world.replica('a', 'k1')
  await a.custody.check()
  const opens = await furnish(a)
  const operator = world.replica('operator', 'k2', 'k1')
  await operator.custody.check()
  const [row] = await world.sql(`SELECT id, wrapped FROM data_keys WHERE tenant_id = 'ten_b'`)
  await world.sql(`UPDATE data_keys SET wrapped = wrapped || 'A' WHERE id = $1`, [row?.id])
  expect(await noteOf(operator.rotation.rotate({ to: null, waitMs: 0 }, quiet))).toBe(
    `key_unavailable: 1 cannot be re-wrapped, and their key stays: ${row?.id}`
  )
  expect(await kidsInUse()).toEqual([
    { kid: 'k1', n: 1 },
    { kid: 'k2', n: 3 }
  ])
  await expect(world.sql(`DELETE FROM key_encryption_keys WHERE kid = 'k1'`)).rejects.toThrow()
  expect((await operator.rotation.status()).keys).toMatchObject([
    { kid: 'k2', state: 'seals', wraps: 3 },
    { kid: 'k1', state: 'opens', wraps: 1 }
  ])
  await world.sql('UPDATE data_keys SET wrapped = $1 WHERE id = $2', [row?.wrapped, row?.id])
  const report = await operator.rotation.rotate({ to: null, waitMs: 0 }, quiet)
  expect(report).toMatchObject({ rewrapped: 1, retired: ['k1'] })
  await opens(world.replica('z', 'k2'))
})

test('C7 what a stalled process wraps by a retired key is not stored', async () => {
  const stalled = world.replica('stalled', 'k1')
  await stalled.custody.check()
  const operator = world.replica('operator', 'k2', 'k1')
  await operator.rotation.rotate({ to: null, waitMs: 0 }, quiet)
  const scope = await world.tenant('late')
  await expect(stalled.strongbox.seal(scope, place, secret)).rejects.toThrow()
  expect(await world.sql('SELECT id FROM data_keys')).toEqual([])
  const sealed = await operator.strongbox.seal(scope, place, secret)
  expect((await operator.strongbox.open(scope, place, sealed)).reveal()).toBe(secret.reveal())
})

test('back to an older key, by its name; a key that the ring does not have is refused', async () => {
  const a = world.replica('a', 'k2', 'k1')
  await a.custody.check()
  const opens = await furnish(a)
  expect(await noteOf(a.rotation.rotate({ to: 'k9', waitMs: 0 }, quiet))).toContain('k9')
  const report = await a.rotation.rotate({ to: 'k1', waitMs: 0 }, quiet)
  expect(report).toMatchObject({ to: 'k1', rewrapped: 4, retired: ['k2'] })
  await opens(world.replica('z', 'k1'))
})

test('what is no data key is never put in a data key’s place', async () => {
  const a = world.replica('a', 'k1')
  await a.custody.check()
  const scope = await world.tenant('a')
  await a.strongbox.prepare(scope)
  // Sound in itself, and of another place.
  const moved = await a.keyRing.wrap(newDataKey('dek_x').key, 'ten_other/data_keys/dek_x')
  await world.sql('UPDATE data_keys SET wrapped = $1', [moved])
  const operator = world.replica('operator', 'k2', 'k1')
  expect(await noteOf(operator.rotation.rotate({ to: null, waitMs: 0 }, quiet))).toContain(
    '1 cannot be re-wrapped'
  )
  expect(await world.sql('SELECT wrapped FROM data_keys')).toEqual([{ wrapped: moved }])
})
