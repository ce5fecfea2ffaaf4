import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { identityHash } from '../../src/identity/person.ts'
import { startHostileOidc } from '../support/hostile-oidc.ts'
import {
  adminEmail,
  auditOf,
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

async function me(sessionToken: string) {
  return await world.identity.sessions.me(await world.callerOf(sessionToken))
}

async function count(table: 'users' | 'memberships' | 'sessions'): Promise<number> {
  const [row] = await world.sql<{ count: number }>(`SELECT count(*)::int FROM ${table}`)
  return row?.count ?? -1
}

describe('D13 the bootstrap admin', () => {
  test('D13 is one, though two people with that address log in at once on two replicas', async () => {
    const identities = [world.identity, world.replica().identity]
    const done = await Promise.all(
      ['one', 'two'].map(async (name, at) => {
        const redirectUrl = await world.start()
        const claims = { sub: `admin-${name}`, email: adminEmail, email_verified: true }
        const query = world.oidc.authorize(redirectUrl, claims)
        return await (identities[at] ?? world.identity).login.finish(callbackOf(redirectUrl, query))
      })
    )
    const roles = await Promise.all(done.map(async ({ sessionToken }) => me(sessionToken)))
    expect(roles.map(({ role }) => role).sort()).toEqual(['member', 'tenant_admin'])
    const admin = roles.find(({ role }) => role === 'tenant_admin')
    expect(admin?.teams).toMatchObject([
      { name: 'Everyone', role: 'admin' },
      { name: adminEmail, role: 'admin' }
    ])
    expect(await auditOf(world, world.acme.tenantId, 'member.join')).toMatchObject([
      { details: { isBootstrap: true, role: 'tenant_admin' } },
      { details: { isBootstrap: false, role: 'member' } }
    ])
    expect(await auditOf(world, world.acme.tenantId, 'login')).toMatchObject([
      { outcome: 'succeeded' },
      { outcome: 'succeeded' }
    ])
  })

  test('D13 is used once: the same address later is a member', async () => {
    const claims = { sub: 'admin-three', email: adminEmail, email_verified: true }
    expect((await me((await world.login(claims)).sessionToken)).role).toBe('member')
  })

  test('D13 is of the bootstrap tenant only', async () => {
    await world.createTenant('globex')
    const claims = { sub: 'admin-one', email: adminEmail, email_verified: true }
    const { sessionToken } = await world.login(claims, { tenantSlug: 'globex' })
    expect(await me(sessionToken)).toMatchObject({ role: 'member', tenant: { slug: 'globex' } })
  })

  test('D13 a member whose address is verified only later becomes the admin then', async () => {
    const fresh = await createWorld()
    try {
      const claims = { sub: 'late', email: adminEmail, email_verified: false }
      const first = await fresh.login(claims)
      const before = await fresh.identity.sessions.me(await fresh.callerOf(first.sessionToken))
      expect(before.role).toBe('member')
      const second = await fresh.login({ ...claims, email_verified: true })
      const after = await fresh.identity.sessions.me(await fresh.callerOf(second.sessionToken))
      expect(after).toMatchObject({ role: 'tenant_admin', user: { id: before.user.id } })
      expect(after.teams[0]).toMatchObject({ name: 'Everyone', role: 'admin' })
    } finally {
      await fresh.close()
    }
  })
})

describe('A8 who may join', () => {
  test('A8 only verified addresses of the listed domains, and a refusal leaves no trace of them', async () => {
    const { tenantId } = await world.createTenant('hooli', ['hooli.test'])
    const refused = [
      { email: 'gavin@evil.test', email_verified: true },
      { email: 'gavin@hooli.test', email_verified: false },
      { email: 'gavin@hooli.test', email_verified: 'true' },
      { email: 'gavin@hooli.test' },
      { email: 'gavin@evil.test@hooli.test', email_verified: true },
      { email: 'gavin＠hooli.test', email_verified: true },
      { email: 'gavin@hooli.test.', email_verified: true },
      { email: adminEmail, email_verified: true },
      {}
    ]
    const before = [await count('users'), await count('memberships'), await count('sessions')]
    for (const claims of refused) {
      const work = world.login({ sub: 'gavin', ...claims }, { tenantSlug: 'hooli' })
      expect(await codeOf(work)).toBe('forbidden')
    }
    const after = [await count('users'), await count('memberships'), await count('sessions')]
    expect(after).toEqual(before)
    const events = await auditOf(world, tenantId, 'login')
    expect(events).toHaveLength(refused.length)
    expect(events[0]).toMatchObject({
      outcome: 'refused',
      code: 'forbidden',
      details: { issuer: world.oidc.issuer, subject: 'gavin' }
    })
    const claims = { sub: 'gavin', email: 'Gavin@HOOLI.test', email_verified: true }
    expect(await codeOf(world.login(claims, { tenantSlug: 'hooli' }))).toBe('no error')
  })

  test('A8 a member stays the same person when their address changes or is no longer verified', async () => {
    const first = await me((await world.login(personNamed('ann'))).sessionToken)
    const changed = personNamed('ann', { email: 'ann.new@else.test', email_verified: false })
    const second = await me((await world.login(changed)).sessionToken)
    expect(second.user).toEqual({ ...first.user, email: 'ann.new@else.test' })
  })

  test('A8 the same address with another subject is another person', async () => {
    const first = await me((await world.login(personNamed('bob'))).sessionToken)
    const other = await me((await world.login(personNamed('bob', { sub: 'other' }))).sessionToken)
    expect(other.user.email).toBe(first.user.email)
    expect(other.user.id).not.toBe(first.user.id)
  })

  test('A8 a name or address that is not plain does not get in the way of a login', async () => {
    const odd = { sub: 'odd', name: '\u202e\u0000', email: 'not an address', email_verified: true }
    const { user, teams } = await me((await world.login(odd)).sessionToken)
    expect(user).toMatchObject({ email: '', name: 'Somebody' })
    expect(teams.map(({ name }) => name)).toEqual(['Everyone', 'Somebody'])
  })

  test('A8 where the ID token names no address, userinfo does, for the very same subject only', async () => {
    await world.createTenant('pied', ['pied.test'])
    const profile = { email: 'richard@pied.test', email_verified: true, name: 'Richard' }
    world.oidc.script.userinfo = { sub: 'richard', ...profile }
    const options = { tenantSlug: 'pied' }
    const { sessionToken } = await world.login({ sub: 'richard' }, options)
    expect((await me(sessionToken)).user).toMatchObject({ email: profile.email, name: 'Richard' })
    expect(await codeOf(world.login({ sub: 'mallory' }, options))).toBe('unauthenticated')
    // Verified there says nothing about the address here.
    const mixed = { sub: 'mallory', email: 'mallory@pied.test' }
    world.oidc.script.userinfo = { sub: 'mallory', email_verified: true }
    expect(await codeOf(world.login(mixed, options))).toBe('forbidden')
    world.oidc.reset()
  })

  test('A8 the same subject and address from another issuer are another person', async () => {
    const other = await startHostileOidc(world.clock.now)
    try {
      const [hash] = await world.sql<{ identity_hash: string }>(
        `SELECT identity_hash FROM users WHERE subject = 'sub-bob'`
      )
      expect(identityHash(world.oidc.issuer, 'sub-bob')).toBe(hash?.identity_hash)
      expect(identityHash(other.issuer, 'sub-bob')).not.toBe(hash?.identity_hash)
      // And this issuer cannot speak for the other one.
      world.oidc.script.claims = (claims) => ({ ...claims, iss: other.issuer })
      expect(await errorOf(world.login(personNamed('bob')))).toMatchObject({
        code: 'unauthenticated'
      })
    } finally {
      world.oidc.reset()
      await other.stop()
    }
  })
})
