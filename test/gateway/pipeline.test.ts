import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { GatewayCall } from '../../src/gateway/gateway.ts'
import { httpServer } from '../outbound/hostile-server.ts'
import { aCall, aSink, fabricId, gatewayAt, grantId, path, type WorldOptions } from './fakes.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

/** A gateway in front of a workspace of one's own. */
async function world(listener: RequestListener, options: Partial<WorldOptions> = {}) {
  const upstream = await httpServer((req, res) => {
    req.resume()
    listener(req, res)
  })
  const workspaceOrigin = `http://127.0.0.1:${upstream.port}`
  const made = gatewayAt({ workspaceOrigin, ...options })
  closers.push(made.close, upstream.close)
  const ask = async (more: Partial<GatewayCall> = {}) => {
    const client = aSink()
    const settled = await made.gateway.handle(aCall(more), client.sink).then(
      (outcome) => ({ outcome, error: null }),
      (error: unknown) => ({ outcome: null, error })
    )
    return { ...settled, ...client }
  }
  return { ...made, ask, connections: upstream.connections }
}

const fine: RequestListener = (_req, res) => void res.end('fine')
const dead = '{"error_code":403,"message":"Invalid access token. [ReqId: 1]"}'

function codeOf(error: unknown): string {
  return error instanceof AppError ? error.code : String(error)
}

describe('every call is recorded exactly once', () => {
  test('that succeeds', async () => {
    const { ask, events } = await world(fine)
    expect((await ask()).outcome).toMatchObject({
      operation: 'serving.invocations',
      identity: 'service_principal',
      tokenSource: 'cached',
      upstreamStatus: 200
    })
    expect(events).toHaveLength(1)
    expect(events[0]).toMatchObject({
      operation: 'serving.invocations',
      endpoint: 'whoami',
      subject: 'whoami',
      outcome: 'succeeded',
      code: null,
      identity: 'service_principal',
      fabricId,
      grantId,
      generation: 1,
      tokenSource: 'cached',
      status: 200,
      upstreamStatus: 200,
      attempts: 1,
      requestBytes: 2,
      answerBytes: 4
    })
  })

  test('that the workspace answers with an error', async () => {
    const { ask, events } = await world((_req, res) => void res.writeHead(404).end())
    await ask()
    expect(events.map(({ outcome }) => outcome)).toEqual(['failed'])
  })

  test('that is refused: fabric, identity, endpoint, name', async () => {
    const refusals: [Partial<WorldOptions>, Partial<GatewayCall>, string][] = [
      [{ openFailure: new AppError('not_found') }, {}, 'not_found'],
      [{}, { headers: { 'x-weft-act-as': 'root' } }, 'invalid_request'],
      [{ fabric: { endpoints: new Set(['other']) } }, {}, 'endpoint_not_allowed'],
      [{ fabric: { endpoints: new Set() } }, {}, 'endpoint_not_allowed'],
      [{}, { path: '/serving-endpoints/../invocations' }, 'invalid_request'],
      [{ tokenFailure: () => new AppError('sign_in_needed') }, {}, 'sign_in_needed']
    ]
    for (const [options, call, code] of refusals) {
      const { ask, events, connections } = await world(fine, options)
      const { error, seen } = await ask(call)
      expect(codeOf(error)).toBe(code)
      expect(seen.status, 'nothing was answered yet').toBeNull()
      expect(events.map(({ outcome, code }) => [outcome, code])).toEqual([['refused', code]])
      expect(connections(), `${code} goes nowhere`).toBe(0)
    }
  })

  test('that fails for a reason that nobody foresaw, without its words', async () => {
    const { ask, events } = await world(fine, { openFailure: new TypeError('secret words') })
    expect(String((await ask()).error)).toContain('secret words')
    expect(events.map(({ outcome, code }) => [outcome, code])).toEqual([['failed', 'internal']])
    expect(JSON.stringify(events)).not.toContain('secret words')
  })

  test('that is retried with a fresh token, or cut in the middle, or left by its client', async () => {
    let count = 0
    const retried = await world((_req, res) => {
      count += 1
      if (count === 1) res.writeHead(403, { 'content-type': 'application/json' }).end(dead)
      else res.end('fine')
    })
    await retried.ask()
    expect(retried.events).toHaveLength(1)

    const cut = await world((_req, res) => {
      res.write('part', () => res.destroy())
    })
    await cut.ask()
    expect(cut.events).toHaveLength(1)

    const left = await world(fine)
    await left.ask({ signal: AbortSignal.abort() })
    expect(left.events).toHaveLength(1)
    expect(left.connections()).toBe(0)
  })

  test('but for paths that are no endpoint of anybody', async () => {
    const { ask, events } = await world(fine)
    for (const call of [{ path: '/api/2.0/secrets/list' }, { method: 'GET' }, { path: '' }]) {
      expect(codeOf((await ask(call)).error)).toBe('path_not_allowed')
    }
    expect(events).toEqual([])
  })
})

