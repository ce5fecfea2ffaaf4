import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { StopSignal } from '../../src/base/stop.ts'
import type { Gateway, GatewayCall, GatewayOutcome } from '../../src/gateway/gateway.ts'
import type { App } from '../../src/http/route.ts'
import { anId, appWith, browser, fabricId, service, tokens } from './fakes.ts'
import { answerOf, bytesOf, call, exchange, listen, open } from './sockets.ts'

const path = `/fabrics/${fabricId}/serving-endpoints/chat/invocations`
const outcome: GatewayOutcome = {
  operation: 'endpoint.query',
  fabricId,
  identity: 'service_principal',
  tokenSource: 'cached',
  upstreamMs: 12,
  upstreamStatus: 200,
  code: null
}
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

let app: App | undefined
afterEach(() => app?.close())

async function serve(handle: Gateway['handle'], deps = {}) {
  const built = await appWith({ gateway: { handle }, deps })
  app = built.app
  return { port: await listen(built.app), lines: built.lines }
}

/** What an upstream that says back what it was sent would answer. */
async function echo({ body }: GatewayCall): Promise<Buffer> {
  if (body === null) return Buffer.alloc(0)
  return body instanceof Readable ? bytesOf(body) : body
}

describe('the call, as it came', () => {
  test.each([
    ['/serving-endpoints/%2e%2e/invocations', ''],
    ['/serving-endpoints/a%2fb/invocations', 'x=%2F&x=2'],
    ['/api/2.0/../2.1/jobs', ''],
    ['/a%00b%0d%0ac', ''],
    ['/a//b/', '?'],
    ['/', '']
  ])('E6 T5 path and query keep their encoding: %s ?%s', async (below, query) => {
    const calls: GatewayCall[] = []
    const { port } = await serve(async (received, sink) => {
      calls.push(received)
      sink.head(204, [])
      sink.end()
      return outcome
    })
    const target = `/fabrics/${fabricId}${below}${query === '' ? '' : `?${query}`}`
    const head = `GET ${target} HTTP/1.1\r\nHost: weft.test\r\nConnection: close\r\n`
    await exchange(port, `${head}Authorization: Bearer ${tokens.service}\r\n\r\n`)
    expect(calls).toHaveLength(1)
    expect(calls[0]).toMatchObject({
      fabricId,
      path: below,
      query,
      method: 'GET',
      body: null,
      keyId: anId('key')
    })
  })

  test.each([
    ['a small body, whole', 2_048, false],
    ['1 MiB, whole', 1024 * 1024, false],
    ['more, as a stream', 1024 * 1024 + 1, true],
    ['16 MiB, as a stream', 16 * 1024 * 1024, true]
  ])('F8 %s, byte for byte, both ways', async (_name, length, isStream) => {
    const sent = randomBytes(length)
    let wasStream = false
    const { port } = await serve(async (received, sink) => {
      wasStream = received.body instanceof Readable
      const bytes = await echo(received)
      sink.head(200, [['content-type', 'application/octet-stream']])
      sink.write(bytes)
      sink.end()
      return outcome
    })
    const headers = { ...service(), 'content-type': 'application/json', 'content-length': length }
    const answer = await call(port, { method: 'POST', path, headers }, sent)
    expect([answer.status, sha256(answer.body), wasStream]).toEqual([200, sha256(sent), isStream])
  })

  test('F7 F8 whatever the content type says, nothing is parsed', async () => {
    const { port } = await serve(async (received, sink) => {
      sink.head(200, [])
      sink.write(await echo(received))
      sink.end()
      return outcome
    })
    const odd = '{"a":1,"a":12345678901234567890,"__proto__":1'
    const types = ['application/json', 'text/plain', 'multipart/form-data', 'of no type', undefined]
    for (const type of types) {
      const headers = { ...service(), ...(type && { 'content-type': type }) }
      const answer = await call(port, { method: 'POST', path, headers }, odd)
      expect(answer.body.toString()).toBe(odd)
    }
  })

  test('a session may call with the header of our pages', async () => {
    const { port } = await serve(async ({ scope }, sink) => {
      sink.head(200, [])
      sink.write(Buffer.from(scope.actor.kind))
      sink.end()
      return outcome
    })
    const answer = await call(port, { method: 'GET', path, headers: browser(tokens.member) })
    expect(answer.body.toString()).toBe('user')
  })
})

