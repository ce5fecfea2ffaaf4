import { connect, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { GatewayOutcome } from '../../src/gateway/gateway.ts'
import type { App } from '../../src/http/route.ts'
import { anonymous, appWith, browser, fabricId, service, tokens } from './fakes.ts'
import { answerOf, bytesOf, call, listen, open, trickle } from './sockets.ts'

let app: App | undefined
afterEach(() => app?.close())

const path = `/fabrics/${fabricId}/serving-endpoints/chat/invocations`
const key = `Authorization: Bearer ${tokens.service}`
const session = `Cookie: __Host-weft_session=${tokens.admin}\r\nx-weft-csrf: 1\r\nsec-fetch-site: same-origin`
const json = 'Content-Type: application/json'

const outcome: GatewayOutcome = {
  operation: 'endpoint.query',
  fabricId,
  identity: null,
  tokenSource: null,
  upstreamMs: null,
  upstreamStatus: null,
  code: null
}

/** Asks for an endless answer and reads none of it; resolves with how long it was let. */
async function neverReads(port: number, { server }: App): Promise<number> {
  const startedAt = performance.now()
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const ours = await new Promise<number | undefined>((resolve) =>
    socket.once('connect', () => resolve(socket.localPort))
  )
  const isOurs = (one: Socket) => one.remotePort === ours
  const theirs = new Promise<void>((resolve) => {
    server.on('request', ({ socket: one }) => isOurs(one) && one.once('close', () => resolve()))
  })
  socket.pause().write(`GET ${path}?endless HTTP/1.1\r\nHost: weft.test\r\n${key}\r\n\r\n`)
  await theirs
  socket.destroy()
  return performance.now() - startedAt
}

describe('H1 H2 under the limits that ship', () => {
  test('T6 trickled headers and bodies and unread answers end within 15 s; others are served all the while', async () => {
    const cut = { bodies: 0, readers: 0 }
    let tell: () => void = () => {}
    const built = await appWith({
      deps: { slowClients: cut },
      gateway: {
        handle: async ({ body, query, signal }, sink) => {
          if (body instanceof Readable) await bytesOf(body)
          sink.head(200, [['content-type', 'text/event-stream']])
          if (query === 'endless') {
            while (!signal.aborted) {
              if (sink.write(Buffer.alloc(65_536))) continue
              const drained = new Promise<void>((resolve) => sink.onDrain(resolve))
              const left = new Promise<void>((resolve) => {
                signal.addEventListener('abort', resolve)
              })
              await Promise.race([drained, left])
            }
            throw new AppError('upstream_unavailable')
          }
          await new Promise<void>((resolve) => {
            tell = resolve
          })
          sink.write(Buffer.from('data: late\n\n'))
          sink.end()
          return outcome
        }
      }
    })
    app = built.app
    const port = await listen(app)
    const slow = Promise.all([
      trickle(port, 'GET / HTTP/1.1\r\nHost: weft.test\r\nX-Slow: ', 1_500),
      trickle(
        port,
        `POST /api/v1/fabrics HTTP/1.1\r\nHost: weft.test\r\n${session}\r\n${json}\r\nContent-Length: 5000\r\n\r\n`,
        1_500
      ),
      trickle(
        port,
        `POST ${path} HTTP/1.1\r\nHost: weft.test\r\n${key}\r\nContent-Length: 5000\r\n\r\n`,
        1_500
      ),
      trickle(
        port,
        `POST ${path} HTTP/1.1\r\nHost: weft.test\r\n${key}\r\nContent-Length: 5000000\r\n\r\n`,
        1_500
      ),
      neverReads(port, built.app)
    ])
    const quiet = open(port, { method: 'POST', path: `${path}?quiet`, headers: service() })
    quiet.end()
    const stream = await answerOf(quiet)
    const other = await call(port, { path: '/healthz', headers: anonymous })
    expect(other.status).toBe(200)
    for (const ms of await slow) expect(ms).toBeLessThan(15_000)
    expect(cut).toEqual({ bodies: 3, readers: 1 })
    // A stream that has nothing to tell is nobody's fault.
    tell()
    expect((await bytesOf(stream)).toString()).toBe('data: late\n\n')
  })
})

describe('a body that is not slow by its own fault', () => {
  test('H1 waits for the workspace as long as that reads slowly', async () => {
    let reading: () => void = () => {}
    const built = await appWith({
      deps: { limits: { slowBodyIntervalMs: 50, slowBodyBytesMin: 1024 } },
      gateway: {
        handle: async ({ body }, sink) => {
          await new Promise<void>((resolve) => {
            reading = resolve
          })
          const received = await bytesOf(body as Readable)
          sink.head(200, [])
          sink.write(Buffer.from(String(received.length)))
          sink.end()
          return outcome
        }
      }
    })
    app = built.app
    const port = await listen(app)
    const headers = { ...service(), 'content-length': 8_000_000 }
    const answer = call(port, { method: 'POST', path, headers }, Buffer.alloc(8_000_000))
    await new Promise((resolve) => setTimeout(resolve, 8 * 50))
    reading()
    expect((await answer).body.toString()).toBe('8000000')
  })
})

describe('H4 closing', () => {
  test('T7 an open stream does not keep the process beyond the drain time', async () => {
    const built = await appWith({
      deps: { limits: { drainMs: 200 } },
      gateway: {
        handle: ({ signal }, sink) => {
          sink.head(200, [['content-type', 'text/event-stream']])
          sink.write(Buffer.from('data: 1\n\n'))
          return new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new TypeError('gone')))
          })
        }
      }
    })
    const port = await listen(built.app)
    const req = open(port, { method: 'POST', path, headers: { ...service() } })
    req.end('{}')
    const res = await answerOf(req)
    res.on('error', () => {})
    res.resume()
    const startedAt = performance.now()
    await built.app.close()
    expect(performance.now() - startedAt).toBeLessThan(1_200)
  })

  test('what is under way ends, and what comes now is told 503 shutting_down', async () => {
    let finish: () => void = () => {}
    let arrive: () => void = () => {}
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const built = await appWith({
      fabrics: {
        list: async () => {
          arrive()
          await new Promise<void>((resolve) => {
            finish = resolve
          })
          return { items: [], nextCursor: null }
        }
      }
    })
    const port = await listen(built.app)
    const sockets: Socket[] = []
    built.app.server.on('connection', (socket: Socket) => sockets.push(socket))
    const headers = browser(tokens.admin)
    const underWay = call(port, { path: '/api/v1/fabrics', headers })
    const late = connect(port, '127.0.0.1')
    late.write('GET /api/v1/me HTTP/1.1\r\n')
    await arrived
    await expect.poll(() => sockets.filter(({ bytesRead }) => bytesRead > 0)).toHaveLength(2)
    const closing = built.app.close()
    late.write('Host: weft.test\r\n\r\n')
    const told = await bytesOf(late)
    expect(told.toString()).toMatch(/^HTTP\/1.1 503 .*"code":"shutting_down"/s)
    finish()
    expect((await underWay).status).toBe(200)
    await closing
  })
})
