import { afterEach, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { App } from '../../src/http/route.ts'
import { anonymous, appWith, browser, fabricId, now, service, tokens } from './fakes.ts'
import { answerOf, call, listen, open } from './sockets.ts'

let app: App | undefined
afterEach(() => app?.close())

const path = `/fabrics/${fabricId}/serving-endpoints/chat/invocations`

test('H6 503 overloaded before a byte of the body is read; management and health still answer', async () => {
  const built = await appWith({
    gateway: {
      enter: () => {
        throw new AppError('overloaded', { retryAt: new Date(now.getTime() + 1_400) })
      }
    }
  })
  app = built.app
  const port = await listen(built.app)
  const req = open(port, {
    method: 'POST',
    path,
    headers: { ...service(), 'content-length': 1_000_000 }
  })
  req.on('error', () => {})
  req.flushHeaders()
  const { statusCode, headers } = await answerOf(req)
  expect([statusCode, headers['x-weft-problem'], headers['retry-after']]).toEqual([
    503,
    'overloaded',
    '2'
  ])
  req.destroy()
  expect((await call(port, { path: '/healthz', headers: anonymous })).status).toBe(200)
  expect((await call(port, { path: '/readyz', headers: anonymous })).status).toBe(200)
  const me = await call(port, { path: '/api/v1/me', headers: browser(tokens.admin) })
  expect(me.status).toBe(200)
})

test('H6 room is given back once, however the call ends', async () => {
  let inFlight = 0
  const endings = ['answered', 'refused', 'no such fabric', 'cut'] as const
  const built = await appWith({
    gateway: {
      enter: () => {
        inFlight += 1
        return () => {
          inFlight -= 1
        }
      },
      handle: async ({ query }, sink) => {
        if (query === 'refused') throw new AppError('not_found')
        sink.head(204, [])
        if (query === 'cut') throw new AppError('upstream_unavailable')
        sink.end()
        throw new AppError('internal')
      }
    }
  })
  app = built.app
  const port = await listen(built.app)
  for (const ending of endings) {
    const target = ending === 'no such fabric' ? '/fabrics/x/y' : `${path}?${ending}`
    await call(port, { path: target, headers: service() }).catch(() => null)
  }
  await expect.poll(() => inFlight).toBe(0)
})
