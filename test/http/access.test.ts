import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { App, RouteFact } from '../../src/http/route.ts'
import { anId, anonymous, appWith, browser, fabricId, service, tokens } from './fakes.ts'

let app: App
beforeAll(async () => {
  app = (await appWith()).app
})
afterAll(() => app.close())

const ids: Readonly<Record<string, string>> = {
  fabricId,
  appConnectionId: anId('appConnection'),
  clientSecretId: anId('clientSecret'),
  serviceAccountId: anId('serviceAccount'),
  keyId: anId('key'),
  sessionId: anId('session'),
  signInAttemptId: anId('signInAttempt'),
  loginProviderId: anId('loginProvider'),
  code: 'internal'
}

function urlOf({ url }: RouteFact): string {
  const path = url.replaceAll(/:(\w+)/g, (_, name: string) => ids[name] ?? 'unknown')
  return path.replace('*', 'api/2.0/serving-endpoints')
}

async function ask(route: Pick<RouteFact, 'method'>, url: string, headers: object) {
  // The methods of the table are those that Fastify knows.
  const method = route.method as 'GET'
  return app.inject({ method, url, headers: { ...headers } })
}

describe('401', () => {
  test('A7 D12 every route refuses a stranger unless it is public', async () => {
    const closed = app.routeTable.filter(({ access }) => access !== 'public')
    expect(closed.length).toBeGreaterThan(35)
    for (const route of closed) {
      const answer = await ask(route, urlOf(route), anonymous)
      const leads = route.url === '/sign-in/:fabricId'
      expect([route.method, route.url, answer.statusCode]).toEqual([
        route.method,
        route.url,
        leads ? 302 : 401
      ])
    }
  })

  test.each([
    ['a session that nobody knows', { cookie: '__Host-weft_session=unknown' }],
    ['an unknown key', { authorization: 'Bearer wfts_unknown' }],
    ['a key in another scheme', { authorization: `Basic ${tokens.service}` }],
    ['an empty bearer', { authorization: 'Bearer ' }],
    ['a session token as a bearer of nothing', { 'x-weft-session': tokens.admin }],
    ['the cookie that binds login attempts', { cookie: `__Host-weft_browser=${tokens.admin}` }],
    ['a session cookie without its prefix', { cookie: `weft_session=${tokens.admin}` }]
  ])('A7 %s is no credential', async (_name, headers) => {
    const answer = await ask({ method: 'GET' }, '/api/v1/fabrics', { ...anonymous, ...headers })
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'unauthenticated'])
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/)
  })

  test('an Authorization that does not hold is not made up for by a session', async () => {
    const headers = { ...browser(tokens.admin), authorization: 'Bearer wfts_unknown' }
    expect((await ask({ method: 'GET' }, '/api/v1/me', headers)).statusCode).toBe(401)
  })
})

describe('403', () => {
  test('a service account is not a person in a browser', async () => {
    for (const route of app.routeTable.filter(({ access }) => access === 'session')) {
      const answer = await ask(route, urlOf(route), service())
      expect([route.url, answer.statusCode]).toEqual([route.url, 403])
    }
  })

  test('a member does not reach what the role table keeps from members', async () => {
    const answer = await ask({ method: 'GET' }, '/api/v1/audit-events', browser(tokens.member))
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'forbidden'])
  })

  test('a refused caller learns nothing of the faults of what it sent', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: '/api/v1/app-connections',
      headers: browser(tokens.member),
      payload: { nonsense: true }
    })
    expect(answer.json()).not.toHaveProperty('errors')
    expect(answer.statusCode).toBe(403)
  })
})

describe('404', () => {
  test.each([
    '/api/v1/me/',
    '//api/v1/me',
    '/api/v1//me',
    '/API/v1/me',
    '/api/v1/Me',
    '/api/v1/me;x',
    '/api/v1/me%2f'
  ])('D12 %s is another path than the one it resembles', async (url) => {
    const answer = await ask({ method: 'GET' }, url, browser(tokens.admin))
    expect(answer.statusCode).toBe(404)
  })

  test.each(['HEAD', 'OPTIONS', 'PUT'])('D12 %s is not offered where GET is', async (method) => {
    const answer = await ask({ method }, '/api/v1/me', browser(tokens.admin))
    expect(answer.statusCode).toBe(404)
  })

  test('D12 no header makes another request of a request', async () => {
    const headers = {
      ...anonymous,
      'user-agent': 'kube-probe/1.30',
      'x-http-method-override': 'GET',
      'x-original-url': '/healthz',
      'x-forwarded-uri': '/healthz',
      'x-rewrite-url': '/healthz'
    }
    expect((await ask({ method: 'GET' }, '/api/v1/me', headers)).statusCode).toBe(401)
  })

  test('D9 a malformed id answers in the same words as an unknown one', async () => {
    const answer = await ask({ method: 'GET' }, '/api/v1/fabrics/1', browser(tokens.admin))
    const { instance, ...body } = answer.json()
    expect(body).toEqual({
      type: 'http://weft.test/problems/not_found',
      title: 'No such resource',
      status: 404,
      code: 'not_found',
      owner: 'caller'
    })
    expect(instance).toMatch(/^urn:weft:request:/)
  })
})
