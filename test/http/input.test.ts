import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import type { App } from '../../src/http/route.ts'
import { anId, appConnection, appWith, browser, fabric, fabricId, now, tokens } from './fakes.ts'

let app: App
let received: unknown[] = []
const take =
  <T>(result: T) =>
  async (...args: unknown[]) => {
    received.push(...args.slice(1))
    return result
  }

beforeAll(async () => {
  const built = await appWith({
    fabrics: {
      list: take({ items: [fabric], nextCursor: 'next' }),
      create: take(fabric),
      update: take({ ...fabric, version: 4 }),
      complete: take(fabric),
      remove: async () => {
        throw new AppError('rate_limited', {
          detail: 'Slow down',
          retryAt: new Date(now.getTime() + 1_500),
          actionUrl: '/console'
        })
      },
      signOut: () => Promise.reject(Object.assign(new TypeError('canary-in-a-message'), { x: 1 })),
      testConnection: take({ ok: true, identity: null, steps: [] })
    },
    appConnections: { create: take(appConnection) }
  })
  app = built.app
})
beforeEach(() => {
  received = []
})
afterAll(() => app.close())

const headers = browser(tokens.admin)
const body = {
  name: 'Lake',
  teamId: anId('team'),
  kind: 'sql',
  provider: 'databricks',
  authMethod: 'oauth',
  workspaceUrl: 'https://adb-1.azuredatabricks.net'
}
const post = (url: string, payload: unknown, more: object = {}) =>
  app.inject({
    method: 'POST',
    url,
    headers: { ...headers, 'content-type': 'application/json', ...more },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload)
  })

