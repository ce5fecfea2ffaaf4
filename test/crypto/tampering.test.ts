import { deflateRawSync } from 'node:zlib'
import { CompactEncrypt } from 'jose'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  type DataKey,
  newDataKey,
  openEnvelope,
  type RowContext
} from '../../src/crypto/envelope.ts'
import { fixture, fixtureHeader, forge } from './fixtures.ts'

const { dataKey, row, sealed } = fixture

/** Everything that a caller or a log could tell two failures apart by. */
async function failureOf(
  text: string,
  key: DataKey = dataKey,
  place: RowContext = row
): Promise<unknown> {
  const err = await openEnvelope(key, place, text).catch((caught: unknown) => caught)
  if (!(err instanceof AppError)) return `no AppError: ${String(err)}`
  return { ...err, message: err.message, hasCause: err.cause !== undefined }
}

const theOneFailure = {
  name: 'AppError',
  code: 'key_unavailable',
  message: 'An encryption key is unavailable',
  note: 'a sealed value cannot be opened',
  detail: undefined,
  errors: undefined,
  retryAt: undefined,
  actionUrl: undefined,
  hasCause: false
}

function withSegment(index: number, change: (bytes: Buffer) => Buffer): string {
  const change64 = (part: string) => change(Buffer.from(part, 'base64url')).toString('base64url')
  return sealed
    .split('.')
    .map((part, at) => (at === index ? change64(part) : part))
    .join('.')
}

