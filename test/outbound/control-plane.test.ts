import { inspect } from 'node:util'
import { gzipSync } from 'node:zlib'
import type { CustomFetch } from 'openid-client'
import { afterEach, describe, expect, it } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import type { ControlRequest, HostRule, Outbound } from '../../src/outbound/outbound.ts'
import type { CertificateName } from '../support/tls/certificates.ts'
import { canary, failure, failureCode, outboundTo } from './fixtures.ts'
import {
  bodyOf,
  httpServer,
  httpsServer,
  rawServer,
  type TestServer,
  tcpServer
} from './hostile-server.ts'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Place {
  readonly origin: string
  readonly rule: HostRule
  readonly outbound: Outbound
  readonly server: TestServer
  readonly get: (more?: Partial<ControlRequest>) => ReturnType<Outbound['request']>
}

function place(server: TestServer, host = 'workspace.test', protocol = 'https'): Place {
  const origin = `${protocol}://${host}:${server.port}`
  const rule: HostRule = { kind: 'origin', origin }
  const outbound = outboundTo([origin])
  closers.push(server.close, outbound.destroy)
  const get: Place['get'] = (more) =>
    outbound.request({ url: origin, rule, method: 'GET', ...more })
  return { origin, rule, outbound, server, get }
}

const redirectStatuses = [301, 302, 303, 307, 308]

describe('request', () => {
  it('sends what it was given, with one authorization, and gives back status, headers and body', async () => {
    const seen: unknown[] = []
    const { get, origin } = place(
      await httpsServer(async (req, res) => {
        seen.push(req.method, req.url, req.rawHeaders, await bodyOf(req))
        res
          .writeHead(
            201,
            [
              ['x-a', '1'],
              ['x-a', '2'],
              ['set-cookie', 'a=b']
            ].flat()
          )
          .end('{"ok":true}')
      })
    )
    const answer = await get({
      url: `${origin}/api/x?y=1#hash`,
      method: 'POST',
      body: '{"a":1}',
      bearer: new Secret(canary),
      headers: {
        'Content-Type': 'application/json',
        Authorization: 'Bearer other',
        Cookie: 'a=b',
        Host: 'evil.test',
        Connection: 'authorization',
        'Accept-Encoding': 'gzip',
        'Content-Length': '999',
        TE: 'trailers'
      }
    })
    expect(seen).toEqual([
      'POST',
      '/api/x?y=1',
      [
        ['host', new URL(origin).host],
        ['connection', 'keep-alive'],
        ['content-type', 'application/json'],
        ['user-agent', 'weft-test/1'],
        ['authorization', `Bearer ${canary}`],
        ['content-length', '7']
      ].flat(),
      '{"a":1}'
    ])
    expect([answer.status, answer.body.toString()]).toEqual([201, '{"ok":true}'])
    expect({ ...answer.headers }).toMatchObject({ 'x-a': '1, 2' })
    expect(answer.headers).not.toHaveProperty('set-cookie')
    expect(answer.timing.totalMs).toBeGreaterThanOrEqual(answer.timing.firstByteMs)
  })

  it.each(redirectStatuses)('E5 B11 a %i is handed back and not followed', async (status) => {
    const bait = place(await httpServer((_req, res) => res.end()), '127.0.0.1', 'http')
    const { get } = place(
      await httpsServer((_req, res) => res.writeHead(status, { location: bait.origin }).end())
    )
    const answer = await get({ bearer: new Secret(canary) })
    expect([answer.status, answer.headers.location]).toEqual([status, bait.origin])
    expect(bait.server.connections()).toBe(0)
  })
})

