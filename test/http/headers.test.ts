import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/http/route.ts'
import { anonymous, appWith, browser, fabricId, service, tokens } from './fakes.ts'
import { call, exchange, listen } from './sockets.ts'

let app: App
let port: number

beforeAll(async () => {
  const built = await appWith()
  app = built.app
  port = await listen(app)
})
afterAll(() => app.close())

/** One answer of each kind: success, each refusal, each surface, each error that comes before routing. */
const answersOfEachKind = [
  ['GET', '/healthz', anonymous, 200],
  ['GET', '/api/v1/me', browser(tokens.admin), 200],
  ['GET', '/api/v1/openapi.json', anonymous, 200],
  ['GET', '/console', anonymous, 200],
  ['GET', '/sign-in/sign-in.js', anonymous, 200],
  ['GET', '/console/fabrics', anonymous, 200],
  ['GET', '/console/assets/none.js', anonymous, 404],
  ['GET', '/', anonymous, 302],
  ['GET', `/sign-in/${fabricId}`, anonymous, 302],
  ['GET', '/problems/internal', anonymous, 200],
  ['GET', '/problems/unknown', anonymous, 404],
  ['GET', '/api/v1/me', anonymous, 401],
  ['GET', '/oauth/callback/apc_1?code=c&state=s', anonymous, 401],
  ['GET', '/api/v1/audit-events', browser(tokens.member), 403],
  ['GET', '/nowhere', anonymous, 404],
  ['TRACE', '/api/v1/me', anonymous, 404],
  ['GET', '/api/v1/fabrics?x=1', browser(tokens.member), 400],
  ['GET', '/%zz', anonymous, 400],
  ['GET', `/api/v1/fabrics/${'x'.repeat(600)}`, service(), 414],
  ['GET', '/api/v1/me', { host: 'evil.test' }, 421],
  ['GET', '/api/v1/fabrics', browser(tokens.member), 500],
  ['GET', `/fabrics/${fabricId}/api/2.0/serving-endpoints`, anonymous, 401],
  ['GET', `/fabrics/${fabricId}/api/2.0/serving-endpoints`, service(), 500],
  ['GET', '/fabrics/', anonymous, 404]
] as const

describe('every answer', () => {
  test.each(answersOfEachKind)(
    'F10 %s %s is guarded: %#',
    async (method, path, headers, status) => {
      const answer = await call(port, { method, path, headers: { ...headers } })
      expect(answer.status).toBe(status)
      expect(answer.headers['x-request-id']).toMatch(/^req-\d{8}$/)
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
      expect(answer.headers['referrer-policy']).toBe('no-referrer')
      expect(answer.headers['cache-control']).toMatch(/^no-(store|cache)$/)
      const policy = String(answer.headers['content-security-policy'])
      expect(policy).toMatch(/^sandbox$|frame-ancestors 'none'/)
      expect(policy).not.toMatch(/unsafe|\*/)
      for (const name of ['server', 'x-powered-by', 'access-control-allow-origin']) {
        expect(answer.headers).not.toHaveProperty(name)
      }
      expect(answer.body.toString()).not.toMatch(/ at .*:\d+:\d+|node_modules|was not expected/)
    }
  )

  test('F10 is HSTS where the deployment is https, and only there', async () => {
    const plain = await app.inject({ url: '/healthz', headers: anonymous })
    expect(plain.headers).not.toHaveProperty('strict-transport-security')
    const { app: secure } = await appWith({ deps: { publicUrl: 'https://weft.test' } })
    const answer = await secure.inject({ url: '/api/v1/me', headers: anonymous })
    expect(answer.headers['strict-transport-security']).toMatch(/^max-age=31536000/)
    await secure.close()
  })
})

describe('x-request-id', () => {
  test.each(['abcd1234', 'A.b_c-'.repeat(10)])("keeps a client's own: %s", async (id) => {
    const headers = { ...anonymous, 'x-request-id': id }
    const answer = await call(port, { path: '/healthz', headers })
    expect(answer.headers['x-request-id']).toBe(id)
  })

  test.each(['short', 'x'.repeat(65), 'has spaces in it', '"}\\u001b[31m{"', 'ümläute-ümläute'])(
    'I2 does not keep %s',
    async (id) => {
      const headers = { ...anonymous, 'x-request-id': Buffer.from(id).toString('latin1') }
      const answer = await call(port, { path: '/healthz', headers })
      expect(answer.headers['x-request-id']).toMatch(/^req-\d{8}$/)
    }
  )
})

