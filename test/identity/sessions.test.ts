import { randomBytes } from 'node:crypto'
import { decodeJwt, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hashToken } from '../../src/crypto/bearer.ts'
import {
  auditOf,
  browser,
  codeOf,
  createWorld,
  personNamed,
  type Replica,
  type World
} from './world.ts'

let world: World
let elsewhere: Replica
beforeAll(async () => {
  world = await createWorld()
  elsewhere = world.replica()
})
afterAll(() => world?.close())

const hour = 3_600_000
const minute = 60_000

/** Asked on another replica than the one that logged in. */
function seen(sessionToken: string | null, bearer: string | null = null) {
  return codeOf(
    elsewhere.identity.authenticate({
      sessionToken,
      bearer,
      source: '192.0.2.9',
      requestId: 'request-1'
    })
  )
}

describe('A6 a session is new with every login', () => {
  test('A6 a planted cookie value never becomes a session', async () => {
    const planted = 'p'.repeat(43)
    const { sessionToken } = await world.login(personNamed('ann'), { sessionToken: planted })
    expect(sessionToken).not.toBe(planted)
    expect(sessionToken).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(await seen(planted)).toBe('unauthenticated')
    expect(await seen(sessionToken)).toBe('no error')
  })

  test('A6 logging in over a session ends it everywhere, whoever it was', async () => {
    const ann = await world.login(personNamed('ann'))
    const bob = await world.login(personNamed('bob'), { sessionToken: ann.sessionToken })
    expect(await seen(ann.sessionToken)).toBe('unauthenticated')
    expect(await seen(bob.sessionToken)).toBe('no error')
    expect((await auditOf(world, world.acme.tenantId, 'logout')).at(-1)).toMatchObject({
      details: { reason: 'new_login' }
    })
  })

  test('A6 a login that is refused ends nothing', async () => {
    const ann = await world.login(personNamed('ann'))
    await world.createTenant('closed', ['closed.test'])
    const options = { tenantSlug: 'closed', sessionToken: ann.sessionToken }
    expect(await codeOf(world.login(personNamed('bob'), options))).toBe('forbidden')
    expect(await seen(ann.sessionToken)).toBe('no error')
  })
})

describe('A7 nothing else is a session', () => {
  test('A7 states, browser tokens, hashes, ID tokens and foreign tokens, as cookie and as bearer', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    const redirectUrl = new URL(await world.start())
    const state = redirectUrl.searchParams.get('state') ?? ''
    const jwt = await new SignJWT({ sub: 'sub-ann', iss: world.oidc.issuer })
      .setProtectedHeader({ alg: 'ES256', kid: world.oidc.key.kid })
      .sign(world.oidc.key.privateKey)
    const databricks = `dapi${randomBytes(16).toString('hex')}`
    const others = [
      ...[state, browser, hashToken(sessionToken), hashToken(state), jwt, databricks],
      ...['', '*', '\u0000', `${sessionToken} `, sessionToken.toLowerCase(), 'x'.repeat(10_000)]
    ]
    for (const token of others) {
      expect(await seen(token)).toBe('unauthenticated')
      expect(await seen(null, token)).toBe('unauthenticated')
    }
    expect(await seen(null, sessionToken)).toBe('unauthenticated')
    expect(await seen(null)).toBe('unauthenticated')
  })

  test('A7 a bearer that does not hold is not saved by a cookie that does', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    expect(await seen(sessionToken, '')).toBe('unauthenticated')
    expect(await seen(sessionToken, 'wfts_nonsense')).toBe('unauthenticated')
  })
})

