import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { App } from '../../src/http/route.ts'
import type { ServiceAccounts, Sessions } from '../../src/identity/identity.ts'
import {
  anId,
  anonymous,
  appWith,
  browser,
  fabricId,
  publicUrl,
  room,
  service,
  tokens
} from './fakes.ts'

let app: App
let effects = 0
const effect = () => {
  effects += 1
  return Promise.reject(new AppError('not_found'))
}

beforeAll(async () => {
  const every = new Proxy({}, { get: () => effect, has: () => true })
  const built = await appWith({
    appConnections: every,
    fabrics: every,
    gateway: { handle: effect },
    identity: {
      sessions: room<Sessions>(
        { logout: effect, end: effect, list: effect, switchTenant: effect },
        's'
      ),
      serviceAccounts: room<ServiceAccounts>(every, 'serviceAccounts')
    }
  })
  app = built.app
})
afterAll(() => app.close())

const ids: Readonly<Record<string, string>> = {
  fabricId,
  appConnectionId: anId('appConnection'),
  clientSecretId: anId('clientSecret'),
  serviceAccountId: anId('serviceAccount'),
  keyId: anId('key'),
  sessionId: anId('session')
}

const { 'x-weft-csrf': _header, 'sec-fetch-site': _site, ...cookieOnly } = browser(tokens.admin)
const own = { ...cookieOnly, 'x-weft-csrf': '1' }

const foreign: readonly [name: string, headers: Record<string, string>][] = [
  ['a form of another site', { ...cookieOnly, origin: 'https://evil.test' }],
  ['a form without an Origin', cookieOnly],
  ['a same-origin call without the header', { ...cookieOnly, 'sec-fetch-site': 'same-origin' }],
  ['the header with another value', { ...browser(tokens.admin), 'x-weft-csrf': 'true' }],
  ['the header and a foreign Origin', { ...own, origin: 'https://evil.test' }],
  ['the header and a null Origin', { ...own, origin: 'null' }],
  ['the header and an Origin of another port', { ...own, origin: `${publicUrl}:8081` }],
  ['the header and neither Origin nor site', own],
  ['a cross-site fetch', { ...own, 'sec-fetch-site': 'cross-site' }],
  ['a same-site fetch', { ...own, 'sec-fetch-site': 'same-site' }],
  [
    'a foreign site behind our Origin',
    { ...own, origin: publicUrl, 'sec-fetch-site': 'cross-site' }
  ]
]

const types = [
  ['text/plain', 'a=b'],
  ['application/x-www-form-urlencoded', 'a=b'],
  ['multipart/form-data; boundary=x', '--x--'],
  ['application/json', '{}'],
  [null, undefined]
] as const

describe('403 csrf_refused', () => {
  test('A12 every route that changes state refuses another site, before any effect', async () => {
    const changing = app.routeTable.filter(({ method }) => !/^(GET|HEAD|OPTIONS)$/.test(method))
    expect(changing.length).toBeGreaterThan(20)
    effects = 0
    for (const [at, { method, url }] of changing.entries()) {
      const path = url.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? 'x')
      for (const [which, [name, headers]] of foreign.entries()) {
        // Each form of a foreign request meets each type, at one route or another.
        const [type, payload] = types[(at + which) % types.length] ?? []
        const answer = await app.inject({
          method: method as 'POST',
          url: path.replace('*', 'serving-endpoints/e/invocations'),
          headers: { ...headers, ...(type && { 'content-type': type }) },
          ...(payload !== undefined && { payload })
        })
        const code = answer.json().code ?? answer.headers['x-weft-problem']
        const told = [method, url, name, type, answer.statusCode, code]
        expect(told).toEqual([method, url, name, type, 403, 'csrf_refused'])
      }
    }
    expect(effects).toBe(0)
  })

  test('A12 on the data plane a session needs the header even to read', async () => {
    const url = `/fabrics/${fabricId}/api/2.0/serving-endpoints`
    effects = 0
    const answer = await app.inject({ url, headers: { ...cookieOnly } })
    expect([answer.statusCode, answer.headers['x-weft-problem']]).toEqual([403, 'csrf_refused'])
    expect(effects).toBe(0)
  })
})

describe('let through', () => {
  const url = `/api/v1/fabrics/${fabricId}/complete`

  test.each([
    ['our pages, by site', browser(tokens.admin)],
    ['our pages, by Origin', { ...own, origin: publicUrl }],
    ['a service key, which no browser sends by itself', service()]
  ])('%s', async (_name, headers) => {
    effects = 0
    const answer = await app.inject({ method: 'POST', url, headers: { ...headers } })
    expect([answer.statusCode, effects]).toEqual([404, 1])
  })

  test('a logout without a session needs no proof of origin', async () => {
    const answer = await app.inject({ method: 'POST', url: '/auth/logout', headers: anonymous })
    expect(answer.statusCode).toBe(404)
  })
})

test('F7 text/plain, forms and multipart are no bodies of the API', async () => {
  for (const [type, payload] of types.slice(0, 3)) {
    const headers = { ...browser(tokens.admin), ...(type && { 'content-type': type }) }
    const request = { method: 'POST', url: '/api/v1/fabrics', headers } as const
    const answer = await app.inject(payload === undefined ? request : { ...request, payload })
    expect([answer.statusCode, answer.json().code]).toEqual([415, 'invalid_request'])
  }
})
