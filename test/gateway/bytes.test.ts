import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { appWith, fabricId, service } from '../http/fakes.ts'
import { answerOf, bytesOf, call, listen, open } from '../http/sockets.ts'
import { httpServer, tcpServer } from '../outbound/hostile-server.ts'
import { gatewayAt } from './fakes.ts'

const below = '/serving-endpoints/whoami/invocations'
const path = `/fabrics/${fabricId}${below}`
const closers: (() => unknown)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** The whole way – Weft's HTTP, pipeline and outbound – in front of a workspace of one's own. */
async function wayTo(workspacePort: number): Promise<number> {
  const made = gatewayAt({ workspaceOrigin: `http://127.0.0.1:${workspacePort}` })
  const { app } = await appWith({ gateway: made.gateway })
  closers.push(made.close, () => app.close())
  return await listen(app)
}

async function way(listener: RequestListener): Promise<number> {
  const upstream = await httpServer(listener)
  closers.push(upstream.close)
  return await wayTo(upstream.port)
}

const json = { 'content-type': 'application/json' }
const bodies: [string, Buffer, Record<string, string>][] = [
  ['random binary', randomBytes(50_000), { 'content-type': 'application/octet-stream' }],
  ['3 MiB of random binary', randomBytes(3 * 1024 * 1024), json],
  ['integers of 64 bits', Buffer.from('{"a":9223372036854775807,"b":1e400,"c":-0.0}'), json],
  ['doubled members', Buffer.from('{"a":1,"a":2,"\\u0061":3,"__proto__":{}}'), json],
  ['no UTF-8', Buffer.from('7b2261223a22ff00c328227d', 'hex'), json],
  ['odd spaces and a byte order mark', Buffer.from('\ufeff{ "a" :\r\n\t1}\n\n'), json],
  ['gzip', gzipSync('{"a":1}'), { ...json, 'content-encoding': 'gzip' }],
  ['brotli', brotliCompressSync('{"a":1}'), { ...json, 'content-encoding': 'br' }],
  ['what says gzip and is none', Buffer.from('{}'), { ...json, 'content-encoding': 'gzip' }]
]

