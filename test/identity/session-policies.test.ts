import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import {
  adminEmail,
  auditOf,
  codeOf,
  createWorld,
  personNamed,
  type Replica,
  type World
} from './world.ts'

const minute = 60_000
let world: World
let elsewhere: Replica
beforeAll(async () => {
  world = await createWorld()
  elsewhere = world.replica()
})
afterAll(() => world?.close())

async function adminScope(): Promise<TenantScope> {
  const { sessionToken } = await world.login(personNamed('admin', { email: adminEmail }))
  return (await world.callerOf(sessionToken)).scope
}

const login = async (name: string, tenantSlug = 'acme') =>
  (await world.login(personNamed(name), { tenantSlug })).sessionToken

async function seen(sessionToken: string) {
  await elsewhere.noticeChanges()
  return await codeOf(
    elsewhere.identity.authenticate({
      sessionToken,
      bearer: null,
      source: '192.0.2.9',
      requestId: 'request-1'
    })
  )
}

describe('A13 how long a session lives is the tenant’s to say', () => {
  test('A13 twelve hours idle and seven days in all, until somebody says otherwise', async () => {
    const settings = await world.identity.tenantSettings.get(await adminScope())
    expect(settings).toMatchObject({
      sessionIdleMinutes: 720,
      sessionMaxMinutes: 10_080,
      version: 1
    })
  })

  test('A13 what is made shorter counts for sessions that live already, on every replica', async () => {
    const scope = await adminScope()
    const [idle, busy] = [await login('ann'), await login('bob')]
    expect([await seen(idle), await seen(busy)]).toEqual(['no error', 'no error'])
    const patch = { version: 1, sessionIdleMinutes: 30, sessionMaxMinutes: 60 }
    expect(await world.identity.tenantSettings.update(scope, patch)).toMatchObject({
      sessionIdleMinutes: 30,
      sessionMaxMinutes: 60,
      version: 2
    })
    expect(await codeOf(world.identity.tenantSettings.update(scope, patch))).toBe(
      'version_conflict'
    )
    world.clock.advance(20 * minute)
    expect(await seen(busy)).toBe('no error')
    await elsewhere.lastUses.flush()
    world.clock.advance(20 * minute)
    expect([await seen(idle), await seen(busy)]).toEqual(['unauthenticated', 'no error'])
    await elsewhere.lastUses.flush()
    world.clock.advance(25 * minute)
    expect(await seen(busy)).toBe('unauthenticated')
    const { expiresAt } = await world.login(personNamed('cleo'))
    expect(expiresAt.getTime() - world.clock.now().getTime()).toBeLessThanOrEqual(60 * minute)
    expect(await auditOf(world, world.acme.tenantId, 'tenant_settings.update')).toMatchObject([
      { details: { sessionIdleMinutes: 30, sessionMaxMinutes: 60 } }
    ])
  })

  test('400 for an idle time longer than a session', async () => {
    const patch = { version: 2, sessionIdleMinutes: 61 }
    const refused = world.identity.tenantSettings.update(await adminScope(), patch)
    expect(await codeOf(refused)).toBe('invalid_request')
  })

  test('A13 a session that moves to a stricter tenant lives by its rules', async () => {
    const globex = await world.createTenant('globex')
    await login('dan')
    const caller = await world.callerOf(await login('dan', 'globex'))
    const moved = await world.identity.sessions.switchTenant(caller, world.acme.tenantId)
    const token = moved.session?.token ?? ''
    expect(await seen(token)).toBe('no error')
    world.clock.advance(35 * minute)
    expect(await seen(token)).toBe('unauthenticated')
    expect(globex.tenantId).toBe(caller.scope.tenantId)
  })
})

describe('D13 an admin ends the sessions of others', () => {
  test('D13 all of one member, and nobody else’s', async () => {
    const scope = await adminScope()
    const [one, two, bob] = [await login('ann'), await login('ann'), await login('bob')]
    const { id } = (await world.callerOf(one)).scope.actor
    await world.identity.sessionEnding.ofMember(scope, id as never)
    expect(await Promise.all([one, two, bob].map(seen))).toEqual([
      'unauthenticated',
      'unauthenticated',
      'no error'
    ])
    expect(await seen(await login('ann'))).toBe('no error')
    const stranger = world.identity.sessionEnding.ofMember(scope, `usr_${'0'.repeat(26)}` as never)
    expect(await codeOf(stranger)).toBe('not_found')
  })

  test('D13 everyone’s in the tenant, the admin’s own too, and no other tenant’s', async () => {
    const { sessionToken } = await world.login(personNamed('admin', { email: adminEmail }))
    const { scope } = await world.callerOf(sessionToken)
    const [ann, elsewhereSession] = [await login('ann'), await login('fay', 'globex')]
    await world.identity.sessionEnding.all(scope)
    expect(await Promise.all([sessionToken, ann, elsewhereSession].map(seen))).toEqual([
      'unauthenticated',
      'unauthenticated',
      'no error'
    ])
  })

  test('D13 a session that stood in another tenant meanwhile does not come back in', async () => {
    const { tenantId } = world.acme
    const scope = await adminScope()
    await login('gil', 'globex')
    const [globex] = await world.sql<{ id: never }>(`SELECT id FROM tenants WHERE slug = 'globex'`)
    const { switchTenant } = world.identity.sessions
    const caller = await world.callerOf(await login('gil'))
    const { session } = await switchTenant(caller, globex?.id as never)
    const away = session?.token ?? ''
    await world.identity.sessionEnding.all(scope)
    const back = async () => switchTenant(await world.callerOf(away), tenantId)
    expect(await codeOf(back())).toBe('unauthenticated')
    expect(await seen(away)).toBe('no error')
  })
})