const raw = async (lines: string) =>
  (await exchange(port, `${lines}\r\nConnection: close\r\n\r\n`)).split('\r\n')[0]

describe('F5 Host and request target', () => {
  test.each([
    ['another host', 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: evil', 421],
    ['another port', 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: weft.test:81', 421],
    ['a path in it', 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: weft.test/?', 421],
    ['a fragment in it', 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: evil/#', 421],
    ['user information', 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: weft.test@evil', 421],
    ['two', 'GET /api/v1/openapi.json HTTP/1.1\r\nHost: weft.test\r\nhost: evil', 400],
    ['two alike', 'GET /healthz HTTP/1.1\r\nHost: weft.test\r\nHost: weft.test', 400],
    ['none', 'GET /api/v1/openapi.json HTTP/1.1', 400],
    ['none in HTTP/1.0', 'GET /api/v1/openapi.json HTTP/1.0', 400],
    ['absolute form', 'GET http://weft.test/api/v1/me HTTP/1.1\r\nHost: weft.test', 400],
    ['absolute form, foreign', 'GET http://evil/healthz HTTP/1.1\r\nHost: weft.test', 400],
    ['asterisk form', 'OPTIONS * HTTP/1.1\r\nHost: weft.test', 400],
    ['a fragment', 'GET /api/v1/me#/healthz HTTP/1.1\r\nHost: weft.test', 400]
  ])('%s', async (_name, lines, status) => {
    expect(await raw(lines)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })

  test('probes may come by address', async () => {
    expect(await raw('GET /healthz HTTP/1.1\r\nHost: 10.0.0.7:8080')).toMatch(/ 200 /)
    expect(await raw('GET /readyz HTTP/1.1\r\nHost: localhost:8080')).toMatch(/ 200 /)
  })

  test.each(['/api/v1/%2e%2e/v1/me', '/api/v1/./me', '/console/../api/v1/me', '/api/v1/me%00'])(
    'D12 %s is another path than the one it resembles',
    async (path) => {
      const session = `Cookie: __Host-weft_session=${tokens.admin}`
      const status = await raw(`GET ${path} HTTP/1.1\r\nHost: weft.test\r\n${session}`)
      expect(status).toMatch(/ 404 /)
    }
  )
})

describe('F4 framing', () => {
  test.each([
    ['length and chunks', 'Content-Length: 5\r\nTransfer-Encoding: chunked'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6'],
    ['two equal lengths', 'Content-Length: 5\r\nContent-Length: 5'],
    ['a signed length', 'Content-Length: +5'],
    ['a space before the colon', 'Transfer-Encoding : chunked'],
    ['a folded header', 'X-A: 1\r\n  2\r\nTransfer-Encoding: chunked'],
    ['another coding', 'Transfer-Encoding: xchunked'],
    ['chunks that are not the last coding', 'Transfer-Encoding: chunked, identity']
  ])('%s is refused and the connection closed', async (_name, headers) => {
    const head = `POST /api/v1/fabrics HTTP/1.1\r\nHost: weft.test\r\n${headers}\r\n\r\n`
    const answer = await exchange(
      port,
      `${head}0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: weft.test\r\n\r\n`
    )
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1)
    expect(answer).toMatch(/x-request-id: req-/)
    expect(answer).toMatch(/"code":"invalid_request"/)
  })

  test('a header over the limit is a problem too', async () => {
    const answer = await exchange(port, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 431 /)
    expect(answer).toMatch(/application\/problem\+json/)
  })
})

describe('F6 proxies', () => {
  test('nobody is believed where no proxy is trusted', async () => {
    const headers = {
      ...browser(tokens.admin),
      'x-forwarded-host': 'evil.test',
      'x-forwarded-proto': 'https',
      'x-forwarded-for': '203.0.113.9',
      x_forwarded_user: 'admin',
      'x-forwarded-user': 'admin'
    }
    const answer = await call(port, { path: '/nowhere', headers })
    expect(answer.body.toString()).not.toMatch(/evil|https/)
  })

  test('F3 an identity in a header is no identity', async () => {
    const headers = { ...anonymous, 'x-forwarded-user': 'admin', x_forwarded_email: 'a@acme.test' }
    expect((await call(port, { path: '/api/v1/me', headers })).status).toBe(401)
  })
})
