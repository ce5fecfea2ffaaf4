import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { newDataKey } from '../../src/crypto/envelope.ts'
import type { KeyWrap } from '../../src/crypto/key-wrap.ts'

/** What a key wrap under test is made of. */
export interface KeyWrapMaker {
  /** A wrap whose keys are these, newest first; one kid means one key, however often it is asked for. */
  make(kids: readonly string[]): Promise<KeyWrap>
  /** What such a key is called in full; default: as it is asked for. */
  readonly kidOf?: (short: string) => string
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  const err = await work.catch((caught: unknown) => caught)
  if (!(err instanceof AppError)) return `no AppError: ${String(err)}`
  return { code: err.code, message: err.message, note: err.note, hasCause: 'cause' in err }
}

/** What every key wrap keeps: the local ring and each key management service. */
export function keyWrapContract(
  name: string,
  { make, kidOf = (short) => short }: KeyWrapMaker
): void {
  const context = 'ten_01/data_keys/dek_01'

  describe(`key wrap contract: ${name}`, () => {
    test('a data key comes back as it was', async () => {
      const wrap = await make(['k1'])
      const { key } = newDataKey('dek_01')
      const wrapped = await wrap.wrap(key, context)
      expect((await wrap.unwrap(wrapped, context)).reveal()).toEqual(key.reveal())
    })

    test('the same key is never wrapped into the same text twice', async () => {
      const wrap = await make(['k1'])
      const { key } = newDataKey('dek_01')
      expect(await wrap.wrap(key, context)).not.toBe(await wrap.wrap(key, context))
    })

    test('C7 the newest key wraps, older keys still unwrap', async () => {
      const before = await make(['k1'])
      const after = await make(['k2', 'k1'])
      const { key } = newDataKey('dek_01')
      const old = await before.wrap(key, context)
      expect([before.sealingKid, after.sealingKid]).toEqual([kidOf('k1'), kidOf('k2')])
      expect((await after.unwrap(old, context)).reveal()).toEqual(key.reveal())
      expect(after.kidOf(old)).toBe(kidOf('k1'))
      const rewrapped = await after.wrap(await after.unwrap(old, context), context)
      expect(after.kidOf(rewrapped)).toBe(kidOf('k2'))
      const rolledBack = await make(['k1', 'k2'])
      expect((await rolledBack.unwrap(rewrapped, context)).reveal()).toEqual(key.reveal())
    })

    test('C8 a key that is not there is named, and nothing takes its place', async () => {
      const wrapped = await (await make(['k1'])).wrap(newDataKey('dek_01').key, context)
      const failure = await failureOf((await make(['k2'])).unwrap(wrapped, context))
      expect(failure).toMatchObject({
        code: 'key_unavailable',
        note: expect.stringContaining(`"${kidOf('k1')}"`),
        hasCause: false
      })
    })

    test('C2 C4 another place, changed text, cut text and rubbish fail in the same words', async () => {
      const wrap = await make(['k1'])
      const wrapped = await wrap.wrap(newDataKey('dek_01').key, context)
      const elsewhere = await failureOf(wrap.unwrap(wrapped, 'ten_02/data_keys/dek_01'))
      expect(elsewhere).toMatchObject({ code: 'key_unavailable', hasCause: false })
      const end = wrapped.length - 1
      const changed = wrapped.slice(0, end) + (wrapped[end] === 'A' ? 'Q' : 'A')
      const cut = wrapped.slice(0, end)
      for (const text of [changed, cut, `${wrapped}A`, '', 'rubbish', 'A'.repeat(1_000_000)]) {
        expect(await failureOf(wrap.unwrap(text, context))).toEqual(elsewhere)
      }
    })

    test('kidOf refuses rubbish', async () => {
      const wrap = await make(['k1'])
      for (const text of ['', 'rubbish', '....']) expect(() => wrap.kidOf(text)).toThrow(AppError)
    })

    test('C8 fingerprints name every key, tell two keys apart and stay the same', async () => {
      const wrap = await make(['k2', 'k1'])
      expect([...wrap.fingerprints.keys()]).toEqual([kidOf('k2'), kidOf('k1')])
      const prints = [...wrap.fingerprints.values()]
      for (const print of prints) expect(print).toMatch(/^[0-9a-f]{16}$/)
      expect(new Set(prints).size).toBe(2)
      const again = (await make(['k1'])).fingerprints.get(kidOf('k1'))
      expect(again).toBe(wrap.fingerprints.get(kidOf('k1')))
    })

    test('what is no data key is not wrapped', async () => {
      const short = new Secret(new Uint8Array(31))
      await expect((await make(['k1'])).wrap(short, context)).rejects.toThrow('32 bytes')
    })
  })
}