describe('E7 B11 TLS', () => {
  it.each([
    ['expired', 'workspace.test', 'CERT_HAS_EXPIRED'],
    ['wrong-name', 'workspace.test', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['self-signed', 'workspace.test', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['valid', 'a.b.zone.test', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['valid', 'zone.test', 'ERR_TLS_CERT_ALTNAME_INVALID']
  ] as const)(
    'a certificate that is %s fails for %s, and no byte is sent',
    async (name, host, note) => {
      let requests = 0
      const server = await httpsServer((_req, res) => {
        requests += 1
        res.end()
      }, name satisfies CertificateName)
      const { get, origin, rule, outbound } = place(server, host)
      const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
      for (const value of [undefined, '0']) {
        if (value !== undefined) process.env.NODE_TLS_REJECT_UNAUTHORIZED = value
        const err = await failure(get({ bearer: new Secret(canary) }))
        const probed = await failure(outbound.probe.connect(origin, rule))
        if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
        expect([err.code, err.note, probed.code]).toEqual(['tls_failed', note, 'tls_failed'])
      }
      expect(requests).toBe(0)
    }
  )

  it.each(['x.zone.test', 'workspace.test', '127.0.0.1'])(
    'a certificate for %s passes',
    async (host) => {
      const { get, outbound, origin, rule } = place(
        await httpsServer((_req, res) => res.end('ok')),
        host
      )
      expect((await get()).status).toBe(200)
      await outbound.probe.connect(origin, rule)
    }
  )

  it('TLS before 1.2 fails', async () => {
    const server = await httpsServer((_req, res) => res.end(), 'valid', {
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'ALL:@SECLEVEL=0'
    })
    expect(await failureCode(place(server).get())).toBe('tls_failed')
  })

  it('a server that speaks no TLS, or hangs up in the handshake, is tls_failed', async () => {
    for (const talk of [
      (s: { end(t: string): void }) => s.end('hello'),
      (s: { destroy(): void }) => s.destroy()
    ]) {
      expect(await failureCode(place(await tcpServer(talk)).get())).toBe('tls_failed')
    }
  })
})

describe('E8 response bombs', () => {
  it('an endless body is cut at the byte cap', async () => {
    let written = 0
    const { get } = place(
      await httpsServer((_req, res) => {
        const chunk = Buffer.alloc(65_536, 'a')
        const push = () => {
          while (!res.destroyed && res.write(chunk)) written += chunk.length
        }
        res.on('drain', push)
        push()
      })
    )
    const err = await failure(get({ maxBytes: 100_000 }))
    expect([err.code, err.note]).toEqual([
      'upstream_unavailable',
      'an answer of more than 100000 bytes'
    ])
    expect(written).toBeLessThan(16_000_000)
  })

  it('the cap is exact', async () => {
    const { get } = place(await httpsServer((_req, res) => res.end('x'.repeat(1_000))))
    expect((await get({ maxBytes: 1_000 })).body.length).toBe(1_000)
    expect(await failureCode(get({ maxBytes: 999 }))).toBe('upstream_unavailable')
  })

  it('a compressed answer that nobody asked for is refused before it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(8_000_000))
    const { get } = place(
      await httpsServer((_req, res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))
    )
    expect(await failureCode(get())).toBe('upstream_unavailable')
  })

  it('a flood of headers is refused', async () => {
    const { get } = place(
      await rawServer((socket) => {
        const lines = Array.from({ length: 10_000 }, (_, i) => `x-${i}: ${'v'.repeat(20)}\r\n`)
        socket.write(`HTTP/1.1 200 OK\r\n${lines.join('')}\r\n`)
      })
    )
    const err = await failure(get())
    expect([err.code, err.note]).toEqual(['upstream_unavailable', 'reset UND_ERR_HEADERS_OVERFLOW'])
  })

  it.each([
    ['headers that never end', 'HTTP/1.1 200 OK\r\n', 'x-a: b\r\n'],
    ['one byte at a time', 'HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n', 'a'],
    ['silence', '', '']
  ])('%s meet the total deadline', async (_name, head, drip) => {
    const { get } = place(
      await rawServer((socket) => {
        socket.write(head)
        const timer = setInterval(() => drip !== '' && socket.write(drip), 20)
        socket.on('close', () => clearInterval(timer))
      })
    )
    expect(await failureCode(get({ deadlineMs: 250 }))).toBe('upstream_timeout')
  })

  it('no handshake meets the connect deadline', async () => {
    const { get } = place(await tcpServer(() => {}))
    expect(await failureCode(get({ deadlineMs: 200 }))).toBe('workspace_unreachable')
  })
})

describe('E9 what a failure tells', () => {
  it('no foreign cause, body, URL or token is in it', async () => {
    const { get, origin } = place(
      await rawServer((socket) => {
        socket.end('HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\nleaky-body')
      })
    )
    const err = await failure(
      get({ url: `${origin}/p?code=leaky-query`, bearer: new Secret(canary) })
    )
    const all = inspect(err, { depth: 9, showHidden: true }) + JSON.stringify(err)
    expect(err.code).toBe('upstream_unavailable')
    expect(err.cause).toBeUndefined()
    for (const secret of ['leaky-body', 'leaky-query', canary]) expect(all).not.toContain(secret)
  })

  it('closed and hung-up doors read the same', async () => {
    const closed = place(await tcpServer(() => {}))
    await closed.server.close()
    closers.splice(0, 1)
    const err = await failure(closed.get())
    expect([err.code, err.message]).toEqual([
      'workspace_unreachable',
      'The workspace cannot be reached'
    ])
  })
})

describe('fetchFor', () => {
  const get = { method: 'GET', headers: {}, redirect: 'manual' } as const

  it('fits the custom fetch of openid-client', () => {
    const fetch: CustomFetch = outboundTo([]).fetchFor({ kind: 'public' })
    expect(fetch).toBeTypeOf('function')
  })

  it('T1 serves a client library: form bodies, its own authorization, plain Responses', async () => {
    const seen: unknown[] = []
    const { outbound, origin, rule } = place(
      await httpsServer(async (req, res) => {
        seen.push(req.headers.authorization, await bodyOf(req))
        res.writeHead(400, { 'content-type': 'application/json' }).end('{"error":"invalid_grant"}')
      })
    )
    const response = await outbound.fetchFor(rule)(`${origin}/oidc/v1/token`, {
      method: 'POST',
      headers: { authorization: 'Basic abc' },
      body: new URLSearchParams({ grant_type: 'client_credentials' }),
      redirect: 'manual'
    })
    expect(seen).toEqual(['Basic abc', 'grant_type=client_credentials'])
    expect(response).toBeInstanceOf(Response)
    expect([response.status, await response.json()]).toEqual([400, { error: 'invalid_grant' }])
    expect(response.headers.get('content-type')).toBe('application/json')
  })

  it('B2 T1 another host than the rule names is never called', async () => {
    const here = place(await httpsServer((_req, res) => res.end()))
    const there = place(await httpsServer((_req, res) => res.end()), 'elsewhere.test')
    const fetch = here.outbound.fetchFor(here.rule)
    for (const url of [
      there.origin,
      'http://169.254.169.254/',
      here.origin.replace('https', 'http')
    ]) {
      expect(await failureCode(fetch(url, get))).toBe('host_not_allowed')
    }
    expect(there.server.connections()).toBe(0)
  })

  it.each([204, 205, 304])('a %i has no body', async (status) => {
    const { outbound, origin, rule } = place(
      await httpsServer((_req, res) => res.writeHead(status).end())
    )
    expect((await outbound.fetchFor(rule)(origin, get)).status).toBe(status)
  })

  it('T3 keeps its byte cap and deadline, and hears its signal', async () => {
    const big = place(await httpsServer((_req, res) => res.end('x'.repeat(5_000))))
    const small = big.outbound.fetchFor(big.rule, { maxBytes: 4_000 })
    expect(await failureCode(small(big.origin, get))).toBe('upstream_unavailable')
    const mute = place(await httpsServer(() => {}))
    const quick = mute.outbound.fetchFor(mute.rule, { deadlineMs: 150 })
    expect(await failureCode(quick(mute.origin, get))).toBe('upstream_timeout')
    const signal = AbortSignal.timeout(50)
    const patient = mute.outbound.fetchFor(mute.rule)
    expect(await failureCode(patient(mute.origin, { ...get, signal }))).toBe('upstream_timeout')
  })
})

describe('E4 the environment', () => {
  it('names no proxy to us', async () => {
    const proxy = await httpServer((_req, res) => res.end())
    closers.push(proxy.close)
    const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy', 'ALL_PROXY']
    for (const name of names) process.env[name] = `http://127.0.0.1:${proxy.port}`
    const { get } = place(await httpsServer((_req, res) => res.end('direct')))
    const answer = await get()
    for (const name of names) delete process.env[name]
    expect([answer.body.toString(), proxy.connections()]).toEqual(['direct', 0])
  })
})

it('T4 an http extra origin is spoken to in the clear, and to no other port', async () => {
  const { get, origin, outbound, rule } = place(
    await httpServer((_req, res) => res.end('plain')),
    '127.0.0.1',
    'http'
  )
  expect((await get()).body.toString()).toBe('plain')
  await outbound.probe.connect(origin, rule)
  const other = 'http://127.0.0.1:1'
  expect(await failureCode(get({ url: other, rule: { kind: 'origin', origin: other } }))).toBe(
    'host_not_allowed'
  )
})

it('after close no call is taken', async () => {
  const { get, outbound } = place(await httpsServer((_req, res) => res.end()))
  await get()
  await outbound.close()
  expect(await failureCode(get())).toBe('shutting_down')
})
