import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { Login, Sessions } from '../../src/identity/identity.ts'
import { anId, anonymous, appWith, browser, now, room, tokens } from './fakes.ts'

const expiresAt = new Date(now.getTime() + 60_000)
const callback = `/auth/callback/${anId('loginProvider')}`

async function appWithLogin(login: Partial<Login>, sessions: Partial<Sessions> = {}) {
  return (
    await appWith({
      identity: { login: room(login, 'login'), sessions: room(sessions, 'sessions') }
    })
  ).app
}

const hostile = [
  'https://evil.test',
  '//evil.test',
  '/\\evil.test',
  '/\t/evil.test',
  '/%09/evil.test/..//evil',
  '\\\\evil.test',
  'javascript:alert(1)',
  '/./\\evil.test',
  '/..//evil.test',
  '/.//evil.test',
  ' /console',
  '/console\r\nset-cookie: a=b',
  '/\u0000',
  'console',
  ''
]

describe('302 GET /auth/login', () => {
  test('leads to the identity provider and binds the attempt to this browser', async () => {
    const starts: unknown[] = []
    const app = await appWithLogin({
      start: async (input) => {
        starts.push(input)
        return { redirectUrl: 'https://idp.test/authorize?x=1', browserToken: 'bound' }
      }
    })
    const answer = await app.inject({
      url: '/auth/login?tenant=acme&return_to=%2Fconsole%3Fa%3D1',
      headers: { ...anonymous, cookie: '__Host-weft_browser=before' }
    })
    expect([answer.statusCode, answer.headers.location]).toEqual([
      302,
      'https://idp.test/authorize?x=1'
    ])
    expect(starts).toEqual([
      {
        tenantSlug: 'acme',
        publicUrl: 'http://weft.test',
        loginProviderId: null,
        email: null,
        returnTo: '/console?a=1',
        browserToken: 'before'
      }
    ])
    expect(answer.headers['set-cookie']).toBe(
      '__Host-weft_browser=bound; Path=/; HttpOnly; Secure; SameSite=Lax'
    )
    await app.close()
  })

  test('200 with a page to choose from, where the tenant has several login providers', async () => {
    const wishes: unknown[] = []
    const id = anId('loginProvider')
    const providers = [{ id, name: '<b>Entra ID</b>' }]
    const app = await appWithLogin({
      start: async ({ email, tenantSlug }) => {
        wishes.push({ email, tenantSlug })
        return { choice: { tenantSlug: 'acme', providers } }
      }
    })
    const answer = await app.inject({
      url: '/auth/login?login_hint=ann%40acme.test&return_to=%2Fconsole%3Fa%3D1',
      headers: anonymous
    })
    expect([answer.statusCode, answer.headers['set-cookie']]).toEqual([200, undefined])
    expect(wishes).toEqual([{ email: 'ann@acme.test', tenantSlug: null }])
    expect(answer.body).toContain('Log in with &lt;b&gt;Entra ID&lt;/b&gt;')
    expect(answer.body).toContain(
      `href="/auth/login?tenant=acme&amp;provider=${id}&amp;email=ann%40acme.test&amp;return_to=%2Fconsole%3Fa%3D1"`
    )
    await app.close()
  })

  test('A10 return_to is a path of this origin or nothing', async () => {
    const starts: (string | null)[] = []
    const app = await appWithLogin({
      start: async ({ returnTo }) => {
        starts.push(returnTo)
        return { redirectUrl: 'https://idp.test/', browserToken: 'b' }
      }
    })
    for (const path of hostile) {
      const url = `/auth/login?return_to=${encodeURIComponent(path)}`
      await app.inject({ url, headers: anonymous })
    }
    expect(starts.filter((path) => path !== null && !/^\/[^/\\]/.test(path))).toEqual([])
    expect(starts.filter((path) => path !== null && /evil/.test(path))).toEqual([
      '/%09/evil.test/..//evil'.replace('/evil.test/..', '')
    ])
    await app.close()
  })

  test('400 as a page, for a tenant given twice', async () => {
    const app = await appWithLogin({})
    const answer = await app.inject({ url: '/auth/login?tenant=a&tenant=b', headers: anonymous })
    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toMatch(/^text\/html/)
    await app.close()
  })
})