describe('413 body_too_large', () => {
  test('by its length, before a byte of it is read', async () => {
    const { port } = await serve(() => Promise.reject(new Error('not reached')))
    const length = 16 * 1024 * 1024 + 1
    const req = open(port, {
      method: 'POST',
      path,
      headers: { ...service(), 'content-length': length }
    })
    req.flushHeaders()
    req.on('error', () => {})
    const res = await answerOf(req)
    expect([res.statusCode, res.headers['x-weft-problem']]).toEqual([413, 'body_too_large'])
    expect(res.headers.connection).toBe('close')
    req.destroy()
  })

  test('by its chunks, whatever the gateway makes of the cut', async () => {
    const { port } = await serve(async ({ body }, sink) => {
      try {
        await bytesOf(body as Readable)
      } catch {
        throw new AppError('upstream_unavailable')
      }
      sink.end()
      return outcome
    })
    const req = open(port, { method: 'POST', path, headers: { ...service() } })
    req.on('error', () => {})
    const answer = answerOf(req)
    for (let sent = 0; sent <= 17; sent += 1) req.write(Buffer.alloc(1024 * 1024))
    const res = await answer
    expect([res.statusCode, res.headers['x-weft-problem']]).toEqual([413, 'body_too_large'])
    req.destroy()
  })
})

