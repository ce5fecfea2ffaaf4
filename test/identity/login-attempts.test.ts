import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ann, loginsOf, sessionCount } from './refusal.ts'
import {
  browser,
  callbackOf,
  codeOf,
  createWorld,
  errorOf,
  personNamed,
  type World
} from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())
beforeEach(() => {
  world.oidc.reset()
  world.clock.advance(61_000)
})

describe('A3 login CSRF', () => {
  async function attempt() {
    const redirectUrl = await world.start()
    return callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, personNamed('mallory')))
  }

  test("A3 the attacker's code and state do nothing in a browser without their cookie", async () => {
    const before = { sessions: await sessionCount(world), tokens: world.oidc.counts.token }
    const callback = await attempt()
    const { finish } = world.identity.login
    expect(await codeOf(finish({ ...callback, browserToken: null }))).toBe('attempt_not_yours')
    expect(await codeOf(finish({ ...callback, browserToken: '' }))).toBe('attempt_not_yours')
    const other = 'o'.repeat(43)
    expect(await codeOf(finish({ ...callback, browserToken: other }))).toBe('attempt_not_yours')
    expect(await sessionCount(world)).toBe(before.sessions)
    expect(world.oidc.counts.token).toBe(before.tokens)
    expect((await loginsOf(world)).at(-1)).toMatchObject({
      outcome: 'refused',
      code: 'attempt_not_yours'
    })
    // And the attempt is still the one of the browser that began it.
    expect(await codeOf(finish(callback))).toBe('no error')
  })

  test('A3 no state, an empty state, two states: refused with the cookie and without', async () => {
    const callback = await attempt()
    const query = new URLSearchParams(callback.query)
    const state = query.get('state') ?? ''
    query.delete('state')
    const queries = [`${query}`, `${query}&state=`, `${query}&state=${state}&state=${state}`, '']
    for (const broken of queries) {
      for (const browserToken of [browser, null]) {
        const work = world.identity.login.finish({ ...callback, query: broken, browserToken })
        expect(await codeOf(work)).toBe('attempt_not_yours')
      }
    }
  })

  test('A3 a state that was never given out is an expired link', async () => {
    const callback = await attempt()
    const query = new URLSearchParams(callback.query)
    query.set('state', 's'.repeat(43))
    const work = world.identity.login.finish({ ...callback, query: query.toString() })
    expect(await codeOf(work)).toBe('attempt_expired')
  })
})

describe('A4 a login attempt is used once, by its own kind', () => {
  test('A4 twenty copies of one callback: one session, one token request', async () => {
    const redirectUrl = await world.start()
    const callback = callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, ann))
    const before = { sessions: await sessionCount(world), tokens: world.oidc.counts.token }
    const replicas = [world.identity, world.replica().identity]
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        codeOf((replicas[at % 2] ?? world.identity).login.finish(callback))
      )
    )
    expect(codes.filter((code) => code === 'no error')).toHaveLength(1)
    expect(codes.filter((code) => code === 'attempt_expired')).toHaveLength(19)
    expect(await sessionCount(world)).toBe(before.sessions + 1)
    expect(world.oidc.counts.token).toBe(before.tokens + 1)
  })

  test('A4 a finished callback cannot be replayed', async () => {
    const redirectUrl = await world.start()
    const callback = callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, ann))
    await world.identity.login.finish(callback)
    expect(await codeOf(world.identity.login.finish(callback))).toBe('attempt_expired')
  })

  test('A4 a refused attempt is spent too', async () => {
    const redirectUrl = await world.start()
    const { searchParams } = new URL(redirectUrl)
    const refusal = `error=access_denied&state=${searchParams.get('state')}&iss=${world.oidc.issuer}`
    const callback = callbackOf(redirectUrl, refusal)
    const err = await errorOf(world.identity.login.finish(callback))
    expect(err).toMatchObject({ code: 'unauthenticated' })
    expect(err?.detail).toContain('access_denied')
    const honest = { ...callback, query: world.oidc.authorize(redirectUrl, ann) }
    expect(await codeOf(world.identity.login.finish(honest))).toBe('attempt_expired')
  })

  test('A4 ten minutes, and not a second more', async () => {
    const redirectUrl = await world.start()
    const callback = callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, ann))
    world.clock.advance(10 * 60_000 + 1000)
    expect(await codeOf(world.identity.login.finish(callback))).toBe('attempt_expired')
  })

  test("A4 one login provider's state does not finish at another's callback", async () => {
    const globex = await world.createTenant('globex')
    const redirectUrl = await world.start()
    const callback = callbackOf(redirectUrl, world.oidc.authorize(redirectUrl, ann))
    const { loginProviderId } = globex
    const work = world.identity.login.finish({ ...callback, loginProviderId })
    expect(await codeOf(work)).toBe('attempt_not_yours')
  })

  test('A5 three tabs finish 2-3-1, each on its own return path', async () => {
    const tabs = await Promise.all(
      ['/one', '/two', '/three'].map((returnTo) => world.start({ returnTo }))
    )
    const paths: string[] = []
    for (const at of [1, 2, 0]) {
      const redirectUrl = tabs[at] ?? ''
      const query = world.oidc.authorize(redirectUrl, ann)
      paths.push((await world.identity.login.finish(callbackOf(redirectUrl, query))).returnTo)
    }
    expect(paths).toEqual(['/two', '/three', '/one'])
  })

  test('A5 abandoned attempts are swept as new ones begin', async () => {
    for (let n = 0; n < 5; n += 1) await world.start()
    world.clock.advance(21 * 60_000)
    await world.start()
    const [row] = await world.sql<{ count: number }>(
      'SELECT count(*)::int FROM login_attempts WHERE tenant_id = $1',
      [world.acme.tenantId]
    )
    expect(row?.count).toBe(1)
  })
})
