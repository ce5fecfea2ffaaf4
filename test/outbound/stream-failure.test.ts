import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { wasNeverSent } from '../../src/outbound/outbound.ts'
import { deadlines, failure } from './fixtures.ts'
import { rawServer, tcpServer } from './hostile-server.ts'

import { place, upstream } from './place.ts'

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