describe('the answer', () => {
  test('F9 keeps the workspace from speaking for this origin', async () => {
    const { port } = await serve(async (_call, sink) => {
      sink.head(200, [
        ['content-type', 'text/html'],
        ['set-cookie', '__Host-weft_session=evil'],
        ['clear-site-data', '"*"'],
        ['access-control-allow-origin', '*'],
        ['content-security-policy', "default-src * 'unsafe-inline'"],
        ['x-content-type-options', 'sniff'],
        ['service-worker-allowed', '/'],
        ['strict-transport-security', 'max-age=0'],
        ['cache-control', 'public, max-age=600'],
        ['x-request-id', 'upstream'],
        ['x-weft-problem', 'internal'],
        ['server', 'databricks'],
        ['x-databricks-org-id', '42'],
        ['x-weft-identity', 'service_principal']
      ])
      sink.write(Buffer.from('<script>alert(1)</script>'))
      sink.end()
      return outcome
    })
    const { headers } = await call(port, { method: 'POST', path, headers: { ...service() } }, 'x')
    for (const name of [
      'set-cookie',
      'clear-site-data',
      'access-control-allow-origin',
      'service-worker-allowed',
      'strict-transport-security',
      'x-weft-problem',
      'server'
    ]) {
      expect(headers).not.toHaveProperty(name)
    }
    expect(headers).toMatchObject({
      'content-security-policy': 'sandbox',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'x-request-id': 'req-00000001',
      'x-databricks-org-id': '42',
      'x-weft-identity': 'service_principal'
    })
  })

  test('F8 a stream is passed on as it comes: its head before its first event', async () => {
    const go: (() => void)[] = []
    const { port } = await serve(async (_call, sink) => {
      const next = () => new Promise<void>((resolve) => go.push(resolve))
      sink.head(200, [['content-type', 'text/event-stream']])
      for (const event of ['one', 'two']) {
        await next()
        sink.write(Buffer.from(`data: ${event}\n\n`))
      }
      await next()
      sink.end()
      return outcome
    })
    const req = open(port, { method: 'POST', path, headers: { ...service() } })
    req.end('{}')
    const res = await answerOf(req)
    expect(res.headers['content-type']).toBe('text/event-stream')
    for (const event of ['one', 'two']) {
      const chunk = once(res, 'data')
      go.shift()?.()
      expect(String((await chunk)[0])).toBe(`data: ${event}\n\n`)
    }
    const end = once(res, 'end')
    go.shift()?.()
    await end
    expect(res.complete).toBe(true)
  })

  test.each([
    ['in one piece', [17]],
    ['in two', [4, 17]],
    ['with an empty piece before', [0, 17]],
    ['its length unknown', [17], false]
  ])('F8 an answer that is there at once is the same %s', async (_name, ends, isKnown = true) => {
    const bytes = Buffer.from('sixteen letters ø', 'latin1')
    const { port, lines } = await serve(async (_call, sink) => {
      sink.head(200, isKnown ? [['content-length', '17']] : [])
      for (const [i, end] of ends.entries()) sink.write(bytes.subarray(ends[i - 1] ?? 0, end))
      sink.end()
      return outcome
    })
    for (let turn = 0; turn < 2; turn += 1) {
      const answer = await call(port, { method: 'POST', path, headers: { ...service() } }, 'x')
      expect(answer.body).toEqual(bytes)
      expect(answer.headers['content-length']).toBe(isKnown ? '17' : undefined)
    }
    await expect.poll(() => lines).toHaveLength(2)
    expect(lines[1]).toMatchObject({ status: 200, bytesOut: 17 })
    expect(lines[1]).not.toHaveProperty('aborted')
  })

  test('F8 to HEAD there is the length of what GET would get, and nothing more', async () => {
    const { port } = await serve(async (_call, sink) => {
      sink.head(200, [['content-length', '17']])
      sink.end()
      return outcome
    })
    const answer = await call(port, { method: 'HEAD', path, headers: { ...service() } })
    expect([answer.headers['content-length'], answer.body.length]).toEqual(['17', 0])
  })

  test.each([204, 304])('F8 %i has no body', async (status) => {
    const { port } = await serve(async (_call, sink) => {
      sink.head(status, [['etag', '"1"']])
      sink.end()
      return outcome
    })
    const answer = await call(port, { method: 'GET', path, headers: { ...service() } })
    expect([answer.status, answer.headers.etag, answer.body.length]).toEqual([status, '"1"', 0])
  })

  test('H3 an upstream that was cut is an error to the client, not an end', async () => {
    const { port, lines } = await serve(async (_call, sink) => {
      sink.head(200, [])
      sink.write(Buffer.from('half'))
      throw new AppError('upstream_unavailable', { note: 'cut after 4 bytes' })
    })
    const cut = call(port, { method: 'POST', path, headers: { ...service() } }, 'x')
    await expect(cut).rejects.toThrow(/aborted|hang up|reset/)
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ code: 'upstream_unavailable', note: 'cut after 4 bytes' })
  })

  test('H2 a client that reads slowly stops the upstream, not the memory', async () => {
    const chunk = Buffer.alloc(64 * 1024)
    const total = 512
    let written = 0
    let isPaused = false
    const { port } = await serve(async (_call, sink) => {
      sink.head(200, [['content-type', 'application/octet-stream']])
      await new Promise<void>((resolve) => {
        const go = () => {
          isPaused = false
          while (written < total) {
            written += 1
            if (sink.write(chunk)) continue
            isPaused = true
            return sink.onDrain(go)
          }
          resolve()
        }
        go()
      })
      sink.end()
      return outcome
    })
    const req = open(port, { method: 'POST', path, headers: { ...service() } })
    req.end('x')
    const res = await answerOf(req)
    await expect.poll(() => isPaused).toBe(true)
    expect(written).toBeLessThan(total)
    expect((await bytesOf(res)).length).toBe(total * chunk.length)
  })
})

