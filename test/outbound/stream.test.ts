import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { StreamControl } from '../../src/outbound/outbound.ts'
import { wasNeverSent } from '../../src/outbound/outbound.ts'
import { canary, deadlines, failure } from './fixtures.ts'
import { bodyOf, rawServer } from './hostile-server.ts'

import { place, upstream } from './place.ts'

describe('what passes', () => {
  it('F1 F2 the upstream sees our bearer alone, no hop-by-hop header and the body byte for byte', async () => {
    const seen: unknown[] = []
    const { call, origin } = await upstream(async (req, res) => {
      seen.push(req.rawHeaders, await bodyOf(req))
      res.end()
    })
    const body = Buffer.from('{ "a" : 1 }\n')
    const headers = [
      ...['Content-Type', 'application/json', 'authorization', 'Bearer wfts_x', 'cookie', 'a=b'],
      ...['Proxy-Authorization', 'x', 'connection', 'authorization, x-tenant', 'te', 'trailers'],
      ...[
        'content-length',
        '3',
        'host',
        'evil.test',
        'expect',
        '100-continue',
        'x-a',
        '1',
        'X-A',
        '2'
      ]
    ]
    const { end } = call({ method: 'POST', path: '/a?b=c', headers, body })
    expect(await end).toMatchObject({ outcome: 'complete', sentBytes: 12, wasSent: true })
    const sent = [
      ...[
        'host',
        new URL(origin).host,
        'connection',
        'keep-alive',
        'content-type',
        'application/json'
      ],
      ...['x-a', '1', 'x-a', '2', 'user-agent', 'weft-test/1', 'authorization', `Bearer ${canary}`],
      ...['content-length', '12']
    ]
    expect(seen).toEqual([sent, '{ "a" : 1 }\n'])
  })

  it('each event reaches the reader before the next one is sent', async () => {
    const { promise: response, resolve } = Promise.withResolvers<ServerResponse>()
    const { call } = await upstream((_req, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      resolve(res)
    })
    const heard = new PassThrough({ objectMode: true })
    const { end } = call({}, { onData: (chunk) => heard.write(chunk.toString()) })
    const res = await response
    for (const event of ['data: 1\n\n', 'data: 2\n\n', 'data: [DONE]\n\n']) {
      res.write(event)
      expect(await once(heard, 'data')).toEqual([event])
    }
    res.end()
    expect(await end).toMatchObject({ outcome: 'complete', receivedBytes: 32, collected: null })
  })

  it('F2 the answer’s hop-by-hop headers stay here, those that Connection names among them', async () => {
    const { call } = place(
      await rawServer((socket) => {
        socket.end(
          'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n' +
            'HTTP/1.1 200 OK\r\nConnection: close, X-Secret\r\nX-Secret: 1\r\nKeep-Alive: timeout=1\r\n' +
            'Transfer-Encoding: chunked\r\nX-Kept: ü\r\n\r\n2\r\nhi\r\n0\r\nx-trailer: 1\r\n\r\n'
        )
      })
    )
    const { heard, end } = call()
    expect(await end).toMatchObject({ outcome: 'complete', hasTrailers: true })
    expect(heard.status).toBe(200)
    expect(Object.keys(heard.headers)).toEqual(['x-kept'])
    expect(heard.chunks.join('')).toBe('hi')
  })

  it('H2 a slow reader pauses the upstream and loses no byte', async () => {
    const total = 24 * 1024 * 1024
    let written = 0
    const { call } = await upstream((_req, res) => {
      const chunk = Buffer.alloc(65_536, 'z')
      const push = () => {
        while (written < total) {
          written += chunk.length
          if (!res.write(chunk)) return
        }
        res.end()
      }
      res.on('drain', push)
      push()
    })
    const { promise: paused, resolve: tellPaused } = Promise.withResolvers<void>()
    let control: StreamControl | undefined
    let isOpen = false
    const { end } = call(
      { deadlines: { ...deadlines, idleMs: 1_000 } },
      {
        onStart: (given) => {
          control = given
        },
        onData: () => {
          if (!isOpen) tellPaused()
          return isOpen
        }
      }
    )
    await paused
    // Longer than the idle deadline, which is not the upstream's to keep while the reader pauses.
    await once(AbortSignal.timeout(1_300), 'abort')
    expect(written).toBeLessThan(total)
    isOpen = true
    control?.resume()
    expect(await end).toMatchObject({ outcome: 'complete', receivedBytes: total })
  })

  it('a small answer is collected, a longer one streams after all', async () => {
    const { call } = await upstream((req, res) => {
      res.writeHead(403).end('x'.repeat(Number(req.url?.slice(1))))
    })
    const collect = { onHead: () => ({ collect: 100 }) }
    const small = call({ path: '/100' }, collect)
    expect((await small.end).collected?.length).toBe(100)
    expect(small.heard.chunks).toEqual([])
    const large = call({ path: '/101' }, collect)
    expect((await large.end).collected).toBeNull()
    expect(large.heard.chunks.join('')).toBe('x'.repeat(101))
  })
})

describe('request bodies that stream', () => {
  it('pass byte for byte, however slowly they come', async () => {
    const { call } = await upstream(async (req, res) => {
      res.end(await bodyOf(req))
    })
    const body = new PassThrough()
    const limits = { ...deadlines, firstByteMs: 300 }
    const { heard, end } = call({ method: 'POST', body, deadlines: limits })
    for (const part of ['a', 'b', 'c', 'd']) {
      body.write(part)
      await once(AbortSignal.timeout(120), 'abort')
    }
    body.end('e')
    expect(await end).toMatchObject({ outcome: 'complete', sentBytes: 5 })
    expect(heard.chunks.join('')).toBe('abcde')
  })

  it('are let go of when the upstream hangs up', async () => {
    const { call } = await upstream((req) => req.socket.destroy())
    const body = new PassThrough()
    body.write('a')
    const err = await failure(call({ method: 'POST', body }).end)
    expect([err.code, wasNeverSent(err)]).toEqual(['upstream_unavailable', false])
    expect(body.destroyed).toBe(true)
  })

  it('that end early are the caller’s fault, and the upstream sees no whole request', async () => {
    let ended = false
    const { call } = await upstream((req) => {
      req.on('end', () => {
        ended = true
      })
    })
    const body = new Readable({ read() {} })
    body.push('a')
    const { end } = call({ method: 'POST', body })
    setTimeout(() => body.destroy(), 50)
    expect((await failure(end)).code).toBe('invalid_request')
    expect(ended).toBe(false)
  })
})

it.each([
  '/serving-endpoints/../invocations',
  '/serving-endpoints/%2e%2e/invocations',
  '/serving-endpoints/..%2f/./x',
  '//evil.test/x',
  '/\\evil.test',
  'https://evil.test/',
  'x',
  '',
  '/a b',
  '/a\r\nx: y',
  '/a\tb',
  '/a#b',
  '/ü'
])('E6 T5 a path that is not in its final form is not sent: %j', async (path) => {
  const { call, server } = await upstream((_req, res) => res.end())
  expect((await failure(call({ path }).end)).code).toBe('path_not_allowed')
  expect(server.connections()).toBe(0)
})