describe('F8 bytes pass as they are', () => {
  test.each(bodies)(
    '%s, to the workspace, of known and of unknown length',
    async (_, body, headers) => {
      const seen: { body: Buffer; headers: IncomingMessage['headers'] }[] = []
      const port = await way(async (req, res) => {
        seen.push({ body: await bytesOf(req), headers: req.headers })
        res.end()
      })
      for (const more of [{ 'content-length': body.length }, { 'transfer-encoding': 'chunked' }]) {
        const sent = { ...service(), ...headers, ...more }
        expect((await call(port, { method: 'POST', path, headers: sent }, body)).status).toBe(200)
      }
      expect(seen).toHaveLength(2)
      for (const one of seen) {
        expect(one.body.equals(body)).toBe(true)
        expect(one.headers).toMatchObject(headers)
      }
      expect(seen[0]?.headers['content-length']).toBe(String(body.length))
    }
  )

  test.each(bodies)(
    '%s, to the client, of known and of unknown length',
    async (_, body, headers) => {
      let count = 0
      const port = await way((req, res) => {
        req.resume()
        count += 1
        res.writeHead(200, count === 1 ? { ...headers, 'content-length': body.length } : headers)
        for (let at = 0; at < body.length; at += 30_011) res.write(body.subarray(at, at + 30_011))
        res.end()
      })
      const ask = () => call(port, { method: 'POST', path, headers: service() }, '{}')
      const [known, unknown] = [await ask(), await ask()]
      for (const answer of [known, unknown]) {
        expect(answer.body.equals(body)).toBe(true)
        expect(answer.headers).toMatchObject(headers)
      }
      expect(known.headers['content-length']).toBe(String(body.length))
      expect(unknown.headers['transfer-encoding']).toBe('chunked')
    }
  )

  test.each([400, 401, 403, 404, 429, 500, 503])(
    'an error of status %i too, packed or not',
    async (status) => {
      const packed = gzipSync('{"error_code":"PERMISSION_DENIED","id":9223372036854775807}')
      const port = await way((req, res) => {
        req.resume()
        res
          .writeHead(status, { ...json, 'content-encoding': 'gzip', 'retry-after': '7' })
          .end(packed)
      })
      const answer = await call(port, { method: 'POST', path, headers: service() }, '{}')
      // A 401 of the workspace's never leaves Weft as one.
      if (status === 401)
        return expect(answer.headers['x-weft-problem']).toBe('service_principal_refused')
      expect([answer.status, answer.body.equals(packed)]).toEqual([status, true])
      expect(answer.headers).toMatchObject({ 'content-encoding': 'gzip', 'retry-after': '7' })
      expect(answer.headers).not.toHaveProperty('x-weft-problem')
    }
  )

  test('answers without a body stay without one: 204, 304, and those to HEAD', async () => {
    const port = await way((req, res) => {
      req.resume()
      const status = Number(req.headers['idempotency-key'] ?? 200)
      res.writeHead(status, status === 200 ? { ...json, 'content-length': 123 } : {}).end()
    })
    for (const status of [204, 304]) {
      const headers = { ...service(), 'idempotency-key': String(status) }
      const answer = await call(port, { method: 'POST', path, headers }, '{}')
      expect([answer.status, answer.body.length]).toEqual([status, 0])
      expect(answer.headers).not.toHaveProperty('transfer-encoding')
    }
    const list = `/fabrics/${fabricId}/api/2.0/serving-endpoints`
    const head = await call(port, { method: 'HEAD', path: list, headers: service() })
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([200, 0, '123'])
  })

  test('a query and an encoded path reach the workspace letter by letter', async () => {
    const urls: (string | undefined)[] = []
    const port = await way((req, res) => {
      urls.push(req.url)
      res.end()
    })
    const query = 'a=%2F&a=1&b=%20+&c=%E2%82%AC&&='
    const list = `/api/2.0/serving-endpoints?${query}`
    await call(port, { method: 'GET', path: `/fabrics/${fabricId}${list}`, headers: service() })
    expect(urls).toEqual([list])
  })

  test('Expect: 100-continue is answered to the client and is not sent on', async () => {
    let seen: IncomingMessage['headers'] = {}
    const port = await way(async (req, res) => {
      seen = req.headers
      res.end(await bytesOf(req))
    })
    const headers = { ...service(), expect: '100-continue', 'content-length': 4 }
    const req = open(port, { method: 'POST', path, headers })
    req.flushHeaders()
    await once(req, 'continue')
    const answer = answerOf(req)
    req.end('body')
    expect((await bytesOf(await answer)).toString()).toBe('body')
    expect(seen).not.toHaveProperty('expect')
  })
})

describe('F8 a stream of events', () => {
  test('passes event by event: each is with the client before the next one is sent', async () => {
    const count = 200
    const answers: ServerResponse[] = []
    const port = await way((req, res) => {
      req.resume()
      res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
      res.flushHeaders()
      answers.push(res)
    })
    const req = open(port, { method: 'POST', path, headers: service() })
    req.end('{"stream":true}')
    const res = await answerOf(req)
    expect(res.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      'cache-control': 'no-store'
    })
    for (let index = 0; index < count; index += 1) {
      const arrival = once(res, 'data')
      const event = `data: {"n":${index}}\n\n`
      answers[0]?.write(event)
      expect(String((await arrival)[0])).toBe(event)
    }
    const end = once(res, 'end')
    answers[0]?.end()
    await end
  })
})