describe('a record measures its call', () => {
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 }
  const tokens = { inputTokens: 3, outputTokens: 4, totalTokens: 7 }
  const nothing = { inputTokens: null, outputTokens: null, totalTokens: null }
  const json = { 'content-type': 'application/json' }

  test('its bytes, its times, the name that the workspace gave it', async () => {
    const { ask, events } = await world((_req, res) =>
      res.writeHead(200, { 'x-request-id': 'up-1' }).end('answer')
    )
    await ask({ body: Buffer.from('question') })
    expect(events[0]).toMatchObject({
      requestBytes: 8,
      answerBytes: 6,
      upstreamRequestId: 'up-1',
      ...nothing
    })
    const { durationMs = 0, firstByteMs, tokenMs, at } = events[0] ?? {}
    expect(durationMs).toBeGreaterThanOrEqual((firstByteMs ?? 0) + (tokenMs ?? 0))
    expect(firstByteMs).toBeGreaterThan(0)
    expect(at).toBeInstanceOf(Date)
  })

  test('a body in a stream, by what its client says or by what went out', async () => {
    const { ask, events } = await world(fine)
    const body = () => Readable.from([Buffer.from('ques'), Buffer.from('tion')])
    await ask({ body: body() })
    await ask({ body: body(), headers: { 'content-length': '8' } })
    expect(events.map(({ requestBytes }) => requestBytes)).toEqual([8, 8])
  })

  test('tokens of a JSON answer, plain and packed, and the bytes that passed', async () => {
    const text = JSON.stringify({ choices: [], usage })
    for (const body of [Buffer.from(text), gzipSync(text)]) {
      const packed = body.length === text.length ? {} : { 'content-encoding': 'gzip' }
      const { ask, events } = await world(
        (_req, res) => void res.writeHead(200, { ...json, ...packed }).end(body)
      )
      const { body: passed } = await ask()
      expect(passed()).toEqual(body)
      expect(events[0]).toMatchObject({ ...tokens, answerBytes: body.length })
    }
  })

  test('tokens of a stream, also of one that is cut after it told them', async () => {
    const events = [`data: ${JSON.stringify({ choices: [], usage })}\n\n`, 'data: [DONE]\n\n']
    const head = { 'content-type': 'text/event-stream' }
    const whole = await world((_req, res) => void res.writeHead(200, head).end(events.join('')))
    await whole.ask()
    expect(whole.events[0]).toMatchObject({ ...tokens, outcome: 'succeeded' })
    const cut = await world(
      (_req, res) => void res.writeHead(200, head).write(events[0] ?? '', () => res.destroy())
    )
    await cut.ask()
    expect(cut.events[0]).toMatchObject({ ...tokens, outcome: 'failed', status: 200 })
  })

  test('no tokens of errors and of what is no question to a model', async () => {
    const text = JSON.stringify({ usage })
    const failing = await world((_req, res) => void res.writeHead(500, json).end(text))
    await failing.ask()
    const listing = await world((_req, res) => void res.writeHead(200, json).end(text))
    await listing.ask({ method: 'GET', path: '/api/2.0/serving-endpoints', body: null })
    await listing.ask({ path: '/api/2.0/sql/statements' })
    expect([...failing.events, ...listing.events]).toMatchObject([nothing, nothing, nothing])
  })

  test('what the client was answered with, where that was Weft’s own word', async () => {
    const { ask, events } = await world((_req, res) => void res.writeHead(401).end())
    await ask()
    expect(events[0]).toMatchObject({
      code: 'service_principal_refused',
      status: 502,
      upstreamStatus: 401,
      attempts: 2
    })
  })

  test('a name of the workspace’s that is no name is left out', async () => {
    const { ask, events } = await world((_req, res) =>
      res.writeHead(200, { 'x-request-id': `${'x'.repeat(129)}` }).end()
    )
    await ask()
    expect(events[0]?.upstreamRequestId).toBeNull()
  })
})

