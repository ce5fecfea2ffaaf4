import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError, type ProblemCode } from '../../src/base/errors.ts'
import { createOutbound, type Outbound, type StreamRequest } from '../../src/outbound/outbound.ts'
import { httpServer } from '../outbound/hostile-server.ts'
import { aCall, aSink, clock, gatewayAt } from './fakes.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

/** The real door to a real workspace, on which chosen tries come to grief first. */
async function world(failureOf: (attempt: number, input: StreamRequest) => ProblemCode | null) {
  const bodies: string[] = []
  const keys: (string | string[] | undefined)[] = []
  const upstream = await httpServer(async (req, res) => {
    let body = ''
    for await (const chunk of req) body += chunk
    bodies.push(body)
    keys.push(req.headers['idempotency-key'])
    res.end('fine')
  })
  const workspaceOrigin = `http://127.0.0.1:${upstream.port}`
  const real = createOutbound({ extraOrigins: [workspaceOrigin], clock, userAgent: 'weft' })
  let attempts = 0
  const outbound: Outbound = {
    ...real,
    async stream(input, sink) {
      attempts += 1
      const code = failureOf(attempts, input)
      if (code !== null) throw new AppError(code)
      return await real.stream(input, sink)
    }
  }
  let aheadMs = 0
  const early = { now: clock.now, monotonicMs: () => clock.monotonicMs() + aheadMs }
  const made = gatewayAt({ workspaceOrigin, outbound, clock: early })
  const pass = (ms: number) => {
    aheadMs += ms
  }
  closers.push(made.close, upstream.close)
  const ask = async (more: Parameters<typeof aCall>[0] = {}) => {
    const client = aSink()
    const error = await made.gateway.handle(aCall(more), client.sink).then(
      () => null,
      (thrown: unknown) => thrown
    )
    const problem = error instanceof AppError ? error : null
    return { code: problem?.code ?? null, retryAt: problem?.retryAt, status: client.seen.status }
  }
  return { ...made, ask, pass, bodies, keys, attempts: () => attempts }
}

const unsent: ProblemCode[] = ['dns_failed', 'tls_failed', 'workspace_unreachable']
const perhapsSent: ProblemCode[] = ['upstream_unavailable', 'upstream_timeout']
const ours: ProblemCode[] = ['overloaded', 'shutting_down', 'host_not_allowed', 'invalid_request']

describe('F41 a call is sent again', () => {
  test.each(unsent)('once, after %s: not a byte of it had been sent', async (code) => {
    const { ask, attempts, bodies, events } = await world((attempt) =>
      attempt === 1 ? code : null
    )
    expect(await ask()).toMatchObject({ code: null, status: 200 })
    expect([attempts(), bodies]).toEqual([2, ['{}']])
    expect(events).toHaveLength(1)
  })

  test.each([...perhapsSent, ...ours])('never, after %s', async (code) => {
    const { ask, attempts, events } = await world(() => code)
    expect(await ask()).toMatchObject({ code, status: null })
    expect(attempts()).toBe(1)
    expect(events.map((event) => event.code)).toEqual([code])
  })

  test('F11 once and no more: the second failure is told', async () => {
    const { ask, attempts } = await world(() => 'workspace_unreachable')
    expect((await ask()).code).toBe('workspace_unreachable')
    expect(attempts()).toBe(2)
  })

  test('F11 never, where the body flowed in and is not kept', async () => {
    const { ask, attempts } = await world(() => 'workspace_unreachable')
    expect((await ask({ body: Readable.from([Buffer.from('{}')]) })).code).toBe(
      'workspace_unreachable'
    )
    expect(attempts()).toBe(1)
  })

  test('F11 never, when its client is gone', async () => {
    const leaving = new AbortController()
    const { ask, attempts } = await world(() => {
      leaving.abort()
      return 'workspace_unreachable'
    })
    await ask({ signal: leaving.signal })
    expect(attempts()).toBe(1)
  })

  test('with the same Idempotency-Key, which is for the workspace to read', async () => {
    const { ask, keys } = await world((attempt) => (attempt === 1 ? 'workspace_unreachable' : null))
    await ask({ headers: { 'idempotency-key': 'k-1' } })
    expect(keys).toEqual(['k-1'])
  })
})

describe('H8 while the workspace is down', () => {
  test('200 calls make a handful of attempts, and those that are refused know when to come again', async () => {
    const { ask, attempts } = await world(() => 'workspace_unreachable')
    const answers = []
    for (let i = 0; i < 200; i += 1) answers.push(await ask())
    expect(attempts()).toBeLessThanOrEqual(20)
    const last = answers.at(-1)
    expect(last?.code).toBe('upstream_unavailable')
    expect(last?.retryAt?.getTime()).toBeGreaterThan(Date.now() - 1_000)
  })

  test('200 calls at once make at most a tenth more attempts', async () => {
    const { ask, attempts } = await world(() => 'workspace_unreachable')
    await Promise.all(Array.from({ length: 200 }, () => ask()))
    expect(attempts()).toBeLessThanOrEqual(220)
  })

  test('a probe that is answered lets every call through again', async () => {
    let isDown = true
    const { ask, pass } = await world(() => (isDown ? 'workspace_unreachable' : null))
    for (let i = 0; i < 6; i += 1) await ask()
    isDown = false
    expect((await ask()).code).toBe('upstream_unavailable')
    pass(1_000)
    for (let i = 0; i < 10; i += 1) expect((await ask()).status).toBe(200)
  })

  test('no token is fetched for a call that has nowhere to go', async () => {
    const { ask, asked } = await world(() => 'workspace_unreachable')
    for (let i = 0; i < 6; i += 1) await ask()
    const before = asked.length
    await ask()
    expect(asked.length - before, 'the fabric is opened, no token is asked for').toBe(1)
  })

  test("a model's own failures do not count, however many there are", async () => {
    const upstream = await httpServer((_req, res) => {
      res.writeHead(503, { 'content-type': 'application/json' }).end('{"error_code":"X"}')
    })
    const made = gatewayAt({ workspaceOrigin: `http://127.0.0.1:${upstream.port}` })
    closers.push(made.close, upstream.close)
    for (let i = 0; i < 20; i += 1) {
      const client = aSink()
      await made.gateway.handle(aCall(), client.sink)
      expect(client.seen.status).toBe(503)
    }
  })

  test("a proxy's pages in front of it do count, and pass as they are until then", async () => {
    let count = 0
    const upstream = await httpServer((_req, res) => {
      count += 1
      res.writeHead(503, { 'content-type': 'text/html', 'retry-after': '7' }).end('<h1>away</h1>')
    })
    const made = gatewayAt({ workspaceOrigin: `http://127.0.0.1:${upstream.port}` })
    closers.push(made.close, upstream.close)
    for (let i = 0; i < 5; i += 1) {
      const client = aSink()
      await made.gateway.handle(aCall(), client.sink)
      expect([client.seen.status, client.header('retry-after')]).toEqual([503, '7'])
    }
    const refused = await made.gateway.handle(aCall(), aSink().sink).catch((error) => error)
    expect([refused.code, count]).toEqual(['upstream_unavailable', 5])
  })
})
