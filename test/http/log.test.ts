import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { anId, anonymous, appWith, browser, fabric, fabricId, service, tokens } from './fakes.ts'
import { call, listen } from './sockets.ts'

const canary = 'canary'

describe('one line per request', () => {
  test('tells the route, who, what and how long', async () => {
    const { app, lines } = await appWith({ fabrics: { get: async () => fabric } })
    const port = await listen(app)
    const headers = browser(tokens.admin)
    await call(port, { path: `/api/v1/fabrics/${fabricId}`, headers })
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      level: 30,
      requestId: 'req-00000001',
      method: 'GET',
      route: '/api/v1/fabrics/:fabricId',
      operation: 'fabric.get',
      status: 200,
      tenant: anId('tenant'),
      actor: anId('user'),
      via: 'session',
      fabric: fabricId,
      ms: expect.any(Number),
      bytesOut: expect.any(Number)
    })
    expect(lines[0]).not.toHaveProperty('aborted')
    await app.close()
  })

  test('of a call through a fabric tells identity, token source and upstream', async () => {
    const { app, lines } = await appWith({
      gateway: {
        handle: async (_call, sink) => {
          sink.head(200, [])
          sink.write(Buffer.from('four'))
          sink.end()
          return {
            operation: 'endpoint.query',
            fabricId,
            identity: 'service_principal',
            tokenSource: 'refreshed',
            upstreamMs: 12,
            upstreamStatus: 200,
            code: null
          }
        }
      }
    })
    const port = await listen(app)
    const path = `/fabrics/${fabricId}/serving-endpoints/${canary}/invocations?x=${canary}`
    await call(port, { method: 'POST', path, headers: service() }, canary)
    await expect.poll(() => lines).toHaveLength(1)
    expect(lines[0]).toMatchObject({
      route: '/fabrics/:fabricId/*',
      status: 200,
      via: 'service_key',
      key: anId('key'),
      identity: 'service_principal',
      tokenSource: 'refreshed',
      upstreamMs: 12,
      upstreamStatus: 200,
      bytesOut: 4
    })
    expect(JSON.stringify(lines)).not.toContain(canary)
    await app.close()
  })

  test("a caller's fault is info with its code; ours is an error with name and place only", async () => {
    const { app, lines } = await appWith({
      fabrics: {
        get: () => Promise.reject(new AppError('not_found', { note: 'no such row' })),
        complete: () => Promise.reject(new RangeError(`${canary} in a message`))
      }
    })
    const headers = browser(tokens.admin)
    await app.inject({ url: `/api/v1/fabrics/${fabricId}`, headers })
    await app.inject({ method: 'POST', url: `/api/v1/fabrics/${fabricId}/complete`, headers })
    expect(lines).toMatchObject([
      { level: 30, status: 404, code: 'not_found', note: 'no such row' },
      { level: 50, status: 500, code: 'internal', fault: expect.stringMatching(/^RangeError/) }
    ])
    expect(JSON.stringify(lines)).not.toContain(canary)
    await app.close()
  })
})

describe('what never comes into a line', () => {
  test('I1 queries, headers, cookies, bodies and unknown paths, at trace level', async () => {
    const refuse = () => Promise.reject(new TypeError(canary))
    const { app, lines } = await appWith({
      identity: {
        login: { start: refuse, finish: refuse },
        authenticate: refuse
      },
      gateway: { handle: refuse }
    })
    const port = await listen(app)
    const headers = {
      ...anonymous,
      cookie: `__Host-weft_session=${canary}; a=${canary}`,
      'user-agent': `${canary}\u009b31m`,
      'x-weft-csrf': '1',
      referer: `http://weft.test/?code=${canary}`
    }
    const targets = [
      `/auth/callback/${anId('loginProvider')}?code=${canary}&state=${canary}`,
      `/oauth/callback/${anId('appConnection')}?code=${canary}`,
      `/auth/login?return_to=/${canary}`,
      `/${canary}`,
      `/%zz${canary}`,
      `/fabrics/${canary}/${canary}`,
      `/api/v1/fabrics/${canary}?x=${canary}`,
      `/problems/${canary}`
    ]
    for (const path of targets) {
      const answer = await call(port, { path, headers: { ...headers } })
      expect(answer.status).toBeGreaterThanOrEqual(400)
    }
    const bearer = { ...anonymous, authorization: `Bearer ${canary}` }
    await call(port, { method: 'POST', path: '/api/v1/fabrics', headers: bearer }, canary)
    await app.close()
    expect(lines.length).toBeGreaterThan(7)
    expect(JSON.stringify(lines)).not.toMatch(new RegExp(`${canary}|\u009b`))
  })
})
