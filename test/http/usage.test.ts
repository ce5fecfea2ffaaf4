import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { UsageView } from '../../src/fabrics/usage-view.ts'
import type { App } from '../../src/http/route.ts'
import { appWith, browser, fabricId, service, tokens } from './fakes.ts'

let app: App
let asked: unknown[] = []

const figures = {
  calls: 2,
  errors: 1,
  requestBytes: 3,
  answerBytes: 4,
  inputTokens: 5,
  outputTokens: 6,
  totalTokens: 11,
  duration: { meanMs: 7.5, maxMs: 9 }
}
const usage: UsageView = {
  from: '2026-04-05',
  to: '2026-05-04',
  total: figures,
  items: [{ day: null, endpoint: 'llama', caller: null, ...figures }],
  nextCursor: 'next'
}

beforeAll(async () => {
  const built = await appWith({
    fabrics: {
      usage: async (_scope, id, query) => {
        asked.push(id, query)
        return usage
      }
    }
  })
  app = built.app
})
beforeEach(() => {
  asked = []
})
afterAll(() => app.close())

const get = (query: string, headers = browser(tokens.admin)) =>
  app.inject({ url: `/api/v1/fabrics/${fabricId}/usage${query}`, headers })

test('200 the sums as they are, by all three where nothing is said', async () => {
  const res = await get('')
  expect([res.statusCode, res.json()]).toEqual([200, usage])
  const groupBy = ['day', 'endpoint', 'caller']
  expect(asked).toEqual([
    fabricId,
    { from: undefined, to: undefined, groupBy, limit: 50, cursor: null }
  ])
})

test('200 what is asked for reaches the fabrics as it was said', async () => {
  const query = '?from=2026-05-01&to=2026-05-04T00:00:00Z&groupBy=caller,day&limit=7&cursor=c'
  expect((await get(query)).statusCode).toBe(200)
  expect(asked[1]).toEqual({
    from: '2026-05-01',
    to: '2026-05-04T00:00:00Z',
    groupBy: ['day', 'caller'],
    limit: 7,
    cursor: 'c'
  })
})

test.each([
  '?from=yesterday',
  '?to=2026-05',
  '?groupBy=team',
  '?groupBy=',
  '?groupBy=day,',
  '?limit=0',
  '?limit=201',
  '?by=day',
  '?from=2026-05-01&from=2026-05-02'
])('400 invalid_request for %s', async (query) => {
  const res = await get(query)
  expect([res.statusCode, res.json().code]).toEqual([400, 'invalid_request'])
  expect(res.json().errors.length).toBeGreaterThan(0)
  expect(asked).toEqual([])
})

test('403 for a service account, 401 for nobody, 404 for what is no id', async () => {
  expect((await get('', service())).statusCode).toBe(403)
  expect((await get('', { host: 'weft.test' })).statusCode).toBe(401)
  const res = await app.inject({
    url: '/api/v1/fabrics/x/usage',
    headers: browser(tokens.admin)
  })
  expect(res.statusCode).toBe(404)
})
