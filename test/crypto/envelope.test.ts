import { createDecipheriv } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import {
  dataKeyIdOf,
  newDataKey,
  openEnvelope,
  type RowContext,
  sealEnvelope
} from '../../src/crypto/envelope.ts'
import { fixture, fixtureHeader, forge } from './fixtures.ts'

const { dataKey, row } = fixture
const text = fc.string({ unit: 'binary', maxLength: 200 })
/** Pieces that a careless joining of parts would confuse. */
const part = fc.oneof(
  fc.string({
    unit: fc.constantFrom('/', '.', ',', '"', '\\', '\0', ':', 'a', 'ä', '1', ']', '[')
  }),
  fc.string({ unit: 'binary', maxLength: 20 })
)
const context: fc.Arbitrary<RowContext> = fc.record({
  tenantId: part,
  table: part,
  rowId: part,
  column: part
})

function headerSegment(sealed: string): string {
  return sealed.slice(0, sealed.indexOf('.'))
}

describe('an envelope', () => {
  test('C5 one made elsewhere with the same key opens', async () => {
    expect((await openEnvelope(dataKey, row, fixture.sealed)).reveal()).toBe(fixture.plaintext)
    expect((await openEnvelope(dataKey, row, forge())).reveal()).toBe(fixture.plaintext)
  })

  test('C5 another implementation of AES-GCM opens ours, whose header is the documented one', async () => {
    const sealed = await sealEnvelope(dataKey, row, new Secret('hello'))
    const [header = '', key, iv = '', ciphertext = '', tag = ''] = sealed.split('.')
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toEqual(fixtureHeader)
    expect(key).toBe('')
    const nonce = Buffer.from(iv, 'base64url')
    const gcm = createDecipheriv('aes-256-gcm', dataKey.key.reveal(), nonce, { authTagLength: 16 })
    gcm.setAAD(Buffer.from(header)).setAuthTag(Buffer.from(tag, 'base64url'))
    const opened = gcm.update(ciphertext, 'base64url', 'utf8') + gcm.final('utf8')
    expect(opened).toBe('hello')
  })

  test('any text comes back as it was, at the place it was sealed for', async () => {
    await fc.assert(
      fc.asyncProperty(context, text, async (place, plaintext) => {
        const sealed = await sealEnvelope(dataKey, place, new Secret(plaintext))
        expect((await openEnvelope(dataKey, place, sealed)).reveal()).toBe(plaintext)
      })
    )
  })

  test('a byte order mark and a long text come back too', async () => {
    for (const plaintext of ['\uFEFFtoken', 'x'.repeat(300_000)]) {
      const sealed = await sealEnvelope(dataKey, row, new Secret(plaintext))
      expect((await openEnvelope(dataKey, row, sealed)).reveal()).toBe(plaintext)
    }
  })

  test('a text that would not come back as it was is not sealed', async () => {
    const sealing = sealEnvelope(dataKey, row, new Secret('half \uD83D'))
    await expect(sealing).rejects.toThrow('well-formed')
  })

  test.each([0, 16, 31, 33, 64])('C8 a key of %i bytes seals nothing', async (length) => {
    const odd = { id: 'dek_01', key: new Secret(new Uint8Array(length).fill(1)) }
    const sealing = sealEnvelope(odd, row, new Secret('x'))
    await expect(sealing).rejects.toThrow('a sealing key has 32 bytes')
  })

  test('C2 another place never opens it', async () => {
    await fc.assert(
      fc.asyncProperty(context, context, async (place, other) => {
        fc.pre(JSON.stringify(place) !== JSON.stringify(other))
        const sealed = await sealEnvelope(dataKey, place, new Secret('x'))
        await expect(openEnvelope(dataKey, other, sealed)).rejects.toThrow(AppError)
      })
    )
  })

  test.each(['tenantId', 'table', 'rowId', 'column'] as const)(
    'C2 relocated to another %s it does not open',
    async (member) => {
      const sealed = await sealEnvelope(dataKey, row, new Secret('x'))
      const other = { ...row, [member]: `${row[member]}2` }
      await expect(openEnvelope(dataKey, other, sealed)).rejects.toThrow(AppError)
    }
  )

  test('C3 different places and keys are bound as different bytes', async () => {
    const bound = async (id: string, place: RowContext) =>
      headerSegment(await sealEnvelope({ id, key: dataKey.key }, place, new Secret('x')))
    const order = ({ tenantId, table, rowId, column }: RowContext) =>
      JSON.stringify([tenantId, table, rowId, column])
    await fc.assert(
      fc.asyncProperty(part, context, part, context, async (id, place, otherId, other) => {
        const isSame = id === otherId && order(place) === order(other)
        expect((await bound(id, place)) === (await bound(otherId, other))).toBe(isSame)
      })
    )
  })

  test('C3 moving a separator from one part to the next changes what is bound', async () => {
    await fc.assert(
      fc.asyncProperty(
        part,
        part,
        fc.constantFrom('/', '","', ',', '\0', ''),
        async (a, b, cut) => {
          const left = { ...row, table: a + cut, rowId: b }
          const right = { ...row, table: a, rowId: cut + b }
          fc.pre(left.table !== right.table)
          const sealed = await sealEnvelope(dataKey, left, new Secret('x'))
          await expect(openEnvelope(dataKey, right, sealed)).rejects.toThrow(AppError)
        }
      )
    )
  })

  test('C6 sealing the same twice gives different nonces and texts', async () => {
    const seals = Array.from({ length: 500 }, () => sealEnvelope(dataKey, row, new Secret('same')))
    const parts = (await Promise.all(seals)).map((sealed) => sealed.split('.'))
    expect(new Set(parts.map(([, , nonce]) => nonce)).size).toBe(500)
    expect(new Set(parts.map(([, , , ciphertext]) => ciphertext)).size).toBe(500)
  })

  test('fresh data keys have 32 bytes and differ', () => {
    const keys = Array.from({ length: 50 }, () => newDataKey('dek_x').key.reveal())
    expect(keys.every((key) => key.byteLength === 32)).toBe(true)
    expect(new Set(keys.map((key) => Buffer.from(key).toString('hex'))).size).toBe(50)
  })

  test('tells the data key it was sealed with, and null for rubbish', () => {
    expect(dataKeyIdOf(fixture.sealed)).toBe('dek_01')
    const rubbish = ['', '.', 'x', '....', 'bnVsbA....', 'W10....', 'eyJraWQiOjF9....', '{}....']
    for (const sealed of rubbish) expect(dataKeyIdOf(sealed)).toBeNull()
  })
})
