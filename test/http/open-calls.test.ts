import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { Gateway, GatewayOutcome } from '../../src/gateway/gateway.ts'
import type { App } from '../../src/http/route.ts'
import { appWith, browser, type Fakes, fabricId, service, tokens } from './fakes.ts'
import { answerOf, call, listen, open } from './sockets.ts'

let app: App
afterEach(() => app.close())

const path = `/fabrics/${fabricId}/serving-endpoints/probe/invocations`
const outcome: GatewayOutcome = {
  operation: 'endpoint.query',
  fabricId,
  identity: 'user',
  tokenSource: 'cached',
  upstreamMs: 1,
  upstreamStatus: 200,
  code: null
}

interface Watched {
  recheck: () => Promise<unknown>
  end: (why: AppError) => void
}

/** An app whose one open call the test holds in its hands. */
async function serve(fakes: Fakes) {
  const { promise: opened, resolve } = Promise.withResolvers<Watched>()
  let isClosed = false
  const built = await appWith({
    ...fakes,
    identity: {
      ...fakes.identity,
      openCalls: {
        open: (_scope, recheck, end) => {
          resolve({ recheck, end })
          return () => {
            isClosed = true
          }
        },
        review: async () => {}
      }
    }
  })
  app = built.app
  return { port: await listen(app), opened, lines: built.lines, isClosed: () => isClosed }
}

/** Answers nothing until it is aborted, as an upstream that takes its time. */
const silent: Gateway['handle'] = ({ signal }) =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(outcome)
    signal.addEventListener('abort', () => resolve(outcome))
  })

describe('A13 a caller who may no longer', () => {
  test('401 in words where the answer has not begun', async () => {
    const { port, opened, lines, isClosed } = await serve({ gateway: { handle: silent } })
    const answer = call(port, { method: 'POST', path, headers: service() }, '{}')
    const { end } = await opened
    end(new AppError('unauthenticated'))
    const { status, headers } = await answer
    expect([status, headers['x-weft-problem']]).toEqual([401, 'unauthenticated'])
    expect(isClosed()).toBe(true)
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  test('a stream under way is cut, which no client takes for its end', async () => {
    const { port, opened, lines } = await serve({
      gateway: {
        handle: (received, sink) => {
          sink.head(200, [['content-type', 'text/event-stream']])
          sink.write(Buffer.from('data: one\n\n'))
          return silent(received, sink)
        }
      }
    })
    const req = open(port, { method: 'POST', path, headers: service() })
    req.end('{}')
    const res = await answerOf(req)
    await once(res, 'data')
    const { end } = await opened
    end(new AppError('unauthenticated'))
    await expect(once(res, 'end')).rejects.toThrow(/aborted|reset/)
    expect(res.complete).toBe(false)
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ status: 200, code: 'unauthenticated', aborted: true })
  })

  test('is asked about as the call came: the same credential, the same fabric', async () => {
    const asked: unknown[] = []
    const { port, opened } = await serve({
      gateway: {
        handle: silent,
        recheck: async ({ scope, fabricId, headers }) => {
          asked.push(scope.actor.kind, fabricId, headers['x-weft-act-as'])
          throw new AppError('not_found')
        }
      }
    })
    const headers = { ...service(), 'x-weft-act-as': 'service_principal' }
    const answer = call(port, { method: 'POST', path, headers }, '{}')
    const { recheck, end } = await opened
    const why = await recheck().catch((err: AppError) => err)
    expect(asked).toEqual(['service_account', fabricId, 'service_principal'])
    end(why as AppError)
    expect((await answer).status).toBe(404)
  })

  test('an answer that is whole already stays whole', async () => {
    const { port, opened } = await serve({
      gateway: {
        handle: async (_call, sink) => {
          const { end } = await opened
          sink.head(200, [['content-length', '2']])
          sink.write(Buffer.from('ok'))
          sink.end()
          end(new AppError('unauthenticated'))
          return outcome
        }
      }
    })
    const { status, body } = await call(port, { method: 'POST', path, headers: service() }, '{}')
    expect([status, String(body)]).toEqual([200, 'ok'])
  })

  test('the events of a connection test end with the problem', async () => {
    const { port, opened } = await serve({
      fabrics: {
        testConnection: (_scope, _id, _as, { onStep }, signal) => {
          onStep({ step: 'host', status: 'passed', durationMs: 1 })
          return new Promise((_resolve, reject) =>
            signal?.addEventListener('abort', () => reject(new AppError('upstream_timeout')))
          )
        }
      }
    })
    const headers = {
      ...browser(tokens.admin),
      accept: 'text/event-stream',
      'content-type': 'application/json'
    }
    const test = `/api/v1/fabrics/${fabricId}/test-connection`
    const answer = call(port, { method: 'POST', path: test, headers }, '{"as":"user"}')
    const { end } = await opened
    end(new AppError('unauthenticated'))
    expect(String((await answer).body)).toMatch(/event: problem\ndata: .*"unauthenticated"/)
  })
})
