import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import type { SignInStart } from '../../src/fabrics/fabrics.ts'
import { localPath, publicUrlOf } from '../../src/http/public-url.ts'
import { anId, appWith, browser, fabricId, now, tokens } from './fakes.ts'

const first = 'https://weft.test/weft'
const inside = 'https://weft.inside.test:8443/tools/weft'
const insideHost = 'weft.inside.test:8443'

async function appOfBoth() {
  const inputs: SignInStart[] = []
  const { app } = await appWith({
    fabrics: {
      startSignIn: async (_scope, _id, input) => {
        inputs.push(input)
        return {
          attemptId: anId('signInAttempt'),
          authorizationUrl: 'https://ws.test/',
          expiresAt: now
        }
      },
      discover: () =>
        Promise.reject(new AppError('sign_in_needed', { actionUrl: `/sign-in/${fabricId}` }))
    },
    deps: { publicUrl: first, otherPublicUrls: [inside] }
  })
  return { app, inputs }
}
const at = (host: string) => ({ ...browser(tokens.member), host })

describe('F48 a deployment with a path prefix and two names', () => {
  test.each([
    ['cut off by the proxy', ''],
    ['left on by it', '/weft']
  ])('is served with the prefix %s', async (_, prefix) => {
    const { app } = await appOfBoth()
    const root = await app.inject({ url: `${prefix}/`, headers: at('weft.test') })
    expect([root.statusCode, root.headers.location]).toEqual([302, '/weft/console'])
    const page = await app.inject({ url: `${prefix}/console`, headers: at('weft.test') })
    expect(page.statusCode).toBe(200)
    const url = `${prefix}/sign-in/${fabricId}?return_to=/weft/console`
    const stranger = await app.inject({ url, headers: { host: 'weft.test' } })
    const login = new URL(String(stranger.headers.location), first)
    expect(login.pathname).toBe('/weft/auth/login')
    expect(login.searchParams.get('return_to')).toBe(
      `/weft/sign-in/${fabricId}?return_to=/weft/console`
    )
    await app.close()
  })

  test('is not served under what only begins like its prefix, or under another one’s', async () => {
    const { app } = await appOfBoth()
    for (const url of ['/weftconsole', '/weft2/console', '/tools/weft/console']) {
      const answer = await app.inject({ url, headers: at('weft.test') })
      expect(answer.statusCode, url).toBe(404)
    }
    await app.close()
  })

  test('begins a sign-in, and answers with links, at the name that it was asked by', async () => {
    const { app, inputs } = await appOfBoth()
    for (const [host, prefix, url] of [
      ['weft.test', '/weft', first],
      [insideHost, '/tools/weft', inside]
    ] as const) {
      const back = `${prefix}/console`
      await app.inject({
        url: `${prefix}/sign-in/${fabricId}?return_to=${back}`,
        headers: at(host)
      })
      expect(inputs.at(-1)).toMatchObject({ publicUrl: url, returnTo: back })
      const path = `${prefix}/api/v1/fabrics/${fabricId}/clusters`
      const refused = await app.inject({ url: path, headers: at(host) })
      expect(refused.json()).toMatchObject({
        type: `${url}/problems/sign_in_needed`,
        actionUrl: `${url}/sign-in/${fabricId}`
      })
    }
    await app.close()
  })

  test('takes a change from the origin of that name alone', async () => {
    const { app } = await appOfBoth()
    const url = `/api/v1/fabrics/${fabricId}/sign-in`
    const post = (host: string, origin: string) =>
      app.inject({ method: 'POST', url, headers: { ...at(host), origin } })
    expect((await post(insideHost, new URL(inside).origin)).statusCode).toBe(200)
    const foreign = await post(insideHost, new URL(first).origin)
    expect([foreign.statusCode, foreign.json().code]).toEqual([403, 'csrf_refused'])
    await app.close()
  })

  test('answers no other name', async () => {
    const { app } = await appOfBoth()
    for (const host of ['weft.inside.test', 'evil.test', 'weft.test:8443']) {
      expect((await app.inject({ url: '/console', headers: at(host) })).statusCode).toBe(421)
    }
    await app.close()
  })
})

test.each([
  ['/weft', '/weft'],
  ['/weft/console?a=1#b', '/weft/console?a=1#b'],
  ['/weft?a=1', '/weft?a=1'],
  ['/wefty', null],
  ['/other', null],
  ['/weft/../other', null],
  ['/weft/%2e%2e/other', null],
  ['//weft/x', null]
])('a path to come back to, %s, is of this deployment or none', (path, expected) => {
  expect(localPath(path, publicUrlOf(first))).toBe(expected)
})