describe('F8 headers pass by a list', () => {
  const ours = [
    'cache-control',
    'connection',
    'content-security-policy',
    'cross-origin-resource-policy',
    'date',
    'keep-alive',
    'referrer-policy',
    'server-timing',
    'transfer-encoding',
    'x-content-type-options',
    'x-request-id',
    'x-weft-fabric',
    'x-weft-identity'
  ]

  test('to the workspace: the listed ones, and one authorization, ours, whatever the client sends', async () => {
    const seen: string[][] = []
    const port = await way((req, res) => {
      req.resume()
      seen.push(req.rawHeaders)
      res.end()
    })
    const noise = [
      ['Authorization', `Bearer ${randomBytes(8).toString('hex')}`],
      ['Proxy-Authorization', 'Basic x'],
      ['Cookie', 'a=b'],
      ['X-Api-Key', 'k'],
      ['X-Forwarded-For', '10.0.0.1'],
      ['Forwarded', 'for=10.0.0.1'],
      ['Origin', 'https://weft.test'],
      ['Referer', 'https://weft.test/'],
      ['X-Databricks-Authorization', 'Bearer x'],
      ['X-Databricks-Azure-SP-Management-Token', 'x'],
      ['X-HTTP-Method-Override', 'DELETE'],
      ['TE', 'trailers'],
      ['Accept', 'text/event-stream'],
      ['Idempotency-Key', 'k1'],
      ['Traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']
    ].map((pair) => pair.join(': '))
    const head = [
      `POST ${path} HTTP/1.1`,
      ...Object.entries(service()).map((pair) => pair.join(': ')),
      'Content-Length: 2',
      'Connection: close',
      ...noise
    ].join('\r\n')
    const socket = connect(port, '127.0.0.1')
    socket.write(`${head}\r\n\r\n{}`)
    expect((await bytesOf(socket)).toString()).toMatch(/^HTTP\/1.1 200 /)
    const names = seen[0]?.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
    expect(names?.toSorted()).toEqual([
      'accept',
      'authorization',
      'connection',
      'content-length',
      'host',
      'idempotency-key',
      'traceparent',
      'user-agent'
    ])
    const at = names?.indexOf('authorization') ?? -1
    expect(seen[0]?.[at * 2 + 1]).toBe('Bearer token-1')
  })

  test('to the client: the listed ones and Weft’s own, each once', async () => {
    const passed = {
      'content-type': 'application/json',
      'retry-after': '3',
      'served-model-name': 'm'
    }
    const foreign = [
      'set-cookie',
      'clear-site-data',
      'access-control-allow-origin',
      'access-control-allow-credentials',
      'www-authenticate',
      'location',
      'link',
      'refresh',
      'alt-svc',
      'server',
      'via',
      'strict-transport-security',
      'content-disposition',
      'x-accel-redirect',
      'x-sendfile',
      'x-accel-buffering',
      'x-weft-problem',
      'x-weft-identity',
      'x-anything'
    ]
    const port = await way((req, res) => {
      req.resume()
      for (const name of foreign) res.setHeader(name, 'upstream')
      res.writeHead(200, passed).end('{}')
    })
    const req = open(port, { method: 'POST', path, headers: service() })
    req.end('{}')
    const res = await answerOf(req)
    await bytesOf(res)
    const names = res.rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase())
    expect(new Set(names).size).toBe(names.length)
    const others = names.filter((name) => !Object.keys(passed).includes(name))
    expect(others.filter((name) => !ours.includes(name))).toEqual([])
    expect(res.headers).toMatchObject({ ...passed, 'x-weft-identity': 'service_principal' })
    expect(JSON.stringify(res.rawHeaders)).not.toContain('"upstream"')
  })

  test.each([
    ['of letters beyond ASCII', 'r\u00e9ponse', 200],
    ['with a byte that no header may hold', 'a\x7fb', null]
  ])('a listed header %s harms nobody', async (_, value, status) => {
    const upstream = await tcpServer((socket) => {
      socket.once('data', () => {
        const head = `HTTP/1.1 200 OK\r\nX-Databricks-Reason-Phrase: ${value}\r\nContent-Length: 2\r\n`
        socket.end(Buffer.from(`${head}\r\n{}`, 'latin1'))
      })
    })
    closers.push(upstream.close)
    const port = await wayTo(upstream.port)
    const ask = () => call(port, { method: 'POST', path, headers: service() }, '{}')
    const answer = await ask()
    if (status !== null) {
      expect([answer.status, answer.body.toString()]).toEqual([status, '{}'])
      expect(answer.headers['x-databricks-reason-phrase']).toBe(value)
    } else expect(answer.status).toBe(502)
    expect((await ask()).status).toBe(answer.status)
  })
})