describe('303 GET /auth/callback', () => {
  test('A11 sets a session cookie that a browser keeps to this host', async () => {
    const calls: unknown[] = []
    const app = await appWithLogin({
      finish: async (input) => {
        calls.push(input)
        return { sessionToken: 'fresh', expiresAt, returnTo: '/console?tab=fabrics' }
      }
    })
    const answer = await app.inject({
      url: `${callback}?code=c%2Fd&state=s&iss=https%3A%2F%2Fidp.test`,
      headers: { ...anonymous, cookie: '__Host-weft_browser=b; __Host-weft_session=old' }
    })
    expect([answer.statusCode, answer.headers.location]).toEqual([303, '/console?tab=fabrics'])
    expect(answer.headers['set-cookie']).toBe(
      `__Host-weft_session=fresh; Path=/; Expires=${expiresAt.toUTCString()}; HttpOnly; Secure; SameSite=Lax`
    )
    expect(calls).toEqual([
      expect.objectContaining({
        query: 'code=c%2Fd&state=s&iss=https%3A%2F%2Fidp.test',
        browserToken: 'b',
        sessionToken: 'old'
      })
    ])
    await app.close()
  })

  test('A8 hands on the invitation that this browser opened, and keeps it no longer', async () => {
    const calls: (string | null)[] = []
    const app = await appWithLogin({
      finish: async ({ invitationToken }) => {
        calls.push(invitationToken)
        throw new AppError('forbidden')
      }
    })
    const cookie = '__Host-weft_invitation=i'
    const { headers } = await app.inject({ url: callback, headers: { ...anonymous, cookie } })
    expect(calls).toEqual(['i'])
    expect(headers['set-cookie']).toMatch(
      /^__Host-weft_invitation=; Max-Age=0; Path=\/; .*HttpOnly; Secure; SameSite=Lax$/
    )
    await app.close()
  })

  test('A10 goes to no other origin, whatever was stored', async () => {
    let returnTo = ''
    const app = await appWithLogin({
      finish: async () => ({ sessionToken: 'fresh', expiresAt, returnTo })
    })
    for (returnTo of hostile) {
      const { headers } = await app.inject({ url: `${callback}?code=c`, headers: anonymous })
      expect(new URL(String(headers.location), 'http://weft.test').origin).toBe('http://weft.test')
      expect(headers.location).toMatch(/^\/(?!\/)/)
    }
    await app.close()
  })

  test('A3 a refused login sets no session and shows a page with code and request id', async () => {
    const app = await appWithLogin({
      finish: () =>
        Promise.reject(new AppError('attempt_not_yours', { detail: '<img src=x onerror=1>' }))
    })
    const answer = await app.inject({ url: `${callback}?code=c&state=s`, headers: anonymous })
    expect(answer.statusCode).toBe(403)
    expect(answer.headers).not.toHaveProperty('set-cookie')
    expect(answer.body).toContain('attempt_not_yours')
    expect(answer.body).toContain('req-00000001')
    expect(answer.body).toContain('&lt;img')
    expect(answer.body).not.toContain('<img')
    expect(answer.headers['content-security-policy']).toMatch(
      /default-src 'none'.*script-src 'self'/
    )
    await app.close()
  })

  test.each([
    '',
    '?',
    '?code',
    '?code[]=a&code[]=b',
    '?state=%00',
    `?code=${'c'.repeat(10_000)}`,
    '?error=access_denied&code=x',
    '?%zz=%'
  ])('B9 any query reaches the room as it came: %s', async (query) => {
    const app = await appWithLogin({
      finish: ({ query: received }) =>
        Promise.reject(
          new AppError('attempt_expired', { detail: String(`?${received}` === query) })
        )
    })
    const answer = await app.inject({ url: callback + query, headers: anonymous })
    expect(answer.statusCode).toBe(410)
    if (query.length > 1) expect(answer.body).toContain('<p>true</p>')
    await app.close()
  })
})

describe('POST /auth/logout', () => {
  test('200 ends the session, clears the cookie and says where else to end it', async () => {
    const ended: unknown[] = []
    const app = await appWithLogin(
      {},
      {
        logout: async (...args) => {
          ended.push(args)
          return { endSessionUrl: 'https://idp.test/logout' }
        }
      }
    )
    const headers = browser(tokens.admin)
    const answer = await app.inject({ method: 'POST', url: '/auth/logout', headers })
    expect(answer.json()).toEqual({ endSessionUrl: 'https://idp.test/logout' })
    expect(ended).toEqual([[tokens.admin, 'req-00000001', '127.0.0.1']])
    expect(answer.headers['set-cookie']).toMatch(
      /^__Host-weft_session=; Max-Age=0; Path=\/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Secure/
    )
    await app.close()
  })

  test('500 keeps the cookie where the session could not be ended', async () => {
    const app = await appWithLogin({}, { logout: () => Promise.reject(new TypeError('database')) })
    const headers = browser(tokens.admin)
    const answer = await app.inject({ method: 'POST', url: '/auth/logout', headers })
    expect(answer.statusCode).toBe(500)
    expect(answer.headers).not.toHaveProperty('set-cookie')
    await app.close()
  })
})

describe('204 POST /auth/backchannel-logout', () => {
  const url = `/auth/backchannel-logout/${anId('loginProvider')}`
  const post = (payload: string, type = 'application/x-www-form-urlencoded') =>
    ({ method: 'POST', url, payload, headers: { ...anonymous, 'content-type': type } }) as const

  test('hands the logout token on, and needs no cookie and no header of the pages', async () => {
    const tokens: string[] = []
    const { app } = await appWith({
      identity: {
        backChannelLogout: async ({ logoutToken }) => void tokens.push(logoutToken)
      }
    })
    const answer = await app.inject(post('logout_token=a.b.c&more=ignored'))
    expect([answer.statusCode, answer.headers['cache-control']]).toEqual([204, 'no-store'])
    expect(tokens).toEqual(['a.b.c'])
    await app.close()
  })

  test('400 in the words of OAuth, for a token that does not hold and for what is no form', async () => {
    const { app } = await appWith({
      identity: {
        backChannelLogout: () =>
          Promise.reject(new AppError('invalid_request', { detail: 'It does not hold' }))
      }
    })
    const refused = await app.inject(post('logout_token=a.b.c'))
    expect([refused.statusCode, refused.json()]).toEqual([
      400,
      { error: 'invalid_request', error_description: 'It does not hold' }
    ])
    expect((await app.inject(post('nothing=1'))).statusCode).toBe(400)
    const json = await app.inject(post('{"logout_token":"a"}', 'application/json'))
    expect(json.statusCode).toBeGreaterThanOrEqual(400)
    await app.close()
  })
})
