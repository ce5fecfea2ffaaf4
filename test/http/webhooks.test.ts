import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { App } from '../../src/http/route.ts'
import type { DeliveryView, WebhookView } from '../../src/webhooks/webhooks.ts'
import { anId, appWith, browser, now, tokens } from './fakes.ts'

const id = anId('webhook')
const path = '/api/v1/webhooks'
const view: WebhookView = {
  id,
  name: 'On call',
  url: 'https://hooks.example.com/weft',
  events: ['connection.*'],
  status: 'failing',
  cause: null,
  since: now,
  behind: 3,
  lastDeliveredAt: null,
  lastError: 'tls_failed',
  failures: 2,
  nextTryAt: now,
  secrets: [{ hint: '…c9f2', createdAt: now, expiresAt: null }],
  version: 4,
  createdAt: now,
  updatedAt: now
}
const delivery: DeliveryView = {
  id: 'whd_1',
  kind: 'test',
  messageId: 'aud_1',
  type: 'webhook.test',
  attempt: 1,
  at: now,
  status: null,
  error: 'tls_failed',
  durationMs: 12
}
const secret = { secret: 'whsec_canary', hint: '…nary', createdAt: now, previousExpiresAt: now }

let app: App
let lines: readonly Record<string, unknown>[]
let received: unknown[] = []
const take =
  <T>(result: T) =>
  async (...args: unknown[]) => {
    received.push(...args.slice(1))
    return result
  }
beforeAll(async () => {
  const built = await appWith({
    webhooks: {
      list: take({ items: [view], nextCursor: 'next' }),
      get: take(view),
      create: take({ ...view, secret: secret.secret }),
      update: take({ ...view, version: 5 }),
      remove: take(undefined),
      pause: take(view),
      resume: take(view),
      rotateSecret: take(secret),
      test: take(delivery),
      redeliver: () => Promise.reject(new AppError('not_found')),
      deliveries: take({ items: [delivery], nextCursor: null })
    }
  })
  app = built.app
  lines = built.lines
})
afterAll(() => app.close())
beforeEach(() => {
  received = []
})

async function ask(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', url: string, body?: unknown) {
  const headers = {
    ...browser(tokens.admin),
    ...(body !== undefined && { 'content-type': 'application/json' })
  }
  const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
  return await app.inject({ method, url, headers, ...payload })
}

const input = { name: view.name, url: view.url, events: view.events }
const wire = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('webhooks over HTTP', () => {
  test('201 a webhook with its secret, this once, and its ETag', async () => {
    const answer = await ask('POST', path, input)
    expect([answer.statusCode, answer.headers.etag]).toEqual([201, '"4"'])
    expect(answer.json()).toEqual(wire({ ...view, secret: secret.secret }))
    expect(received).toEqual([input])
    expect(JSON.stringify(lines)).not.toContain('canary')
  })

  test('200 it is read, listed, changed at its version, paused, tried out and asked for its tries', async () => {
    expect((await ask('GET', `${path}/${id}`)).json()).toEqual(wire(view))
    expect((await ask('GET', `${path}?limit=1`)).json()).toEqual(
      wire({ items: [view], nextCursor: 'next' })
    )
    const changed = await ask('PATCH', `${path}/${id}`, { version: 4, name: 'Nights' })
    expect([changed.statusCode, changed.headers.etag]).toEqual([200, '"5"'])
    expect((await ask('POST', `${path}/${id}/pause`)).statusCode).toBe(200)
    expect((await ask('POST', `${path}/${id}/test`)).json()).toEqual(wire(delivery))
    expect((await ask('GET', `${path}/${id}/deliveries`)).json()).toMatchObject({
      items: [{ error: 'tls_failed', status: null }]
    })
    expect((await ask('DELETE', `${path}/${id}`)).statusCode).toBe(204)
  })

  test('404 an event that is not there to be sent again', async () => {
    const eventId = anId('auditEvent')
    const answer = await ask('POST', `${path}/${id}/redeliver`, { eventId })
    expect(answer.json()).toMatchObject({ status: 404, code: 'not_found' })
  })

  const long = 'x'.repeat(2_100)
  const bad: readonly [string, string, unknown, readonly string[]][] = [
    ['POST', path, { ...input, secret: 'mine' }, ['/secret']],
    ['POST', path, { ...input, status: 'active', tenantId: 'x' }, ['/status', '/tenantId']],
    ['POST', path, { name: 7, url: long, events: 'all' }, ['/name', '/url', '/events']],
    ['POST', path, { ...input, events: [] }, ['/events']],
    ['POST', path, { ...input, events: ['a.b', 'a.b'] }, ['/events']],
    [
      'POST',
      path,
      { ...input, events: ['*', 'a.*.b', 'A.b'] },
      ['/events/0', '/events/1', '/events/2']
    ],
    ['POST', path, {}, ['/name', '/url', '/events']],
    ['PATCH', `${path}/${id}`, { version: '4', cause: 'x' }, ['/version', '/cause']],
    ['PATCH', `${path}/${id}`, { version: 4, name: null }, ['/name']],
    ['POST', `${path}/${id}/resume`, { skipMissed: 'yes', from: 1 }, ['/skipMissed', '/from']],
    [
      'POST',
      `${path}/${id}/secrets`,
      { overlapHours: 169, secret: 'x' },
      ['/overlapHours', '/secret']
    ],
    ['POST', `${path}/${id}/redeliver`, { eventId: id, url: 'x' }, ['/eventId', '/url']],
    ['POST', `${path}/${id}/redeliver`, {}, ['/eventId']]
  ]
  test.each(bad)(
    '400 %s %s, case %#: each fault at its place, and nothing is done',
    async (method, url, body, places) => {
      const answer = await ask(method as 'POST', url, body)
      expect(answer.json()).toMatchObject({ status: 400, code: 'invalid_request' })
      const pointers = answer.json().errors.map(({ pointer }: { pointer: string }) => pointer)
      expect([...new Set(pointers)].sort()).toEqual([...places].sort())
      expect(received).toEqual([])
    }
  )

  test('404 for an id of another kind, 400 for a body where there is none, and a query that is not known', async () => {
    const answers = [
      await ask('GET', `${path}/${anId('fabric')}`),
      await ask('POST', `${path}/${id}/pause`, { until: 'tomorrow' }),
      await ask('GET', `${path}?status=active`),
      await ask('GET', `${path}/${id}/deliveries?limit=0`)
    ]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([404, 400, 400, 400])
    expect(received).toEqual([])
  })

  test('403 for a member, 401 for a stranger', async () => {
    const get = async (headers: Record<string, string>) =>
      (await app.inject({ method: 'GET', url: path, headers })).statusCode
    expect(await get(browser(tokens.member))).toBe(403)
    expect(await get({ host: 'weft.test' })).toBe(401)
  })
})
