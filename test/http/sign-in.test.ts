import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { anId, anonymous, appWith, browser, fabricId, now, service, tokens } from './fakes.ts'

const started = {
  attemptId: anId('signInAttempt'),
  authorizationUrl: 'https://adb-1.azuredatabricks.net/oidc/v1/authorize?state=s',
  expiresAt: now
}
const callback = `/oauth/callback/${anId('appConnection')}`

describe('GET /sign-in/{fabricId}', () => {
  test('302 to the workspace, for the session that asks', async () => {
    const inputs: unknown[] = []
    const { app } = await appWith({
      fabrics: {
        startSignIn: async (_scope, id, input) => {
          inputs.push([id, input])
          return started
        }
      }
    })
    const url = `/sign-in/${fabricId}?return_to=/console`
    const answer = await app.inject({ url, headers: browser(tokens.member) })
    expect([answer.statusCode, answer.headers.location]).toEqual([302, started.authorizationUrl])
    expect(inputs).toEqual([[fabricId, { sessionId: anId('session'), returnTo: '/console' }]])
    await app.inject({
      url: `/sign-in/${fabricId}?return_to=//evil.test`,
      headers: browser(tokens.member)
    })
    expect(inputs[1]).toEqual([fabricId, { sessionId: anId('session'), returnTo: null }])
    await app.close()
  })

  test('302 to the login and back here, without a session', async () => {
    const { app } = await appWith()
    const url = `/sign-in/${fabricId}?return_to=/console?a=1`
    const answer = await app.inject({ url, headers: anonymous })
    expect(answer.statusCode).toBe(302)
    const location = new URL(String(answer.headers.location), 'http://weft.test')
    expect([location.pathname, location.searchParams.get('return_to')]).toEqual([
      '/auth/login',
      url
    ])
    await app.close()
  })

  test('a problem page, where it cannot begin', async () => {
    const { app } = await appWith({
      fabrics: {
        startSignIn: () =>
          Promise.reject(new AppError('app_connection_missing', { actionUrl: '/' }))
      }
    })
    const answer = await app.inject({
      url: `/sign-in/${fabricId}`,
      headers: browser(tokens.member)
    })
    expect(answer.statusCode).toBe(409)
    expect(answer.body).toContain('OAuth is not set up yet')
    expect(answer.body).toContain('An admin of your organisation')
    await app.close()
  })
})

describe('POST /api/v1/fabrics/{id}/sign-in', () => {
  test('200 with and without a body; 403 for a service account', async () => {
    const { app } = await appWith({ fabrics: { startSignIn: async () => started } })
    const request = { method: 'POST', url: `/api/v1/fabrics/${fabricId}/sign-in` } as const
    const headers = browser(tokens.member)
    const bare = await app.inject({ ...request, headers })
    const full = await app.inject({ ...request, headers, payload: { returnTo: '/console' } })
    const key = await app.inject({ ...request, headers: service() })
    expect([bare.statusCode, full.statusCode, key.statusCode]).toEqual([200, 200, 403])
    expect(bare.json()).toEqual({ ...started, expiresAt: now.toISOString() })
    await app.close()
  })
})

describe('GET /oauth/callback/{appConnectionId}', () => {
  test('B5 401 as a page, without a session: nothing is finished for a stranger', async () => {
    const { app } = await appWith()
    const answer = await app.inject({ url: `${callback}?code=c&state=s`, headers: anonymous })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['content-type']).toMatch(/^text\/html/)
    expect(answer.body).toContain('unauthenticated')
    await app.close()
  })

  test('303 to where the user came from', async () => {
    const inputs: unknown[] = []
    const { app } = await appWith({
      fabrics: {
        finishSignIn: async (_scope, input) => {
          inputs.push(input)
          return { attemptId: started.attemptId, returnTo: '/console' }
        }
      }
    })
    const url = `${callback}?code=a%20b&state=s`
    const answer = await app.inject({ url, headers: browser(tokens.member) })
    expect([answer.statusCode, answer.headers.location]).toEqual([303, '/console'])
    expect(inputs).toEqual([
      {
        appConnectionId: anId('appConnection'),
        query: 'code=a%20b&state=s',
        sessionId: anId('session')
      }
    ])
    await app.close()
  })

  test.each([null, 'https://evil.test', '//evil.test'])(
    '200 with a calm page, where it leads to %s',
    async (returnTo) => {
      const { app } = await appWith({
        fabrics: { finishSignIn: async () => ({ attemptId: started.attemptId, returnTo }) }
      })
      const answer = await app.inject({
        url: `${callback}?code=c`,
        headers: browser(tokens.member)
      })
      expect(answer.statusCode).toBe(200)
      expect(answer.body).toContain('You can close this window.')
      expect(answer.body).not.toMatch(/<script|style=| on\w+=|evil/)
      await app.close()
    }
  )

  test.each([
    ['attempt_expired', 410],
    ['attempt_not_yours', 403],
    ['redirect_uri_mismatch', 502],
    ['workspace_unreachable', 502]
  ] as const)('A4 %s is a page of its own status', async (code, status) => {
    const { app } = await appWith({
      fabrics: { finishSignIn: () => Promise.reject(new AppError(code)) }
    })
    const answer = await app.inject({ url: `${callback}?code=c`, headers: browser(tokens.member) })
    expect(answer.statusCode).toBe(status)
    expect(answer.body).toContain(code)
    await app.close()
  })
})
