import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { FabricName } from '../../src/fabrics/fabric-slugs.ts'
import type { GatewayCall } from '../../src/gateway/gateway.ts'
import { fabricHostsOf } from '../../src/http/fabric-hosts.ts'
import { publicUrlOf } from '../../src/http/public-url.ts'
import type { App } from '../../src/http/route.ts'
import type { ServiceTokens } from '../../src/identity/identity.ts'
import { anonymous, appWith, browser, fabricId, room, service, tokens } from './fakes.ts'
import { call, listen } from './sockets.ts'

const host = 'spark--acme.fabrics.test'
let app: App
let port: number
let calls: GatewayCall[]
let names: FabricName[]
let askedTenants: (string | null)[]

beforeAll(async () => {
  const serviceTokens = room<ServiceTokens>(
    {
      issue: async ({ tenantSlug }) => {
        askedTenants.push(tenantSlug)
        return { accessToken: 'eyJ.token.x', expiresInSeconds: 60 }
      }
    },
    'serviceTokens'
  )
  const built = await appWith({
    identity: { serviceTokens },
    deps: { fabricDomain: 'fabrics.test' },
    fabricSlugs: {
      findBySlug: async (_scope, { slug, tenantSlug }) => {
        names.push({ slug, tenantSlug })
        if (slug === 'spark' && tenantSlug === 'acme') return fabricId
        throw new AppError('not_found')
      }
    },
    gateway: {
      handle: async (asked, sink) => {
        calls.push(asked)
        sink.head(200, [['content-length', '2']])
        sink.write(Buffer.from('ok'))
        sink.end()
        return {
          operation: 'endpoint.query',
          fabricId: asked.fabricId,
          identity: 'service_principal',
          tokenSource: 'cached',
          upstreamMs: 1,
          upstreamStatus: 200,
          code: null
        }
      }
    }
  })
  app = built.app
  port = await listen(app)
})
afterAll(() => app.close())
beforeEach(() => {
  calls = []
  names = []
  askedTenants = []
})

const at = (path: string, headers: Record<string, string>, method = 'GET') =>
  call(port, { path, method, headers: { host, ...headers } })
const key = { authorization: service().authorization ?? '' }

describe('200 on a fabric host', () => {
  test.each([
    ['GET', '/api/2.0/serving-endpoints', '/api/2.0/serving-endpoints', ''],
    [
      'POST',
      '/serving-endpoints/e/invocations?a=%2f&b',
      '/serving-endpoints/e/invocations',
      'a=%2f&b'
    ],
    ['GET', '/', '/', ''],
    // Paths that mean something on Weft's own host mean the workspace's here.
    ['GET', '/api/v1/me', '/api/v1/me', ''],
    ['POST', '/oauth2/token', '/oauth2/token', ''],
    ['GET', '/console', '/console', ''],
    ['GET', '/healthz', '/healthz', ''],
    [
      'GET',
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-authorization-server',
      ''
    ],
    ['GET', `/fabrics/${fabricId}/api/2.0/x`, `/fabrics/${fabricId}/api/2.0/x`, '']
  ])('%s %s is the workspace’s path, whole', async (method, path, asked, query) => {
    const answer = await at(path, key, method)
    expect([answer.status, answer.body.toString()]).toEqual([200, 'ok'])
    expect(calls).toMatchObject([{ fabricId, method, path: asked, query }])
    expect(names).toEqual([{ slug: 'spark', tenantSlug: 'acme' }])
    expect(answer.headers['content-security-policy']).toBe('sandbox')
  })

  test('the host is read without regard to case', async () => {
    expect((await at('/x', { ...key, host: 'Spark--ACME.Fabrics.test' })).status).toBe(200)
  })

  test('it tells its login as a workspace does, each URL at this very host', async () => {
    const read = async (path: string) => JSON.parse((await at(path, {})).body.toString())
    const base = `http://${host}`
    const config = await read('/.well-known/databricks-config')
    expect(config).toEqual({ oidc_endpoint: `${base}/oidc`, host_type: 'workspace' })
    for (const name of ['oauth-authorization-server', 'openid-configuration']) {
      expect(await read(`/oidc/.well-known/${name}`)).toMatchObject({
        issuer: `${base}/oidc`,
        authorization_endpoint: `${base}/oidc/v1/authorize`,
        token_endpoint: `${base}/oidc/v1/token`
      })
    }
  })

  test('a token got here is for an account of the tenant that the host names', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/oidc/v1/token',
      headers: { host, 'content-type': 'application/x-www-form-urlencoded' },
      payload: 'grant_type=client_credentials&client_id=a&client_secret=b'
    })
    expect(answer.json()).toMatchObject({ access_token: 'eyJ.token.x', expires_in: 60 })
    expect(askedTenants).toEqual(['acme'])
  })
})

