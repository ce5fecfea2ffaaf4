import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ann, loginsOf, sessionCount } from './refusal.ts'
import {
  browser,
  callbackOf,
  clientSecret,
  codeOf,
  createWorld,
  errorOf,
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

describe('the login as it should be', () => {
  test('leads through the identity provider to a session, with PKCE S256, state and nonce', async () => {
    const redirectUrl = new URL(await world.start({ returnTo: '/console/fabrics?tab=1' }))
    const { searchParams } = redirectUrl
    expect(redirectUrl.origin + redirectUrl.pathname).toBe(`${world.oidc.issuer}/authorize`)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      client_id: 'client-of-acme',
      redirect_uri: world.acme.redirectUri,
      scope: 'openid email profile',
      code_challenge_method: 'S256'
    })
    for (const name of ['state', 'nonce', 'code_challenge']) {
      expect(searchParams.get(name)).toMatch(/^[A-Za-z0-9_-]{43}$/)
    }
    const query = world.oidc.authorize(redirectUrl.href, ann)
    const done = await world.identity.login.finish(callbackOf(redirectUrl.href, query))
    expect(done.returnTo).toBe('/console/fabrics?tab=1')
    const caller = await world.callerOf(done.sessionToken)
    const me = await world.identity.sessions.me(caller)
    expect(me).toMatchObject({
      user: { email: 'ann@acme.test', name: 'ann' },
      tenant: { slug: 'acme' },
      role: 'member',
      teams: [
        { name: 'Everyone', role: 'member' },
        { name: 'ann@acme.test', role: 'admin' }
      ]
    })
    expect((await loginsOf(world)).at(-1)).toMatchObject({
      outcome: 'succeeded',
      actor_kind: 'user'
    })
  })

  test('keeps neither state, verifier, browser token nor session token in clear', async () => {
    const redirectUrl = await world.start()
    const query = world.oidc.authorize(redirectUrl, ann)
    const { sessionToken } = await world.identity.login.finish(callbackOf(redirectUrl, query))
    const verifier = world.oidc.tokenRequests.at(-1)?.get('code_verifier') ?? 'none'
    const state = new URLSearchParams(query).get('state') ?? 'none'
    const rows = JSON.stringify([
      await world.sql('SELECT * FROM login_attempts'),
      await world.sql('SELECT * FROM sessions'),
      await world.sql('SELECT * FROM login_providers'),
      await world.sql('SELECT * FROM audit_events')
    ])
    for (const secret of [verifier, state, browser, sessionToken, clientSecret]) {
      expect(rows).not.toContain(secret)
    }
  })

  test('404 for a tenant that is not there, in whatever spelling', async () => {
    for (const tenantSlug of ['nobody', '*', '', 'ACME', 'acme\u0000', '\u0000']) {
      expect(await codeOf(world.start({ tenantSlug }))).toBe('not_found')
    }
  })

  test('I4 no record, no session: where the audit cannot be written, nobody is logged in', async () => {
    const before = await sessionCount(world)
    await world.sql('REVOKE INSERT ON audit_events FROM weft_app')
    const refused = await errorOf(world.login(ann))
    await world.sql('GRANT INSERT ON audit_events TO weft_app')
    expect(refused).not.toBeNull()
    expect(await sessionCount(world)).toBe(before)
  })
})
