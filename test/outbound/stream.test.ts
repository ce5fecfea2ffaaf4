import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { PassThrough, Readable } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import type {
  Lookup,
  StreamControl,
  StreamRequest,
  StreamSink
} from '../../src/outbound/outbound.ts'
import { wasNeverSent } from '../../src/outbound/outbound.ts'
import { canary, deadlines, failure, listen, outboundTo, toLoopback } from './fixtures.ts'
import { bodyOf, httpsServer, rawServer, type TestServer, tcpServer } from './hostile-server.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function place(server: TestServer, lookup: Lookup = toLoopback) {
  const origin = `https://workspace.test:${server.port}`
  const outbound = outboundTo([origin], lookup)
  closers.push(server.close, outbound.destroy)
  const call = (request: Partial<StreamRequest> = {}, sink: Partial<StreamSink> = {}) =>
    listen(outbound, origin, request, sink)
  return { origin, outbound, server, call }
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void

async function upstream(handler: Handler) {
  return place(await httpsServer(handler))
}

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
      { deadlines: { ...deadlines, idleMs: 150 } },
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
    await once(AbortSignal.timeout(400), 'abort')
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

  it('are left alive when the upstream hangs up', async () => {
    const { call } = await upstream((req) => req.socket.destroy())
    const body = new PassThrough()
    body.write('a')
    const err = await failure(call({ method: 'POST', body }).end)
    expect([err.code, wasNeverSent(err)]).toEqual(['upstream_unavailable', false])
    expect(body.destroyed).toBe(false)
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

describe('H3 F37 the caller leaves', () => {
  it('before the call: nothing is dialled', async () => {
    const { call, server } = await upstream((_req, res) => res.end())
    const end = await call({ signal: AbortSignal.abort() }).end
    expect(end).toMatchObject({ outcome: 'aborted', wasSent: false })
    expect(server.connections()).toBe(0)
  })

  it('while the name is looked up: nothing is sent once it is known', async () => {
    let requests = 0
    const server = await httpsServer((_req, res) => {
      requests += 1
      res.end()
    })
    const looking = Promise.withResolvers<void>()
    const known = Promise.withResolvers<void>()
    const { call, outbound } = place(server, async () => {
      looking.resolve()
      await known.promise
      return [{ address: '127.0.0.1', family: 4 }]
    })
    const leave = new AbortController()
    const { end } = call({ signal: leave.signal })
    await looking.promise
    leave.abort()
    expect(await end).toMatchObject({ outcome: 'aborted', wasSent: false })
    known.resolve()
    await outbound.close()
    expect(requests).toBe(0)
  })

  it('before the head: the upstream sees the connection close at once', async () => {
    const arrived = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const { call } = await upstream((req) => {
      req.socket.once('close', () => gone.resolve())
      arrived.resolve()
    })
    const leave = new AbortController()
    const { end } = call({ signal: leave.signal })
    await arrived.promise
    const startedMs = performance.now()
    leave.abort()
    expect(await end).toMatchObject({ outcome: 'aborted', wasSent: true, firstByteMs: null })
    await gone.promise
    expect(performance.now() - startedMs).toBeLessThan(200)
  })

  it.each([true, false])('mid-stream, reader reading %s: the same', async (isReading) => {
    const gone = Promise.withResolvers<void>()
    const { call } = await upstream((req, res) => {
      req.socket.once('close', () => gone.resolve())
      res.write('data: 1\n\n')
    })
    const leave = new AbortController()
    const first = Promise.withResolvers<void>()
    const onData = () => {
      first.resolve()
      return isReading
    }
    const { end } = call({ signal: leave.signal }, { onData })
    await first.promise
    const startedMs = performance.now()
    leave.abort()
    expect((await end).outcome).toBe('aborted')
    await gone.promise
    expect(performance.now() - startedMs).toBeLessThan(200)
  })

  it('by the sink’s own control: the same', async () => {
    const gone = Promise.withResolvers<void>()
    const { call } = await upstream((req, res) => {
      req.socket.once('close', () => gone.resolve())
      res.write('x')
    })
    let control: StreamControl | undefined
    const { end } = call(
      {},
      {
        onStart: (given) => {
          control = given
        },
        onData: () => {
          control?.abort()
          return false
        }
      }
    )
    expect((await end).outcome).toBe('aborted')
    await gone.promise
  })
})

describe('deadlines, each apart', () => {
  it('connect: provably never sent', async () => {
    const { call } = place(await tcpServer(() => {}))
    const err = await failure(call({ deadlines: { ...deadlines, connectMs: 100 } }).end)
    expect([err.code, err.note]).toEqual(['workspace_unreachable', 'connect deadline of 100 ms'])
    expect(wasNeverSent(err)).toBe(true)
  })

  it.each([
    ['first_byte', { firstByteMs: 100 }, () => {}],
    ['idle', { idleMs: 100 }, (res: ServerResponse) => res.write('data: 1\n\n')],
    [
      'total',
      { totalMs: 200 },
      (res: ServerResponse) => {
        const timer = setInterval(() => res.write('.'), 20)
        res.on('close', () => clearInterval(timer))
      }
    ]
  ] as const)('%s: upstream_timeout, and the upstream is let go', async (name, limit, talk) => {
    const gone = Promise.withResolvers<void>()
    const { call } = await upstream((req, res) => {
      req.socket.once('close', () => gone.resolve())
      talk(res)
    })
    const err = await failure(call({ deadlines: { ...deadlines, ...limit } }).end)
    expect(err.code).toBe('upstream_timeout')
    expect(err.note).toMatch(new RegExp(`^${name} deadline`))
    expect(wasNeverSent(err)).toBe(false)
    await gone.promise
  })
})

describe('H3 the upstream fails', () => {
  it.each([
    ['chunked', 'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n'],
    ['counted', 'content-length: 50\r\n\r\nhello']
  ])('a %s answer that is cut is an error, never a clean end', async (_name, rest) => {
    const { call } = place(
      await rawServer((socket) =>
        socket.once('data', () => socket.end(`HTTP/1.1 200 OK\r\n${rest}`))
      )
    )
    const { heard, end } = call()
    const err = await failure(end)
    expect([err.code, err.note?.split(' ')[0], wasNeverSent(err)]).toEqual([
      'upstream_unavailable',
      'cut',
      false
    ])
    expect(heard.chunks.join('')).toBe('hello')
  })

  it('a hang-up without an answer may have been acted on', async () => {
    const { call } = await upstream((req) => req.socket.destroy())
    const err = await failure(call({ method: 'POST', body: Buffer.from('x') }).end)
    expect([err.code, err.note?.split(' ')[0]]).toEqual(['upstream_unavailable', 'reset'])
    expect(wasNeverSent(err)).toBe(false)
  })

  it('no listener: never sent, and the next call dials anew', async () => {
    const here = await upstream((_req, res) => res.end())
    await here.server.close()
    closers.splice(0, 1)
    for (let i = 0; i < 2; i += 1) {
      const err = await failure(here.call().end)
      expect([err.code, wasNeverSent(err)]).toEqual(['workspace_unreachable', true])
    }
  })

  it('a redirect reaches the reader as it is', async () => {
    const { call } = await upstream((_req, res) =>
      res.writeHead(307, { location: 'http://169.254.169.254/' }).end()
    )
    const { heard, end } = call()
    await end
    expect([heard.status, heard.headers.location]).toEqual([307, 'http://169.254.169.254/'])
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

describe('H4 shutting down', () => {
  it('close waits for the stream under way and takes no new one', async () => {
    const { promise: response, resolve } = Promise.withResolvers<ServerResponse>()
    const { call, outbound } = await upstream((_req, res) => {
      res.write('a')
      resolve(res)
    })
    const { heard, end } = call()
    const res = await response
    const closed = outbound.close()
    expect((await failure(call().end)).code).toBe('shutting_down')
    res.end('b')
    expect((await end).outcome).toBe('complete')
    expect(heard.chunks.join('')).toBe('ab')
    await closed
  })

  it('destroy drops it', async () => {
    const { call, outbound } = await upstream((_req, res) => res.write('a'))
    const first = Promise.withResolvers<void>()
    const { end } = call(
      {},
      {
        onData: () => {
          first.resolve()
          return true
        }
      }
    )
    await first.promise
    const failed = failure(end)
    await outbound.destroy()
    expect((await failed).code).toBe('upstream_unavailable')
  })
})

it('F38 early leavers leave no socket behind', async () => {
  const { call, server, outbound } = await upstream((_req, res) => res.write('x'))
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const leave = new AbortController()
      const onHead = () => {
        leave.abort()
        return 'stream' as const
      }
      const { end } = call({ signal: leave.signal }, { onHead })
      if (i % 2 === 0) leave.abort()
      expect((await end).outcome).toBe('aborted')
    })
  )
  await outbound.close() // resolves only when no exchange is left
  expect(server.connections()).toBeLessThanOrEqual(200)
})
