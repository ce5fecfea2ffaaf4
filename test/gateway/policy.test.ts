import type { IncomingHttpHeaders, RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { GatewayCall } from '../../src/gateway/gateway.ts'
import { httpServer } from '../outbound/hostile-server.ts'
import { aCall, aSink, gatewayAt, type WorldOptions } from './fakes.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

interface Seen {
  readonly line: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A gateway in front of a workspace that tells what it saw. */
async function world(options: Partial<WorldOptions> = {}, listener?: RequestListener) {
  const seen: Seen[] = []
  const upstream = await httpServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(Buffer.from(chunk))
    const { headers } = req
    seen.push({ line: `${req.method} ${req.url}`, headers, body: Buffer.concat(chunks) })
    if (listener) listener(req, res)
    else res.end('fine')
  })
  const made = gatewayAt({ workspaceOrigin: `http://127.0.0.1:${upstream.port}`, ...options })
  closers.push(made.close, upstream.close)
  const ask = async (method: string, path: string, more: Partial<GatewayCall> = {}) => {
    const client = aSink()
    const call = aCall({ method, path, body: null, ...more })
    const code = await made.gateway.handle(call, client.sink).then(
      () => null,
      (error: unknown) => (error instanceof AppError ? error.code : String(error))
    )
    return { code, client }
  }
  return { ...made, seen, ask }
}

const statements = '/api/2.0/sql/statements'
const invocations = (name: string) => `/serving-endpoints/${name}/invocations`
const wide: readonly (readonly [string, string])[] = [
  ['POST', statements],
  ['POST', '/sql/1.0/warehouses/0123456789abcdef'],
  ['GET', '/api/2.1/clusters/list'],
  ['POST', '/api/2.2/jobs/run-now'],
  ['POST', '/api/1.2/commands/execute'],
  ['GET', '/api/2.0/serving-endpoints']
]

describe('an endpoint list', () => {
  const fabric = { endpoints: new Set(['whoami']) }

  test('narrows serving and the description of an endpoint to its names', async () => {
    const { ask, seen } = await world({ fabric })
    for (const [name, code] of [
      ['whoami', null],
      ['other', 'endpoint_not_allowed']
    ] as const) {
      expect((await ask('POST', invocations(name))).code).toBe(code)
      const served = `/serving-endpoints/${name}/served-models/m-1/invocations`
      expect((await ask('POST', served)).code).toBe(code)
      expect((await ask('GET', `/api/2.0/serving-endpoints/${name}`)).code).toBe(code)
      const body = Buffer.from(JSON.stringify({ model: name }))
      expect((await ask('POST', '/serving-endpoints/v1/embeddings', { body })).code).toBe(code)
    }
    expect(seen).toHaveLength(4)
  })

  test.each(wide)('closes %s %s, which reaches further than endpoints', async (method, path) => {
    const { ask, events, seen } = await world({ fabric })
    expect((await ask(method, path)).code).toBe('endpoint_not_allowed')
    expect(events.map(({ outcome }) => outcome)).toEqual(['refused'])
    expect(seen).toEqual([])
  })

  test('leaves who the caller is', async () => {
    const { ask } = await world({ fabric })
    expect((await ask('GET', '/api/2.0/preview/scim/v2/Me')).code).toBeNull()
  })

  test.each(wide)('that is not there leaves %s %s', async (method, path) => {
    const { ask, seen, events } = await world()
    expect((await ask(method, path)).code).toBeNull()
    expect(seen.map(({ line }) => line)).toEqual([`${method} ${path}`])
    expect(events.map(({ outcome }) => outcome)).toEqual(['succeeded'])
  })
})

describe('the warehouse of a statement', () => {
  const fabric = { warehouseId: '0123456789abcdef' }
  const sql = '{ "statement": "SELECT 9223372036854775807", "statement": "SELECT 2" }'
  const bodyAt = async (body: Buffer | Readable, options: Partial<WorldOptions> = { fabric }) => {
    const { ask, seen } = await world(options)
    expect((await ask('POST', statements, { body })).code).toBeNull()
    return seen[0]?.body.toString()
  }

  test("is the fabric's where the body names none, in a stream too", async () => {
    const expected = sql.replace('{', '{"warehouse_id":"0123456789abcdef",')
    expect(await bodyAt(Buffer.from(sql))).toBe(expected)
    expect(await bodyAt(Readable.from([Buffer.from(sql)]))).toBe(expected)
  })

  test('is the one that the body names', async () => {
    const named = '{"statement":"SELECT 1","warehouse_id":"fedcba9876543210"}'
    expect(await bodyAt(Buffer.from(named))).toBe(named)
  })

  test('is nobody’s where the fabric has none, and then the body is not read', async () => {
    expect(await bodyAt(Buffer.from(sql), {})).toBe(sql)
    expect(await bodyAt(Readable.from([Buffer.from('no json')]), {})).toBe('no json')
  })

  test('of a compressed body is left alone', async () => {
    const { ask, seen } = await world({ fabric })
    const body = gzipSync(sql)
    const headers = { 'content-encoding': 'gzip', 'content-type': 'application/json' }
    await ask('POST', statements, { body, headers })
    expect(seen[0]?.headers['content-encoding']).toBe('gzip')
    expect(gunzipSync(seen[0]?.body ?? '').toString()).toBe(sql)
  })
})