describe('401 unauthenticated', () => {
  test.each(['/api/v1/me', '/', '/nowhere', '/serving-endpoints/e/invocations'])(
    'a session is worth nothing on a fabric host: %s',
    async (path) => {
      const { host: _host, ...session } = browser(tokens.admin)
      const answer = await at(path, session)
      expect([answer.status, answer.headers['x-weft-problem']]).toEqual([401, 'unauthenticated'])
      expect(answer.headers).not.toHaveProperty('set-cookie')
      expect(calls).toEqual([])
      expect(names).toEqual([])
    }
  )
})

test('404 path_not_allowed for a method that no workspace knows', async () => {
  for (const path of ['/', '/api/v1/me', '/healthz']) {
    const answer = await at(path, key, 'PROPFIND')
    expect([answer.status, answer.headers['x-weft-problem']]).toEqual([404, 'path_not_allowed'])
  }
})

test('404 for another tenant’s name and for no such fabric, in the same words', async () => {
  const answers = await Promise.all(
    ['spark--globex', 'other--acme'].map((name) =>
      at('/api/2.0/x', { ...key, host: `${name}.fabrics.test` })
    )
  )
  const unknown = answers.map(({ status, body }) => {
    const { instance, ...rest } = JSON.parse(body.toString())
    return { status, ...rest }
  })
  expect(unknown[0]).toMatchObject({ status: 404, code: 'not_found', error_code: 'not_found' })
  expect(unknown[1]).toEqual(unknown[0])
  expect(calls).toEqual([])
})

describe('421 for a host that is neither ours nor a fabric’s', () => {
  test.each([
    'fabrics.test',
    'evil.fabrics.test',
    'spark--acme.fabrics.test.evil.example',
    'spark--acme.fabrics.test.',
    'spark--acme.fabrics.test:81',
    'spark--acme.evil-fabrics.test',
    'spark--acmefabrics.test',
    'a.spark--acme.fabrics.test',
    'spark---acme.fabrics.test',
    'spark--acme--x.fabrics.test',
    '-spark--acme.fabrics.test',
    'spark-.-acme.fabrics.test',
    '--acme.fabrics.test',
    'spark--.fabrics.test',
    'spark_x--acme.fabrics.test',
    'spark--acme@fabrics.test',
    '127.0.0.1'
  ])('F2 %s', async (other) => {
    for (const path of ['/api/v1/openapi.json', '/api/2.0/x', '/.well-known/databricks-config']) {
      const answer = await at(path, { ...key, host: other })
      expect([path, answer.status]).toEqual([path, 421])
    }
    expect(calls).toEqual([])
  })

  test('nor any, where no domain is set', async () => {
    const { app: plain } = await appWith()
    const answer = await plain.inject({ url: '/api/2.0/x', headers: { host, ...key } })
    expect(answer.statusCode).toBe(421)
    await plain.close()
  })
})

test('the public host has none of the fabric hosts’ paths', async () => {
  for (const path of ['/.well-known/databricks-config', '/oidc/v1/token', '/api/2.0/x']) {
    const answer = await app.inject({ url: path, headers: { ...anonymous, ...key } })
    expect([path, answer.statusCode, answer.json().code]).toEqual([path, 404, 'not_found'])
  }
  expect(calls).toEqual([])
})

describe('the name of a fabric host', () => {
  const hostsOf = (url: string) => fabricHostsOf('fabrics.test', publicUrlOf(url))

  test('has the scheme and the port of the public URL, and not its path', () => {
    expect(hostsOf('https://weft.test/prefix')('a-1--b.fabrics.test')).toEqual({
      slug: 'a-1',
      tenantSlug: 'b',
      origin: 'https://a-1--b.fabrics.test'
    })
    const local = hostsOf('http://localhost:8080')
    expect(local('a--b.fabrics.test:8080')?.origin).toBe('http://a--b.fabrics.test:8080')
    expect(local('a--b.fabrics.test')).toBeNull()
  })

  test('the public host stays the public host, whatever it looks like', async () => {
    const { app: odd } = await appWith({
      deps: { publicUrl: 'http://a--b.fabrics.test', fabricDomain: 'fabrics.test' }
    })
    const answer = await odd.inject({ url: '/healthz', headers: { host: 'a--b.fabrics.test' } })
    expect(answer.json()).toEqual({ status: 'ok' })
    await odd.close()
  })
})