describe('a client that leaves', () => {
  const untilAborted = (signal: StopSignal) =>
    new Promise<never>((_resolve, reject) => {
      const fail = () => reject(new AppError('upstream_unavailable'))
      if (signal.aborted) fail()
      signal.addEventListener('abort', fail)
    })

  test('F37 before the head: the call is aborted at once', async () => {
    let abortedAt = Number.NaN
    let reached: () => void = () => {}
    const isReached = new Promise<void>((resolve) => {
      reached = resolve
    })
    const { port, lines } = await serve(({ signal }) => {
      signal.addEventListener('abort', () => {
        abortedAt = performance.now()
      })
      reached()
      return untilAborted(signal)
    })
    const req = open(port, { method: 'POST', path, headers: { ...service() } })
    req.on('error', () => {})
    req.end('{}')
    await isReached
    const leftAt = performance.now()
    req.destroy()
    await expect.poll(() => abortedAt).toBeGreaterThan(0)
    expect(abortedAt - leftAt).toBeLessThan(200)
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({ aborted: true, fabric: fabricId })
  })

  test('F37 while its key is looked up: the call begins aborted', async () => {
    let wasAborted: boolean | undefined
    let arrive: (value: unknown) => void = () => {}
    const arrived = new Promise((resolve) => {
      arrive = resolve
    })
    let letIn: (value: unknown) => void = () => {}
    const gate = new Promise((resolve) => {
      letIn = resolve
    })
    const { app: slow } = await appWith({
      gateway: {
        handle: ({ signal }) => {
          wasAborted = signal.aborted
          return untilAborted(signal)
        }
      },
      identity: {
        authenticate: async () => {
          arrive(null)
          await gate
          const scope = { actor: { id: 'sva' }, authority: { may: () => true } }
          return { scope, via: 'service_key', sessionId: null, keyId: null } as never
        }
      }
    })
    app = slow
    const port = await listen(slow)
    const closed = new Promise((resolve) => {
      slow.server.once('connection', (socket) => socket.once('close', resolve))
    })
    const req = open(port, { method: 'GET', path, headers: { ...service() } })
    req.on('error', () => {})
    req.end()
    await arrived
    req.destroy()
    await closed
    letIn(null)
    await expect.poll(() => wasAborted).toBe(true)
  })

  test('H3 F37 mid-stream: the call is aborted at once', async () => {
    let isAborted = false
    const { port } = await serve(async ({ signal }, sink) => {
      sink.head(200, [])
      sink.write(Buffer.from('first'))
      signal.addEventListener('abort', () => {
        isAborted = true
      })
      return untilAborted(signal)
    })
    const req = open(port, { method: 'POST', path, headers: { ...service() } })
    req.end('{}')
    const res = await answerOf(req)
    res.on('error', () => {})
    await once(res, 'data')
    req.destroy()
    await expect.poll(() => isAborted).toBe(true)
  })

  test('is not aborted when its answer has ended', async () => {
    const signals: StopSignal[] = []
    const { port } = await serve(async ({ signal }, sink) => {
      signals.push(signal)
      sink.head(200, [['content-length', '2']])
      sink.write(Buffer.from('ok'))
      sink.end()
      return outcome
    })
    await call(port, { method: 'GET', path, headers: { ...service() } })
    await app?.close()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  })
})

describe('problems of our own', () => {
  test('F10 are told apart from the workspace’s', async () => {
    const { port } = await serve(() =>
      Promise.reject(new AppError('sign_in_needed', { detail: 'Sign in', actionUrl: '/sign-in/x' }))
    )
    const answer = await call(port, { method: 'POST', path, headers: { ...service() } }, 'x')
    expect(answer.status).toBe(409)
    expect(answer.headers['x-weft-problem']).toBe('sign_in_needed')
    expect(JSON.parse(answer.body.toString())).toMatchObject({
      code: 'sign_in_needed',
      owner: 'caller',
      error_code: 'sign_in_needed',
      message: 'Sign in',
      actionUrl: 'http://weft.test/sign-in/x'
    })
  })

  test.each([
    ['a malformed fabric id', '/fabrics/42/api/2.0/x', 'not_found'],
    ['no path', `/fabrics/${fabricId}`, 'path_not_allowed'],
    ['an encoded prefix', `/%66abrics/${fabricId}/api/2.0/x`, 'path_not_allowed'],
    ['another method', '/fabrics', 'not_found']
  ])('404 for %s', async (_name, target, code) => {
    const { port } = await serve(() => Promise.reject(new Error('not reached')))
    const answer = await call(port, { path: target, headers: { ...service() } })
    expect([answer.status, JSON.parse(answer.body.toString()).code]).toEqual([404, code])
  })
})

test('F37 a client that leaves within its body never reaches the gateway', async () => {
  let isReached = false
  const { port, lines } = await serve(() => {
    isReached = true
    return Promise.reject(new AppError('upstream_unavailable'))
  })
  const req = open(port, {
    method: 'POST',
    path,
    headers: { ...service(), 'content-length': 100 }
  })
  req.on('error', () => {})
  const isReceived = new Promise((resolve) => app?.server.once('request', resolve))
  req.write('half')
  await isReceived
  req.destroy()
  await expect.poll(() => lines).toHaveLength(1)
  expect(lines[0]).toMatchObject({ aborted: true, route: '/fabrics/:fabricId/*' })
  expect(isReached).toBe(false)
})