describe('C4 one indistinguishable failure', () => {
  test('each flipped bit of header, nonce, ciphertext and tag', async () => {
    for (const index of [0, 2, 3, 4]) {
      const { length } = Buffer.from(sealed.split('.')[index] ?? '', 'base64url')
      for (let bit = 0; bit < length * 8; bit += 1) {
        const flipped = withSegment(index, (bytes) => {
          bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
          return bytes
        })
        expect(await failureOf(flipped)).toEqual(theOneFailure)
      }
    }
  })

  test('each character exchanged, also for one with the same bits', async () => {
    for (const [at, letter] of [...sealed].entries()) {
      for (const other of 'ABCDghow5_-.=+ ') {
        if (other === letter) continue
        const changed = sealed.slice(0, at) + other + sealed.slice(at + 1)
        expect(await failureOf(changed)).toEqual(theOneFailure)
      }
    }
  })

  test('each character dropped, each suffix and each prefix dropped', async () => {
    for (let at = 0; at < sealed.length; at += 1) {
      expect(await failureOf(sealed.slice(0, at))).toEqual(theOneFailure)
      expect(await failureOf(sealed.slice(at + 1))).toEqual(theOneFailure)
      const dropped = sealed.slice(0, at) + sealed.slice(at + 1)
      expect(await failureOf(dropped)).toEqual(theOneFailure)
    }
  })

  test.each([0, 1, 4, 8, 12, 13, 14, 15])('a tag cut to %i bytes', async (length) => {
    const cut = withSegment(4, (tag) => tag.subarray(0, length))
    expect(await failureOf(cut)).toEqual(theOneFailure)
  })

  test.each([4, 8, 12, 13, 14, 15])('a tag made %i bytes long, valid as such', async (tagBytes) => {
    expect(await failureOf(forge({ tagBytes }))).toEqual(theOneFailure)
  })

  test('a tag of 17 bytes, a tag that starts in the ciphertext', async () => {
    const longer = withSegment(4, (tag) => Buffer.concat([tag, Buffer.alloc(1)]))
    expect(await failureOf(longer)).toEqual(theOneFailure)
    const [header, , nonce, ciphertext = '', tag = ''] = sealed.split('.')
    const whole = Buffer.concat([
      Buffer.from(ciphertext, 'base64url'),
      Buffer.from(tag, 'base64url')
    ]).toString('base64url')
    expect(await failureOf(`${header}..${nonce}.${whole}.`)).toEqual(theOneFailure)
  })

  test.each([1, 8, 11, 13, 16])('a nonce of %i bytes, valid as such', async (ivBytes) => {
    expect(await failureOf(forge({ ivBytes }))).toEqual(theOneFailure)
  })

  test('nothing, rubbish, 10 MB of rubbish', async () => {
    const megabytes = 'A'.repeat(10_000_000)
    const [header, , nonce, , tag] = sealed.split('.')
    const rubbish = [
      '',
      '.',
      '....',
      'null',
      '\0',
      `${sealed}.`,
      `${sealed}\n`,
      ` ${sealed}`,
      megabytes,
      `${megabytes}....`,
      '.'.repeat(10_000_000),
      `${header}..${nonce}.${megabytes}.${tag}`,
      `${header}.${megabytes}.${nonce}..${tag}`
    ]
    for (const text of rubbish) expect(await failureOf(text)).toEqual(theOneFailure)
  })

  test('another key, another kid, another place', async () => {
    const other = newDataKey('dek_01')
    expect(await failureOf(sealed, other)).toEqual(theOneFailure)
    expect(await failureOf(sealed, { id: 'dek_02', key: dataKey.key })).toEqual(theOneFailure)
    expect(await failureOf(sealed, dataKey, { ...row, rowId: 'grt_02' })).toEqual(theOneFailure)
    const short = { id: 'dek_01', key: new Secret(new Uint8Array(16)) }
    expect(await failureOf(sealed, short)).toEqual(theOneFailure)
  })

  test.each([
    ['zip', { ...fixtureHeader, zip: 'DEF' }],
    ['crit', { ...fixtureHeader, crit: ['exp'], exp: 1 }],
    ['an unknown member', { ...fixtureHeader, jku: 'https://keys.test' }],
    ['no kid', { alg: 'dir', enc: 'A256GCM', ctx: fixtureHeader.ctx }],
    ['a kid that is no string', { ...fixtureHeader, kid: ['dek_01'] }],
    ['no context', { alg: 'dir', enc: 'A256GCM', kid: 'dek_01' }],
    ['a context as text', { ...fixtureHeader, ctx: fixtureHeader.ctx.join() }],
    ['a shorter context', { ...fixtureHeader, ctx: fixtureHeader.ctx.slice(1) }],
    ['a longer context', { ...fixtureHeader, ctx: [...fixtureHeader.ctx, ''] }],
    ['a context in an object', { ...fixtureHeader, ctx: { ...fixtureHeader.ctx, length: 4 } }],
    ['alg none', { ...fixtureHeader, alg: 'none' }],
    ['alg A256GCMKW', { ...fixtureHeader, alg: 'A256GCMKW' }],
    ['enc A128GCM', { ...fixtureHeader, enc: 'A128GCM' }],
    ['an array', []]
  ])('a header with %s, authentic as it is', async (_name, header) => {
    expect(await failureOf(forge({ header }))).toEqual(theOneFailure)
  })

  test('a compressed text, even a bomb', async () => {
    const plaintext = deflateRawSync(Buffer.alloc(50_000_000))
    const bomb = forge({ header: { ...fixtureHeader, zip: 'DEF' }, plaintext })
    expect(await failureOf(bomb)).toEqual(theOneFailure)
  })

  test.each([
    ['dir', 'A128GCM', 16],
    ['dir', 'A192GCM', 24],
    ['dir', 'A128CBC-HS256', 32],
    ['dir', 'A256CBC-HS512', 64],
    ['A256KW', 'A256GCM', 32],
    ['A256GCMKW', 'A256GCM', 32]
  ])('%s with %s, sealed properly with a key that fits', async (alg, enc, length) => {
    const key = new Secret(new Uint8Array(length).fill(9))
    const text = await new CompactEncrypt(Buffer.from('x'))
      .setProtectedHeader({ ...fixtureHeader, alg, enc, ctx: [...fixtureHeader.ctx] })
      .encrypt(key.reveal())
    expect(await failureOf(text, { id: 'dek_01', key })).toEqual(theOneFailure)
  })
})
