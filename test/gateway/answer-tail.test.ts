import { brotliCompressSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { AnswerTail } from '../../src/gateway/answer-tail.ts'
import type { HeaderPairs } from '../../src/outbound/outbound.ts'

const json: HeaderPairs = [['content-type', 'application/json']]
const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
const counts = { input: 3, output: 4, total: 7 }
const answer = (padding: number) =>
  Buffer.from(JSON.stringify({ text: 'x'.repeat(padding), usage }))

function read(pieces: readonly Buffer[], headers = json, status = 200) {
  const tail = new AnswerTail()
  tail.begin(status, headers)
  for (const piece of pieces) tail.take(piece)
  return tail.read()
}

function cutInto(bytes: Buffer, size: number): Buffer[] {
  const count = Math.ceil(bytes.length / size)
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
}

describe('the end of an answer', () => {
  test.each([1, 7, 1_000, 64 * 1024, 1_000_000])('is found in pieces of %i bytes', (size) => {
    expect(read(cutInto(answer(100_000), size))).toEqual(counts)
    expect(read(cutInto(answer(10), size))).toEqual(counts)
  })

  test('is left as it is, piece by piece', () => {
    const pieces = cutInto(answer(50_000), 777)
    const before = pieces.map((piece) => piece.toString('hex'))
    read(pieces)
    expect(pieces.map((piece) => piece.toString('hex'))).toEqual(before)
  })

  test('holds on to no more than a window, however much passes', () => {
    const tail = new AnswerTail()
    tail.begin(200, json)
    for (let index = 0; index < 2_000; index += 1) tail.take(Buffer.alloc(10_000, 'x'))
    expect(tail.heldBytes).toBeLessThan(16 * 1024 + 10_000)
    for (let index = 0; index < 100_000; index += 1) tail.take(Buffer.from('y'))
    expect(tail.heldBytes).toBeLessThan(16 * 1024 + 10_000)
  })

  test('is found whatever sizes its pieces have, one after the other', () => {
    for (const sizes of [
      [20_000, 5],
      [5, 20_000],
      [9_000, 9_000, 200],
      [16_384, 16_383, 1]
    ]) {
      const bytes = answer(90_000)
      const pieces: Buffer[] = []
      for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
        const size = sizes[turn % sizes.length] ?? 1
        pieces.push(bytes.subarray(at, at + size))
        at += size
      }
      expect(read(pieces), sizes.join()).toEqual(counts)
      expect(Buffer.concat(pieces).equals(answer(90_000))).toBe(true)
    }
  })

  test.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync]
  ] as const)('that is %s is unpacked beside the stream', (encoding, pack) => {
    const headers: HeaderPairs = [...json, ['content-encoding', encoding]]
    expect(read(cutInto(pack(answer(10_000)), 50), headers)).toEqual(counts)
  })

  test('that is packed and too long, a bomb, no gzip, or of an unknown coding tells nothing', () => {
    const gzip: HeaderPairs = [...json, ['content-encoding', 'gzip']]
    const noise = Buffer.from(Array.from({ length: 40_000 }, () => Math.floor(Math.random() * 256)))
    expect(read([gzipSync(noise)], gzip)).toBeNull()
    expect(read([gzipSync(answer(10_000_000))], gzip)).toBeNull()
    expect(read([answer(1)], gzip)).toBeNull()
    expect(read([answer(1)], [...json, ['content-encoding', 'rot13']])).toBeNull()
  })

  test('of an error, of nothing, and of an answer that another took the place of tells nothing', () => {
    expect(read([answer(1)], json, 429)).toBeNull()
    expect(read([], json, 204)).toBeNull()
    expect(new AnswerTail().read()).toBeNull()
    const tail = new AnswerTail()
    tail.begin(200, json)
    tail.take(answer(1))
    tail.begin(403, json)
    expect(tail.read()).toBeNull()
  })
})