describe('what the workspace sees', () => {
  test('is our token and the allowed headers, never a credential of the caller', async () => {
    let seen: IncomingHttpHeaders = {}
    const { ask } = await world((req, res) => {
      seen = req.headers
      res.end()
    })
    await ask({
      headers: {
        authorization: 'Bearer wfts_callers',
        cookie: '__Host-weft_session=1',
        'x-weft-act-as': 'service_principal',
        'x-forwarded-for': '10.0.0.1',
        'content-type': 'application/json',
        'x-databricks-azure-sp-management-token': 'other'
      }
    })
    expect(seen.authorization).toBe('Bearer token-1')
    expect(seen['content-type']).toBe('application/json')
    expect(Object.keys(seen).sort()).toEqual(
      ['authorization', 'connection', 'content-length', 'content-type', 'host', 'user-agent'].sort()
    )
  })

  test('is the query as it came, and the path that was checked', async () => {
    let seen = ''
    const { ask } = await world((req, res) => {
      seen = req.url ?? ''
      res.end()
    })
    await ask({ query: 'a=1&b=%2F..%2f&a=2' })
    expect(seen).toBe(`${path}?a=1&b=%2F..%2f&a=2`)
  })

  test.each([
    ['POST', '/sql/1.0/warehouses/0123456789abcdef', 'o=900800700601'],
    ['POST', '/api/2.0/sql/statements', 'o=900800700601'],
    ['GET', '/api/2.2/jobs/list', 'limit=5&o=900800700601'],
    ['POST', '/serving-endpoints/whoami/invocations', 'o=900800700601&a=%6F']
  ])('holds the workspace of a unified host, %s %s?%s', async (method, at, query) => {
    let seen = ''
    const { ask } = await world((req, res) => {
      seen = req.url ?? ''
      res.end()
    })
    await ask({ method, path: at, query, ...(method === 'GET' && { body: null }) })
    expect(seen).toBe(`${at}?${query}`)
  })
})

describe('what the client sees', () => {
  test('a dead token, even gzipped, costs one retry with the next generation', async () => {
    let count = 0
    const { ask, asked } = await world((_req, res) => {
      count += 1
      const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
      if (count === 1) res.writeHead(403, headers).end(gzipSync(dead))
      else res.end('fine')
    })
    const { seen, body, header } = await ask()
    expect([seen.status, body().toString(), seen.end]).toEqual([200, 'fine', 'ended'])
    expect(header('server-timing')).toContain('token;desc=refreshed')
    expect(asked.map(({ rejected }) => rejected)).toEqual([undefined, undefined, 1])
  })

  test('a token that stays dead ends after two calls, with nothing of the answer', async () => {
    let count = 0
    const { ask } = await world((_req, res) => {
      count += 1
      res.writeHead(401).end('{"message":"Token is expired"}')
    })
    const { error, seen } = await ask()
    expect([codeOf(error), count, seen.status]).toEqual(['service_principal_refused', 2, null])
  })

  test('a refresh that fails is told as it is, not as a refused token', async () => {
    const tokenFailure: WorldOptions['tokenFailure'] = (options) =>
      options?.rejectedGeneration === undefined ? null : new AppError('upstream_unavailable')
    const listener: RequestListener = (_req, res) => void res.writeHead(401).end()
    const { ask, events } = await world(listener, { tokenFailure })
    expect(codeOf((await ask()).error)).toBe('upstream_unavailable')
    expect(events.map(({ outcome }) => outcome)).toEqual(['failed'])
  })

  test('a body that flowed away is not sent again', async () => {
    const { ask } = await world((_req, res) => void res.writeHead(401).end())
    const { error } = await ask({ body: Readable.from([Buffer.from('{}')]) })
    expect(codeOf(error)).toBe('overloaded')
  })

  test('an answer that is cut in the middle is destroyed, never ended', async () => {
    const { ask, events } = await world((_req, res) => {
      res.write('part', () => res.destroy())
    })
    const { seen, error } = await ask()
    expect([seen.status, seen.end, error]).toEqual([200, 'destroyed', null])
    expect(events.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['failed', 'upstream_unavailable']
    ])
  })

  test('an answer that never begins is a problem of its own', async () => {
    const { ask, events } = await world((_req, res) => void res.destroy())
    const { error, seen } = await ask()
    expect([codeOf(error), seen.status]).toEqual(['upstream_unavailable', null])
    expect(events.map(({ outcome, code }) => [outcome, code])).toEqual([
      ['failed', 'upstream_unavailable']
    ])
  })
})