describe('bodies', () => {
  test('of GET, HEAD and DELETE are refused before anything goes upstream', async () => {
    const { ask, seen } = await world()
    const statement = `${statements}/01f1c46b-6a0d-1f2e-9a3b-0123456789ab`
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      const body = Buffer.from('{}')
      expect((await ask(method, statement, { body })).code).toBe('invalid_request')
      expect((await ask(method, statement)).code).toBeNull()
    }
    expect(seen.map(({ line }) => line)).toEqual(
      ['GET', 'HEAD', 'DELETE'].map((method) => `${method} ${statement}`)
    )
  })

  test('of calls that only steer are 413 from 4 MiB on, known length or not', async () => {
    const { ask, seen } = await world()
    const large = Buffer.alloc(4 * 1024 * 1024 + 1, ' ')
    for (const body of [large, Readable.from([large])]) {
      expect((await ask('POST', '/api/2.2/jobs/create', { body })).code).toBe('body_too_large')
    }
    expect(seen).toEqual([])
    expect((await ask('POST', invocations('whoami'), { body: large })).code).toBeNull()
  })

  test('of calls that only steer survive a dead token though they came in a stream', async () => {
    let count = 0
    const { ask, seen } = await world({}, (_req, res) => {
      count += 1
      res.writeHead(count === 1 ? 401 : 200).end()
    })
    const body = Readable.from([Buffer.from('{"job_id":9223372036854775807}')])
    expect((await ask('POST', '/api/2.2/jobs/run-now', { body })).code).toBeNull()
    expect(seen.map(({ body: sent }) => sent.toString())).toEqual(
      Array(2).fill('{"job_id":9223372036854775807}')
    )
  })

  test('F8 Thrift passes both ways byte for byte', async () => {
    const bytes = Buffer.from('80010001000000000000ff0c0001', 'hex')
    const headers = { 'content-type': 'application/x-thrift', accept: 'application/x-thrift' }
    const { ask, seen } = await world({}, (_req, res) => {
      res.writeHead(200, headers).end(Buffer.from(bytes).reverse())
    })
    const path = '/sql/1.0/warehouses/0123456789abcdef'
    const { client } = await ask('POST', path, { body: bytes, headers })
    expect(seen[0]?.body).toEqual(bytes)
    expect(seen[0]?.headers['content-type']).toBe('application/x-thrift')
    expect(client.body()).toEqual(Buffer.from(bytes).reverse())
  })
})

describe('answers', () => {
  test('F8 to HEAD have the headers of a body and no body', async () => {
    const { ask } = await world({}, (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': '1234' }).end()
    })
    const { client } = await ask('HEAD', '/api/2.1/clusters/list')
    expect([client.seen.status, client.header('content-length')]).toEqual([200, '1234'])
    expect([client.seen.chunks, client.seen.end]).toEqual([[], 'ended'])
  })

  test('F8 are compressed where the client asked for it, and nobody unpacks them on the way', async () => {
    const packed = gzipSync('{"id":9223372036854775807,"id":1}')
    const { ask } = await world({}, (req, res) => {
      const isWanted = req.headers['accept-encoding'] === 'gzip'
      res.writeHead(200, isWanted ? { 'content-encoding': 'gzip' } : {})
      res.end(isWanted ? packed : 'plain')
    })
    const path = '/api/2.1/clusters/list'
    const wanted = await ask('GET', path, { headers: { 'accept-encoding': 'gzip' } })
    expect(wanted.client.header('content-encoding')).toBe('gzip')
    expect(wanted.client.body()).toEqual(packed)
    const other = await ask('GET', path)
    expect(other.client.header('content-encoding')).toBeUndefined()
    expect(other.client.body().toString()).toBe('plain')
  })

  test.each([204, 304])('F8 of status %i pass without a body', async (status) => {
    const { ask } = await world({}, (_req, res) => void res.writeHead(status).end())
    const { client } = await ask('GET', '/api/2.1/clusters/list')
    expect([client.seen.status, client.seen.chunks, client.seen.end]).toEqual([status, [], 'ended'])
  })

  test('a HEAD that meets a dead token is asked once more', async () => {
    const { ask, asked } = await world({}, (req, res) => {
      const isFresh = req.headers.authorization === 'Bearer token-2'
      const reason = { 'x-databricks-reason-phrase': 'Invalid access token.' }
      res.writeHead(isFresh ? 200 : 403, isFresh ? {} : reason).end()
    })
    const { client } = await ask('HEAD', '/api/2.1/clusters/list')
    expect(client.seen.status).toBe(200)
    expect(asked.at(-1)?.rejected).toBe(1)
  })

  test('E5 a redirect is not followed, and where it points to is not told', async () => {
    const { ask, seen } = await world({}, (_req, res) => {
      res.writeHead(302, { location: 'https://elsewhere.example/?token=1' }).end()
    })
    const { client } = await ask('GET', '/api/2.1/clusters/list')
    expect([client.seen.status, client.header('location')]).toEqual([302, undefined])
    expect(seen).toHaveLength(1)
  })
})