describe('400', () => {
  test.each([
    ['connectMs', 99],
    ['connectMs', 10_001],
    ['firstByteMs', 1_800_001],
    ['idleMs', 0],
    ['totalMs', 14_400_001],
    ['totalMs', 1_000.5],
    ['totalMs', '1000'],
    ['someMs', 1_000]
  ])('a deadline out of its range: %s %s', async (name, ms) => {
    const answer = await post('/api/v1/fabrics', { ...body, deadlines: { [name]: ms } })
    expect([answer.statusCode, received]).toEqual([400, []])
    const [fault] = answer.json().errors
    expect(fault.pointer).toBe(`/deadlines/${name}`)
  })

  test('D11 all faults come at once, each with its pointer, none with its value', async () => {
    const answer = await post('/api/v1/fabrics', {
      ...body,
      name: 'n'.repeat(121),
      kind: 'canary-kind',
      role: 'canary-role',
      compute: { warehouseId: 7, tenantId: 'canary-tenant' },
      endpointAllowList: ['ok', '../canary']
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
    const pointers = answer.json().errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(pointers.sort()).toEqual([
      '/compute/tenantId',
      '/compute/warehouseId',
      '/endpointAllowList/1',
      '/kind',
      '/name',
      '/role'
    ])
    expect(answer.body).not.toContain('canary')
    expect(received).toEqual([])
  })

  test.each([
    ['a number for a text', { ...body, name: 7 }],
    ['a text for a list', { ...body, endpointAllowList: 'a' }],
    ['an operator for a text', { ...body, teamId: { not: '' } }],
    ['a list for an object', [body]],
    ['null for an object', 'null'],
    ['an id of another kind', { ...body, teamId: fabricId }],
    ['createdAt', { ...body, createdAt: now }],
    ['__proto__', '{"__proto__":{"isAdmin":true}}'],
    ['constructor', '{"constructor":{"prototype":{"isAdmin":true}}}'],
    ['no JSON', '{"name":'],
    ['nothing', ''],
    ['a nest of 100,000', `${'['.repeat(100_000)}${']'.repeat(100_000)}`]
  ])('D11 F7 %s is refused, not made to fit', async (_name, payload) => {
    const answer = await post('/api/v1/fabrics', payload)
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request'])
    expect(received).toEqual([])
  })

  test.each([
    'limit=0',
    'limit=201',
    'limit=two',
    'limit=5&limit=6',
    'limit[gt]=5',
    'cursor=',
    'status=broken',
    'colour=red',
    'tenantId=ten_1'
  ])('D11 D2 a list refuses ?%s', async (query) => {
    const answer = await app.inject({ url: `/api/v1/fabrics?${query}`, headers })
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_request'])
  })

  test('a query or a body where none is expected is refused, not dropped', async () => {
    const query = await app.inject({ url: '/api/v1/me?x=1', headers })
    const payload = await post(`/api/v1/fabrics/${fabricId}/complete`, { force: true })
    expect([query.statusCode, payload.statusCode]).toEqual([400, 400])
    expect(received).toEqual([])
  })

  test('a huge list of faults is told by its first', async () => {
    const payload = { ...body, endpointAllowList: Array.from({ length: 100_000 }, () => 1) }
    const answer = await post('/api/v1/fabrics', payload)
    expect(answer.statusCode).toBe(400)
    expect(answer.json().errors).toHaveLength(1)
  })

  test('an update needs the version that it was made against', async () => {
    const answer = await app.inject({
      method: 'PATCH',
      url: `/api/v1/fabrics/${fabricId}`,
      headers,
      payload: { name: 'New' }
    })
    expect(answer.json().errors).toEqual([
      { pointer: '/version', message: 'is required, here or as If-Match' }
    ])
  })

  test.each(['', 'two words', 'k'.repeat(129)])('the idempotency key "%s"', async (key) => {
    const answer = await post('/api/v1/fabrics', body, { 'idempotency-key': key })
    expect(answer.json().errors[0].pointer).toBe('/headers/idempotency-key')
  })
})

describe('413 415', () => {
  test('F7 a body over 1 MiB', async () => {
    const answer = await post('/api/v1/fabrics', JSON.stringify({ name: 'x'.repeat(1024 * 1024) }))
    expect([answer.statusCode, answer.json().code]).toEqual([413, 'body_too_large'])
  })

  test.each(['application/xml', 'application/jsonx', 'json', 'application/json5'])(
    'F7 the content type %s',
    async (type) => {
      const answer = await post('/api/v1/fabrics', body, { 'content-type': type })
      expect([answer.statusCode, answer.json().code]).toEqual([415, 'invalid_request'])
    }
  )

  test.each(['application/json ; charset=utf-8', 'application/json\t', 'APPLICATION/JSON'])(
    'F7 the content type "%s" does not get past the schema',
    async (type) => {
      const answer = await post('/api/v1/fabrics', { name: 7 }, { 'content-type': type })
      expect([400, 415]).toContain(answer.statusCode)
      expect(received).toEqual([])
    }
  )
})

describe('what the rooms get', () => {
  test('a list gets its page, with 50 where nothing is said', async () => {
    await app.inject({ url: '/api/v1/fabrics', headers })
    const answer = await app.inject({ url: '/api/v1/fabrics?limit=7&cursor=abc', headers })
    expect(received).toEqual([
      { limit: 50, cursor: null },
      { limit: 7, cursor: 'abc' }
    ])
    expect(answer.json().nextCursor).toBe('next')
  })

  test('secrets are wrapped before anything else sees them', async () => {
    const servicePrincipal = { clientId: 'sp', clientSecret: 'canary' }
    await post('/api/v1/fabrics', { ...body, servicePrincipal })
    await post('/api/v1/app-connections', {
      name: 'Main',
      provider: 'databricks',
      clientSecret: 'canary'
    })
    expect(received).toHaveLength(2)
    expect(JSON.stringify(received)).not.toContain('canary')
    expect(received[0]).toMatchObject({ servicePrincipal: { clientSecret: expect.any(Secret) } })
    expect(received[1]).toMatchObject({ clientSecret: expect.any(Secret) })
  })

  test('a merge patch keeps absent members absent and null members null', async () => {
    const answer = await app.inject({
      method: 'PATCH',
      url: `/api/v1/fabrics/${fabricId}`,
      headers: { ...headers, 'content-type': 'application/merge-patch+json', 'if-match': '"3"' },
      payload: JSON.stringify({ compute: { catalog: null }, servicePrincipal: null })
    })
    expect(answer.headers.etag).toBe('"4"')
    expect(received[1]).toStrictEqual({
      version: 3,
      compute: { catalog: null },
      servicePrincipal: null
    })
  })

  test('If-Match and version must agree', async () => {
    const answer = await app.inject({
      method: 'PATCH',
      url: `/api/v1/fabrics/${fabricId}`,
      headers: { ...headers, 'if-match': '"3"' },
      payload: { version: 2 }
    })
    expect(answer.statusCode).toBe(400)
  })
})

describe('problems', () => {
  test('say when to try again and where to act', async () => {
    const answer = await app.inject({
      method: 'DELETE',
      url: `/api/v1/fabrics/${fabricId}`,
      headers
    })
    expect(answer.headers['retry-after']).toBe('2')
    expect(answer.json()).toMatchObject({
      status: 429,
      code: 'rate_limited',
      detail: 'Slow down',
      retryAt: '2026-05-04T03:02:02.500Z',
      actionUrl: 'http://weft.test/console'
    })
  })

  test('F10 tell nothing of an error that nobody foresaw', async () => {
    const url = `/api/v1/fabrics/${fabricId}/connection`
    const answer = await app.inject({ method: 'DELETE', url, headers })
    expect([answer.statusCode, answer.json().code]).toEqual([500, 'internal'])
    expect(answer.body).not.toMatch(/canary|TypeError|src\//)
  })
})