describe('A13 a session ends', () => {
  test('A13 at log-out, on every replica, and once', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    const { logout } = world.identity.sessions
    const { endSessionUrl } = await logout(sessionToken, 'request-1')
    const url = new URL(endSessionUrl ?? '')
    expect(url.origin + url.pathname).toBe(`${world.oidc.issuer}/logout`)
    expect(url.searchParams.get('client_id')).toBe('client-of-acme')
    // Which session there is meant: the ID token that it gave, kept sealed until now.
    expect(decodeJwt(url.searchParams.get('id_token_hint') ?? '')).toMatchObject({ sub: 'sub-ann' })
    expect(await seen(sessionToken)).toBe('unauthenticated')
    expect(await logout(sessionToken, 'request-1')).toEqual({ endSessionUrl: null })
    expect(await logout(null, 'request-1')).toEqual({ endSessionUrl: null })
  })

  test('A13 here at least, where the identity provider is away', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    world.clock.advance(11 * minute)
    world.oidc.script.discoveryStatus = 500
    const { endSessionUrl } = await world.identity.sessions.logout(sessionToken, 'request-1')
    world.oidc.reset()
    world.clock.advance(minute)
    expect(endSessionUrl).toBeNull()
    expect(await seen(sessionToken)).toBe('unauthenticated')
  })

  test('A13 after twelve idle hours, though each use gives twelve more', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    for (let n = 0; n < 2; n += 1) {
      world.clock.advance(11 * hour)
      expect(await seen(sessionToken)).toBe('no error')
      await elsewhere.lastUses.flush()
    }
    world.clock.advance(12 * hour + 1)
    expect(await seen(sessionToken)).toBe('unauthenticated')
  })

  test('A13 after seven days, however busy', async () => {
    const { sessionToken, expiresAt } = await world.login(personNamed('ann'))
    const days = (expiresAt.getTime() - world.clock.now().getTime()) / (24 * hour)
    expect(days).toBeCloseTo(7, 2)
    for (let n = 0; n < 15; n += 1) {
      world.clock.advance(11 * hour)
      expect(await seen(sessionToken)).toBe('no error')
      await elsewhere.lastUses.flush()
    }
    world.clock.advance(4 * hour)
    expect(await seen(sessionToken)).toBe('unauthenticated')
  })

  test('A13 once it is noticed that the member is removed, or their tenant suspended', async () => {
    const { sessionToken } = await world.login(personNamed('carl'))
    const { scope } = await world.callerOf(sessionToken)
    expect(await seen(sessionToken)).toBe('no error')
    await world.change(`UPDATE tenants SET status = 'suspended' WHERE slug = 'acme'`)
    await elsewhere.noticeChanges()
    expect(await seen(sessionToken)).toBe('unauthenticated')
    expect(await codeOf(world.start())).toBe('not_found')
    await world.change(`UPDATE tenants SET status = 'active' WHERE slug = 'acme'`)
    expect(await seen(sessionToken)).toBe('no error')
    await world.change('DELETE FROM memberships WHERE user_id = $1', [scope.actor.id])
    await elsewhere.noticeChanges()
    expect(await seen(sessionToken)).toBe('unauthenticated')
  })

  test('D13 a role that changes holds once the change is noticed', async () => {
    const { sessionToken } = await world.login(personNamed('dora'))
    const before = await world.callerOf(sessionToken)
    expect(before.scope.authority.may('service_account.create')).toBe(false)
    await world.change(`UPDATE memberships SET role = 'tenant_admin' WHERE user_id = $1`, [
      before.scope.actor.id
    ])
    await world.noticeChanges()
    const after = await world.callerOf(sessionToken)
    expect(after.scope.authority.may('service_account.create')).toBe(true)
    expect(after.scope.authority.teams).toBe('all')
  })

  test('A13 one of one’s own from the list; nobody else’s', async () => {
    const one = await world.login(personNamed('eve'), { userAgent: 'Phone\r\n\u202e/1' })
    const two = await world.login(personNamed('eve'))
    const ann = await world.login(personNamed('ann'))
    const eve = await world.callerOf(two.sessionToken)
    const { list, end } = world.identity.sessions
    const own = await list(eve)
    expect(own.map(({ isCurrent, userAgent }) => [isCurrent, userAgent])).toEqual([
      [true, 'test'],
      [false, 'Phone/1']
    ])
    const [foreign] = await list(await world.callerOf(ann.sessionToken))
    expect(foreign && (await codeOf(end(eve, foreign.id)))).toBe('not_found')
    const other = own.find(({ isCurrent }) => !isCurrent)
    if (other !== undefined) await end(eve, other.id)
    expect(await seen(one.sessionToken)).toBe('unauthenticated')
    expect(await seen(two.sessionToken)).toBe('no error')
    expect(await seen(ann.sessionToken)).toBe('no error')
  })

  test('is noted as used at most once a minute', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    const lastSeen = async () => {
      const [row] = await world.sql<{ at: Date }>(
        'SELECT last_seen_at AS at FROM sessions WHERE token_hash = $1',
        [hashToken(sessionToken)]
      )
      return row?.at.getTime()
    }
    const first = await lastSeen()
    const use = async () => {
      world.clock.advance(minute / 2)
      await world.callerOf(sessionToken)
      await world.lastUses.flush()
    }
    await use()
    expect(await lastSeen()).toBe(first)
    await use()
    expect(await lastSeen()).toBeGreaterThan(first ?? Number.POSITIVE_INFINITY)
  })
})

describe('moving to another tenant', () => {
  test('A6 the session serves one tenant at a time, with a new id and token in each, on record in both', async () => {
    const globex = await world.createTenant('globex')
    await world.login(personNamed('fay'), { tenantSlug: 'globex' })
    const { sessionToken } = await world.login(personNamed('fay'))
    const caller = await world.callerOf(sessionToken)
    const { me, switchTenant } = world.identity.sessions
    expect((await me(caller)).tenants.map(({ slug }) => slug)).toEqual(['acme', 'globex'])
    const { me: there, session } = await switchTenant(caller, globex.tenantId)
    expect(there).toMatchObject({ tenant: { slug: 'globex' } })
    await elsewhere.noticeChanges()
    expect(await seen(sessionToken)).toBe('unauthenticated')
    const moved = await world.callerOf(session?.token ?? '')
    expect(moved.sessionId).not.toBe(caller.sessionId)
    expect(moved.scope.tenantId).toBe(globex.tenantId)
    for (const { tenantId } of [world.acme, globex]) {
      expect(await auditOf(world, tenantId, 'me.switch_tenant')).toHaveLength(1)
    }
    expect(await codeOf(switchTenant(caller, globex.tenantId))).toBe('unauthenticated')
    expect((await switchTenant(moved, globex.tenantId)).session).toBeNull()
  })

  test('A13 a session that moves ends when its login would have ended', async () => {
    const globex = await world.createTenant('globex')
    await world.login(personNamed('gil'), { tenantSlug: 'globex' })
    const { sessionToken, expiresAt } = await world.login(personNamed('gil'))
    world.clock.advance(hour)
    const caller = await world.callerOf(sessionToken)
    const { session } = await world.identity.sessions.switchTenant(caller, globex.tenantId)
    expect(session?.expiresAt).toEqual(expiresAt)
  })

  test('404 for a tenant of others, in the same words as for none', async () => {
    const other = await world.createTenant('others')
    const { sessionToken } = await world.login(personNamed('ann'))
    const caller = await world.callerOf(sessionToken)
    const { switchTenant } = world.identity.sessions
    expect(await codeOf(switchTenant(caller, other.tenantId))).toBe('not_found')
    expect(await codeOf(switchTenant(caller, 'ten_none' as typeof other.tenantId))).toBe(
      'not_found'
    )
    expect(await seen(sessionToken)).toBe('no error')
  })
})
