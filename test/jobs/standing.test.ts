import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { AppError } from '../../src/base/errors.ts'
import { createKeyRing, keyRingOf } from '../../src/crypto/key-ring.ts'
import { kmsKey, kmsUnavailable } from '../../src/crypto/kms-key.ts'
import { createKeyCustody } from '../../src/jobs/key-custody.ts'
import { createStanding, standingWatch } from '../../src/jobs/standing.ts'
import { createWrappedKeys } from '../../src/vault/wrapped-keys.ts'
import { createKeyWorld, type KeyWorld, ringKey } from './key-world.ts'

let world: KeyWorld
beforeEach(async () => {
  world = await createKeyWorld()
})
afterEach(() => world.close())

/** A replica whose one key is at a service that may be away, on a clock that a test moves. */
function remote() {
  const { db } = world.replica('a', 'k1')
  const time = { ms: 0, isAway: false }
  const clock = { now: () => new Date(time.ms), monotonicMs: () => time.ms }
  const pass = async (bytes: Uint8Array) => {
    if (time.isAway) throw kmsUnavailable('no answer')
    return bytes
  }
  const keyRing = keyRingOf([kmsKey('aws-kms:test', { encrypt: pass, decrypt: pass })])
  const custody = createKeyCustody({
    db,
    clock,
    keyRing,
    wrappedKeys: createWrappedKeys(db, keyRing, createAudit(db, clock)),
    readKeys: null,
    replica: { id: 'a-0000', host: 'a' }
  })
  const told: [boolean, readonly string[]][] = []
  const records = { size: 0 }
  const standing = createStanding({
    db,
    custody,
    records,
    onChange: (isReady, degraded) => told.push([isReady, degraded])
  })
  return { time, custody, standing, told, records }
}

const minuteMs = 60_000

test('a key service that is away leaves a replica ready and degraded, for an hour and no longer', async () => {
  const { time, custody, standing, told } = remote()
  await custody.turn()
  expect(await standing.check()).toEqual([])
  expect(custody.state()).toMatchObject({ silentMs: 0, isServiceAway: false })

  time.isAway = true
  time.ms += minuteMs
  await expect(custody.turn()).rejects.toThrow()
  for (let minute = 1; minute < 60; minute += 1) {
    time.ms = minute * minuteMs
    expect(await standing.check()).toEqual(['key_service'])
  }
  expect(custody.state().silentMs).toBe(59 * minuteMs)
  time.ms = 61 * minuteMs
  await expect(standing.check()).rejects.toMatchObject({ code: 'key_unavailable' })
  expect(standing).toMatchObject({ isReady: false, degraded: ['key_service'] })

  time.isAway = false
  await custody.turn()
  expect(await standing.check()).toEqual([])
  expect(told).toEqual([
    [true, ['key_service']],
    [false, ['key_service']],
    [true, []]
  ])
})

test('a faulty ring file is told as long as it is faulty, and each change is told once', async () => {
  const replica = world.replica('a', 'k1')
  await replica.custody.turn()
  const told: (readonly string[])[] = []
  const standing = createStanding({
    db: replica.db,
    custody: replica.custody,
    records: { size: 0 },
    onChange: (_isReady, degraded) => told.push(degraded)
  })
  const job = standingWatch(standing)
  await job.run()
  replica.write('k2')
  await expect(replica.custody.turn()).rejects.toThrow(AppError)
  for (let turn = 0; turn < 3; turn += 1) await job.run()
  replica.write('k2', 'k1')
  await replica.custody.turn()
  for (let turn = 0; turn < 3; turn += 1) await job.run()
  expect(told).toEqual([['key_ring'], []])
  expect(replica.custody.state()).toMatchObject({
    sealingFingerprint: createKeyRing([ringKey('k1')]).fingerprints.get('k1'),
    keys: { sealing: 1, staged: 1, retiring: 0 },
    silentMs: null
  })
})

test('a database that is away makes a replica unready, and records that pile up make it degraded', async () => {
  const { custody, records } = remote()
  await custody.turn()
  let isAway = false
  const db = {
    assertAnswers() {
      if (isAway) throw new AppError('overloaded')
    }
  }
  const standing = createStanding({ db, custody, records, onChange: () => undefined })
  records.size = 20_000
  expect(await standing.check()).toEqual(['audit_records'])
  isAway = true
  await standingWatch(standing).run()
  expect(standing).toMatchObject({ isReady: false, degraded: ['audit_records'] })
})
