import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { newDataKey, openEnvelope } from '../../src/crypto/envelope.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import type { RingKey } from '../../src/crypto/local-key.ts'
import { fixture, forge } from './fixtures.ts'
import { keyWrapContract } from './key-wrap-contract.ts'

function ringKey(kid: string): RingKey {
  return { kid, key: new Secret(new Uint8Array(createHash('sha256').update(kid).digest())) }
}

keyWrapContract('local key ring', { make: async (kids) => createKeyRing(kids.map(ringKey)) })

const makeRing = () => createKeyRing([ringKey('k9'), fixture.ringKey])

test('C5 a key wrapped elsewhere unwraps and opens the fixture', async () => {
  const key = await makeRing().unwrap(fixture.wrapped, fixture.wrapContext)
  const opened = await openEnvelope({ id: 'dek_01', key }, fixture.row, fixture.sealed)
  expect(opened.reveal()).toBe(fixture.plaintext)
})

test('fingerprints are those of the documented formula', () => {
  expect(makeRing().fingerprints.get('k1')).toBe(fixture.ringKey.fingerprint)
})

test('a key under the wrong kid, or a wrapped text that is no data key, fails like any other', async () => {
  const swapped = createKeyRing([{ kid: 'k1', key: ringKey('other').key }])
  const header = { alg: 'dir', enc: 'A256GCM', kid: 'k1', ctx: ['key-wrap', fixture.wrapContext] }
  const tooShort = forge({ header, key: fixture.ringKey.key, plaintext: new Uint8Array(16) })
  for (const attempt of [
    () => swapped.unwrap(fixture.wrapped, fixture.wrapContext),
    () => makeRing().unwrap(tooShort, fixture.wrapContext)
  ]) {
    await expect(attempt()).rejects.toMatchObject({ note: 'a sealed value cannot be opened' })
  }
})

test('a row sealed with a ring key is not taken for a wrapped key', async () => {
  const row = forge({
    header: { alg: 'dir', enc: 'A256GCM', kid: 'k1', ctx: [fixture.wrapContext] },
    key: fixture.ringKey.key,
    plaintext: newDataKey('dek_x').key.reveal()
  })
  await expect(makeRing().unwrap(row, fixture.wrapContext)).rejects.toThrow(AppError)
})

test('an unknown kid is named in a short and escaped form', async () => {
  const kid = `a\n${'x'.repeat(10_000)}`
  const wrapped = forge({ header: { alg: 'dir', enc: 'A256GCM', kid, ctx: [] } })
  const err = await makeRing()
    .unwrap(wrapped, fixture.wrapContext)
    .catch((caught: unknown) => caught)
  const note = err instanceof AppError ? (err.note ?? '') : ''
  expect(note).toMatch(/^the key ring has no key "a\\nx+"$/)
  expect(note.length).toBeLessThan(250)
})

test('C8 no ring without keys, with two keys of one kid, or with a short key', () => {
  const short = { kid: 'k2', key: new Secret(new Uint8Array(16)) }
  expect(() => createKeyRing([])).toThrow('a key ring has a key')
  expect(() => createKeyRing([ringKey('k1'), ringKey('k1')])).toThrow(
    'the kids of a key ring differ'
  )
  expect(() => createKeyRing([ringKey('k1'), short])).toThrow('a key-encryption key has 32 bytes')
})

test('a printed ring shows fingerprints and no key', () => {
  const key = Buffer.from(fixture.ringKey.key.reveal())
  const printed = inspect(makeRing(), { depth: 9, showHidden: true, getters: true })
  expect(printed).toContain(fixture.ringKey.fingerprint)
  expect(printed).not.toContain(key.toString('hex'))
  expect(printed).not.toMatch(/Uint8Array|Buffer/)
})
