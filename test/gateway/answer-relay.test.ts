import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { AnswerRelay } from '../../src/gateway/answer-relay.ts'
import type { HeaderPairs, StreamEnd } from '../../src/outbound/outbound.ts'
import { aSink } from './fakes.ts'

const json: HeaderPairs = [['content-type', 'application/json']]

function endWith(collected: Buffer | null): StreamEnd {
  return {
    outcome: 'complete',
    collected,
    hasTrailers: false,
    sentBytes: 0,
    receivedBytes: collected?.length ?? 0,
    firstByteMs: 1,
    wasSent: true
  }
}

function aRelay(options = {}) {
  const client = aSink(options)
  const heard: boolean[] = []
  const relay = new AnswerRelay(client.sink, {
    tail: null,
    ownHeaders: () => [['x-weft-identity', 'user']],
    onAnswer: (isWorkspace) => heard.push(isWorkspace)
  })
  return { relay, heard, ...client }
}

describe('an answer on its way to the client', () => {
  test.each([200, 201, 404, 429, 500, 503])('of status %i is passed on at once', (status) => {
    const { relay, seen, body } = aRelay()
    expect(relay.onHead(status, json)).toBe('stream')
    expect(seen.status).toBe(status)
    relay.onData(Buffer.from('part'))
    expect(body().toString()).toBe('part')
    expect(relay.receivedBytes).toBe(4)
  })

  test.each([400, 401, 403])('of status %i is held back until it has been judged', (status) => {
    const { relay, seen, body } = aRelay()
    expect(relay.onHead(status, json)).toEqual({ collect: 64 * 1024 })
    expect(seen.status).toBeNull()
    expect(relay.isPassing).toBe(false)
    relay.release(endWith(Buffer.from('words')))
    expect(seen.status).toBe(status)
    expect(body().toString()).toBe('words')
  })

  test('that was held back but is too long to judge passes from its first byte on', () => {
    const { relay, seen, body } = aRelay()
    relay.onHead(400, json)
    const late = Buffer.alloc(70_000, 'x')
    relay.onData(late)
    relay.release(endWith(null))
    expect(seen.status).toBe(400)
    expect(body()).toEqual(late)
  })

  test('without a body is passed on too', () => {
    const { relay, seen } = aRelay()
    relay.onHead(403, [])
    relay.release(endWith(Buffer.alloc(0)))
    expect(seen.status).toBe(403)
    expect(seen.chunks).toEqual([])
  })

  test.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
    ['zstd', zstdCompressSync],
    ['X-Gzip', gzipSync]
  ] as const)('that is %s is judged by its text and passed on as its bytes', (encoding, pack) => {
    const { relay, body, header } = aRelay()
    const packed = pack(Buffer.from('{"error_code":403}'))
    relay.onHead(403, [...json, ['content-encoding', encoding]])
    expect(relay.textOf(endWith(packed))).toBe('{"error_code":403}')
    relay.release(endWith(packed))
    expect(body()).toEqual(packed)
    expect(header('content-encoding')).toBe(encoding)
  })

  test('that unpacks to far too much, or not at all, is judged as empty', () => {
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024))
    for (const bytes of [bomb, Buffer.from('no gzip'), bomb.subarray(0, 100)]) {
      const { relay } = aRelay()
      relay.onHead(403, [['content-encoding', 'gzip']])
      expect(relay.textOf(endWith(bytes))).toBe('')
    }
  })

  test('keeps only the headers that a client needs, and gets those of Weft', () => {
    const { relay, seen } = aRelay()
    relay.onHead(200, [
      ...json,
      ['content-length', '2'],
      ['retry-after', '3'],
      ['set-cookie', 'session=1'],
      ['server', 'databricks'],
      ['www-authenticate', 'Bearer'],
      ['access-control-allow-origin', '*'],
      ['location', 'https://elsewhere.example'],
      ['x-databricks-org-id', '1'],
      ['x-weft-problem', 'not_found'],
      ['strict-transport-security', 'max-age=1']
    ])
    expect(seen.headers).toEqual([
      ...json,
      ['content-length', '2'],
      ['retry-after', '3'],
      ['x-databricks-org-id', '1'],
      ['x-weft-identity', 'user']
    ])
  })

  test('that is an event stream asks proxies not to hold it back', () => {
    const { relay, header } = aRelay()
    relay.onHead(200, [['content-type', 'Text/Event-Stream; charset=utf-8']])
    expect(header('x-accel-buffering')).toBe('no')
  })

  test('passes what drivers of SQL read their errors from', () => {
    const { relay, header } = aRelay()
    relay.onHead(500, [
      ['content-type', 'application/x-thrift'],
      ['x-thriftserver-error-message', 'no such session']
    ])
    expect(header('x-thriftserver-error-message')).toBe('no such session')
    expect(header('content-type')).toBe('application/x-thrift')
  })

  test.each([
    [true, 200, []],
    [true, 404, []],
    [true, 429, [['content-type', 'text/html']]],
    [true, 500, [['content-type', 'text/html']]],
    [true, 503, json],
    [true, 503, [['x-databricks-org-id', '1']]],
    [true, 503, [['x-thriftserver-error-message', 'starting']]],
    [false, 502, [['content-type', 'text/html']]],
    [false, 503, [['content-type', 'text/plain']]],
    [false, 504, []]
  ] as [boolean, number, HeaderPairs][])(
    'is the word of the workspace itself: %s for %i with %j',
    (isWorkspace, status, headers) => {
      const { relay, heard } = aRelay()
      relay.onHead(status, headers)
      expect(heard).toEqual([isWorkspace])
    }
  )

  test('waits for a client that reads slowly, and goes on when it has read', () => {
    const { relay, drain } = aRelay({ isSlow: true })
    let resumed = 0
    const resume = () => {
      resumed += 1
    }
    relay.onStart({ resume, abort: () => {} })
    relay.onHead(200, json)
    expect(relay.onData(Buffer.from('a'))).toBe(false)
    expect(resumed).toBe(0)
    drain()
    expect(resumed).toBe(1)
  })
})
