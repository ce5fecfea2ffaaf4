import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { canary, failure, failureCode } from './fixtures.ts'
import { bodyOf, httpServer, httpsServer, rawServer, tcpServer } from './hostile-server.ts'

const redirectStatuses = [301, 302, 303, 307, 308]

import { place } from './place.ts'

describe('request', () => {
  it('sends what it was given, with one authorization, and gives back status, headers and body', async () => {
    const seen: unknown[] = []
    const { get, origin } = place(
      await httpsServer(async (req, res) => {
        seen.push(req.method, req.url, req.rawHeaders, await bodyOf(req))
        res
          .writeHead(
            201,
            [
              ['x-a', '1'],
              ['x-a', '2'],
              ['set-cookie', 'a=b']
            ].flat()
          )
          .end('{"ok":true}')
      })
    )
    const answer = await get({
      url: `${origin}/api/x?y=1#hash`,
      method: 'POST',
      body: '{"a":1}',
      bearer: new Secret(canary),
      headers: {
        'Content-Type': 'application/json',
        Authorization: 'Bearer other',
        Cookie: 'a=b',
        Host: 'evil.test',
        Connection: 'authorization',
        'Accept-Encoding': 'gzip',
        'Content-Length': '999',
        TE: 'trailers'
      }
    })
    expect(seen).toEqual([
      'POST',
      '/api/x?y=1',
      [
        ['host', new URL(origin).host],
        ['connection', 'keep-alive'],
        ['content-type', 'application/json'],
        ['user-agent', 'weft-test/1'],
        ['authorization', `Bearer ${canary}`],
        ['content-length', '7']
      ].flat(),
      '{"a":1}'
    ])
    expect([answer.status, answer.body.toString()]).toEqual([201, '{"ok":true}'])
    expect({ ...answer.headers }).toMatchObject({ 'x-a': '1, 2' })
    expect(answer.headers).not.toHaveProperty('set-cookie')
    expect(answer.timing.totalMs).toBeGreaterThanOrEqual(answer.timing.firstByteMs)
  })

  it.each(redirectStatuses)('E5 B11 a %i is handed back and not followed', async (status) => {
    const bait = place(await httpServer((_req, res) => res.end()), {
      host: '127.0.0.1',
      protocol: 'http'
    })
    const { get } = place(
      await httpsServer((_req, res) => res.writeHead(status, { location: bait.origin }).end())
    )
    const answer = await get({ bearer: new Secret(canary) })
    expect([answer.status, answer.headers.location]).toEqual([status, bait.origin])
    expect(bait.server.connections()).toBe(0)
  })
})

describe('E8 response bombs', () => {
  it('an endless body is cut at the byte cap', async () => {
    let written = 0
    const { get } = place(
      await httpsServer((_req, res) => {
        const chunk = Buffer.alloc(65_536, 'a')
        const push = () => {
          while (!res.destroyed && res.write(chunk)) written += chunk.length
        }
        res.on('drain', push)
        push()
      })
    )
    const err = await failure(get({ maxBytes: 100_000 }))
    expect([err.code, err.note]).toEqual([
      'upstream_unavailable',
      'an answer of more than 100000 bytes'
    ])
    expect(written).toBeLessThan(16_000_000)
  })

  it('the cap is exact', async () => {
    const { get } = place(await httpsServer((_req, res) => res.end('x'.repeat(1_000))))
    expect((await get({ maxBytes: 1_000 })).body.length).toBe(1_000)
    expect(await failureCode(get({ maxBytes: 999 }))).toBe('upstream_unavailable')
  })

  it('a compressed answer that nobody asked for is refused before it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(8_000_000))
    const { get } = place(
      await httpsServer((_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))
    )
    expect(await failureCode(get())).toBe('upstream_unavailable')
  })

  it('a flood of headers is refused', async () => {
    const { get } = place(
      await rawServer((socket) => {
        const lines = Array.from({ length: 10_000 }, (_, i) => `x-${i}: ${'v'.repeat(20)}\r\n`)
        socket.write(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`)
      })
    )
    const err = await failure(get())
    expect([err.code, err.note]).toEqual(['upstream_unavailable', 'reset UND_ERR_HEADERS_OVERFLOW'])
  })

  it.each([
    ['headers that never end', 'HTTP/1.1 200 OK\r\n', 'x-a: b\r\n'],
    ['one byte at a time', 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', 'a'],
    ['silence', '', '']
  ])('%s meet the total deadline', async (_name, head, drip) => {
    const { get } = place(
      await rawServer((socket) => {
        socket.write(head)
        const timer = setInterval(() => drip !== '' && socket.write(drip), 20)
        socket.on('close', () => clearInterval(timer))
      })
    )
    expect(await failureCode(get({ deadlineMs: 250 }))).toBe('upstream_timeout')
  })

  it('no handshake meets the connect deadline', async () => {
    const { get } = place(await tcpServer(() => {}))
    expect(await failureCode(get({ deadlineMs: 200 }))).toBe('workspace_unreachable')
  })
})

describe('E9 what a failure tells', () => {
  it('no foreign cause, body, URL or token is in it', async () => {
    const { get, origin } = place(
      await rawServer((socket) => {
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nleaky-body')
      })
    )
    const err = await failure(
      get({ url: `${origin}/p?code=leaky-query`, bearer: new Secret(canary) })
    )
    const all = inspect(err, { depth: 9, showHidden: true }) + JSON.stringify(err)
    expect(err.code).toBe('upstream_unavailable')
    expect(err.cause).toBeUndefined()
    for (const secret of ['leaky-body', 'leaky-query', canary]) expect(all).not.toContain(secret)
  })

  it('closed and hung-up doors read the same', async () => {
    const closed = place(await tcpServer(() => {}))
    await closed.server.close()
    const err = await failure(closed.get())
    expect([err.code, err.message]).toEqual([
      'workspace_unreachable',
      'The workspace cannot be reached'
    ])
  })
})

describe('E4 the environment', () => {
  it('names no proxy to us', async () => {
    const proxy = await httpServer((_req, res) => res.end())
    place(proxy)
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY']
    for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`
    const { get } = place(await httpsServer((_req, res) => res.end('direct')))
    const answer = await get()
    for (const name of names) delete process.env[name]
    expect([answer.body.toString(), proxy.connections()]).toEqual(['direct', 0])
  })
})

it('T4 an http extra origin is spoken to in the clear, and to no other port', async () => {
  const { get, origin, outbound, rule } = place(await httpServer((_req, res) => res.end('plain')), {
    host: '127.0.0.1',
    protocol: 'http'
  })
  expect((await get()).body.toString()).toBe('plain')
  await outbound.probe.connect(origin, rule)
  const other = 'http://127.0.0.1:1'
  expect(await failureCode(get({ url: other, rule: { kind: 'origin', origin: other } }))).toBe(
    'host_not_allowed'
  )
})

it('after close no call is taken', async () => {
  const { get, outbound } = place(await httpsServer((_req, res) => res.end()))
  await get()
  await outbound.close()
  expect(await failureCode(get())).toBe('shutting_down')
})
