import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { SignInAttemptView } from '../../src/fabrics/fabrics.ts'
import { SignInFault } from '../../src/fabrics/sign-in-fault.ts'
import { anId, anonymous, appWith, browser, fabricId, now, service, tokens } from './fakes.ts'

const started = {
  attemptId: anId('signInAttempt'),
  authorizationUrl: 'https://adb-1.azuredatabricks.net/oidc/v1/authorize?state=s',
  expiresAt: now
}
const attempt: SignInAttemptView = {
  id: started.attemptId,
  fabricId,
  status: 'succeeded',
  code: null,
  detail: null,
  owner: null,
  workspaceUser: { userName: 'dev@acme.test', id: '7' },
  mismatch: null,
  expectedUserName: null,
  display: 'page',
  returnTo: null,
  createdAt: now,
  expiresAt: now,
  finishedAt: now
}
const attemptPath = `/sign-in/attempts/${attempt.id}`
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
    const place = { sessionId: anId('session'), publicUrl: 'http://weft.test' }
    expect(inputs).toEqual([[fabricId, { ...place, returnTo: '/console', display: 'page' }]])
    await app.inject({
      url: `/sign-in/${fabricId}?return_to=//evil.test&display=popup`,
      headers: browser(tokens.member)
    })
    expect(inputs[1]).toEqual([fabricId, { ...place, returnTo: null, display: 'popup' }])
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

  test('302 to where a personal access token is given, where the fabric takes those', async () => {
    const actionUrl = `/console/fabrics/${fabricId}/connection`
    const { app } = await appWith({
      fabrics: { startSignIn: () => Promise.reject(new AppError('conflict', { actionUrl })) }
    })
    const url = `/sign-in/${fabricId}?display=popup`
    const answer = await app.inject({ url, headers: browser(tokens.member) })
    expect([answer.statusCode, answer.headers.location]).toEqual([302, actionUrl])
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
          return { ...attempt, returnTo: '/console' }
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

  test.each([
    [{ returnTo: null }],
    [{ returnTo: 'https://evil.test' }],
    [{ returnTo: '//evil.test' }],
    [{ returnTo: '/console', display: 'popup' }],
    [{ returnTo: '/console', mismatch: 'another_email' }]
  ] as const)('303 to how it went, of %j', async (more) => {
    const { app } = await appWith({
      fabrics: { finishSignIn: async () => ({ ...attempt, ...more }) }
    })
    const answer = await app.inject({ url: `${callback}?code=c`, headers: browser(tokens.member) })
    expect([answer.statusCode, answer.headers.location]).toEqual([303, attemptPath])
    await app.close()
  })

  test('303 to how it went, where it failed: the code is in no page of its own', async () => {
    const fault = new SignInFault(new AppError('scope_missing'), attempt.id)
    const { app } = await appWith({ fabrics: { finishSignIn: () => Promise.reject(fault) } })
    const answer = await app.inject({ url: `${callback}?code=c`, headers: browser(tokens.member) })
    expect([answer.statusCode, answer.headers.location]).toEqual([303, attemptPath])
    await app.close()
  })

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

describe('GET /sign-in/attempts/{id}', () => {
  const pageOf = async (more: Partial<SignInAttemptView>, base = 'http://weft.test') => {
    const { app } = await appWith({
      fabrics: { signInAttempt: async () => ({ ...attempt, ...more }) },
      deps: { publicUrl: base }
    })
    const answer = await app.inject({ url: attemptPath, headers: browser(tokens.member) })
    await app.close()
    const [, data = ''] = /data-sign-in="([^"]*)"/.exec(answer.body) ?? []
    return { ...answer, body: answer.body, data: JSON.parse(data.replaceAll('&quot;', '"')) }
  }

  test('200 says who one is, and tells the window that opened it, by a script of its own', async () => {
    const { statusCode, body, data, headers } = await pageOf({ display: 'popup' })
    expect(statusCode).toBe(200)
    expect(body).toContain('Signed in as dev@acme.test')
    expect(body).toContain('<script src="/sign-in/sign-in.js" defer></script>')
    expect(body).not.toMatch(/<script>|style=| on\w+=/)
    expect(headers['content-security-policy']).toContain("script-src 'self'")
    expect(data).toMatchObject({
      display: 'popup',
      message: {
        type: 'weft:sign-in',
        attemptId: attempt.id,
        fabricId,
        status: 'succeeded',
        workspaceUser: { userName: 'dev@acme.test' }
      }
    })
  })

  test.each([
    [{ mismatch: 'another_email', expectedUserName: 'me@acme.test' }, 200, 'here you are me@acme'],
    [
      {
        status: 'failed',
        code: 'conflict',
        owner: 'caller',
        mismatch: 'another_user',
        expectedUserName: 'old@acme.test'
      },
      409,
      'Until now you were old@acme.test'
    ],
    [{ status: 'failed', code: 'scope_missing', owner: 'tenant_admin' }, 502, 'Code scope_missing'],
    [
      { status: 'failed', code: 'ip_not_allowed', owner: 'provider_admin' },
      502,
      'Databricks workspace or account'
    ],
    [{ status: 'expired', code: 'attempt_expired', owner: 'caller' }, 410, 'Sign in again'],
    [{ status: 'pending' }, 200, 'not finished']
  ] as const)('of %j answers %i and whose move it is', async (more, status, text) => {
    const page = await pageOf(more)
    expect(page.statusCode).toBe(status)
    expect(page.body).toContain(text)
  })

  test('F48 behind a path prefix every link, script and call has it', async () => {
    const { body, data } = await pageOf(
      { status: 'failed', code: 'internal', owner: 'platform', returnTo: '/weft/console?a=1&b=2' },
      'http://weft.test/weft'
    )
    expect(body).toContain('<script src="/weft/sign-in/sign-in.js" defer></script>')
    expect(body).toContain(
      `href="/weft/sign-in/${fabricId}?return_to=%2Fweft%2Fconsole%3Fa%3D1%26b%3D2"`
    )
    expect(data.signInPath).toBe(`/weft/api/v1/fabrics/${fabricId}/sign-in`)
    for (const [, href] of body.matchAll(/(?:href|src)="([^"]*)"/g))
      expect(href).toMatch(/^\/weft\//)
  })

  test('what a workspace calls its user is text and no markup', async () => {
    const userName = '<img src=x onerror=alert(1)>"&'
    const { body, data } = await pageOf({ workspaceUser: { userName, id: '1' } })
    expect(body).not.toContain('<img')
    expect(data.message.workspaceUser.userName.replaceAll('&amp;', '&')).toContain('img src=x')
  })
})
