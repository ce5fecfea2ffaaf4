import { createHash, randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { Gateway, GatewayOutcome } from '../../src/gateway/gateway.ts'
import type { App } from '../../src/http/route.ts'
import { appWith, fabricId, service, tokens } from './fakes.ts'
import { bytesOf, call, exchange, listen } from './sockets.ts'

const path = `/fabrics/${fabricId}/serving-endpoints/chat/invocations`
const head = `Host: weft.test\r\nAuthorization: Bearer ${tokens.service}`
const length = 6_000_000
const outcome: GatewayOutcome = {
  operation: 'endpoint.query',
  fabricId,
  identity: 'service_principal',
  tokenSource: 'cached',
  upstreamMs: 12,
  upstreamStatus: 200,
  code: null
}

let app: App | undefined
afterEach(() => app?.close())

async function serve(handle: Gateway['handle']) {
  const built = await appWith({ gateway: { handle } })
  app = built.app
  return { port: await listen(built.app), server: built.app.server }
}

const answer: Gateway['handle'] = async (_call, sink) => {
  sink.head(200, [])
  sink.end()
  return outcome
}

describe('the rest of a large body', () => {
  test.each<readonly [string, number, Gateway['handle']]>([
    ['that a refused call brings', 403, () => Promise.reject(new AppError('forbidden'))],
    ['that is answered without being read', 200, answer],
    [
      'that is answered in its midst',
      200,
      async (received, sink) => {
        if (received.body instanceof Readable) for await (const _ of received.body) break
        return await answer(received, sink)
      }
    ]
  ])('%s does not stand in the way of the next call', async (_name, status, handle) => {
    const { port } = await serve((received, sink) =>
      received.method === 'POST' ? handle(received, sink) : answer(received, sink)
    )
    const large = `POST ${path} HTTP/1.1\r\n${head}\r\nContent-Length: ${length}\r\n\r\n`
    const next = `GET ${path} HTTP/1.1\r\n${head}\r\nConnection: close\r\n\r\n`
    const said = await exchange(port, large + 'x'.repeat(length) + next)
    const statuses = [...said.matchAll(/HTTP\/1\.1 (\d+) /g)].map((line) => Number(line[1]))
    expect(statuses).toEqual([status, 200])
  })

  test('stays with the client until somebody reads it, and arrives whole then', async () => {
    const sent = randomBytes(length)
    const isAsked = Promise.withResolvers<void>()
    const mayRead = Promise.withResolvers<void>()
    const { port, server } = await serve(async ({ body }, sink) => {
      isAsked.resolve()
      await mayRead.promise
      const hash = createHash('sha256')
      for await (const chunk of body as Readable) hash.update(chunk)
      sink.head(200, [])
      sink.write(hash.digest())
      sink.end()
      return outcome
    })
    const sockets: Socket[] = []
    server.on('connection', (socket: Socket) => sockets.push(socket))
    const headers = { ...service(), 'content-length': length }
    const answered = call(port, { method: 'POST', path, headers }, sent)
    await isAsked.promise
    // A few turns in which it would all come, were it let.
    for (let turn = 0; turn < 50; turn += 1) await call(port, { path: '/healthz' })
    const taken = sockets[0]?.bytesRead ?? 0
    expect(taken).toBeGreaterThan(0)
    expect(taken).toBeLessThan(1024 * 1024)
    mayRead.resolve()
    const { body } = await answered
    expect(body.equals(createHash('sha256').update(sent).digest())).toBe(true)
  })

  test('that is more than allowed is cut where it is too much, and the reader told why', async () => {
    const failed = Promise.withResolvers<unknown>()
    const { port } = await serve(async ({ body }) => {
      try {
        await bytesOf(body as Readable)
      } catch (error) {
        failed.resolve(error)
      }
      throw new AppError('upstream_unavailable')
    })
    const piece = `100000\r\n${'x'.repeat(0x100000)}\r\n`
    const large = `POST ${path} HTTP/1.1\r\n${head}\r\nTransfer-Encoding: chunked\r\n\r\n`
    const said = await exchange(port, `${large}${piece.repeat(17)}0\r\n\r\n`)
    expect(said).toMatch(/^HTTP\/1\.1 413 /)
    expect(await failed.promise).toMatchObject({ code: 'body_too_large' })
  })
})
