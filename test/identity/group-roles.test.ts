import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type LoginProviderId, newId, type TeamId } from '../../src/base/ids.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import type { LoginProviderPatch } from '../../src/identity/identity.ts'
import type { GroupRole } from '../../src/identity/login-providers.ts'
import { createEntra, entraLogin, entraPerson, pretendEntra } from './entra.ts'
import { adminEmail, auditOf, codeOf, createWorld, personNamed, type World } from './world.ts'

const page = { limit: 50, cursor: null }
let world: World
let scope: TenantScope
let own: LoginProviderId
const teams: Record<'red' | 'blue', TeamId> = { red: '' as TeamId, blue: '' as TeamId }

beforeAll(async () => {
  world = await createWorld()
  const claims = personNamed('admin', { email: adminEmail })
  scope = (await world.callerOf((await world.login(claims)).sessionToken)).scope
  own = world.acme.loginProviderId
  for (const name of ['red', 'blue'] as const) {
    const id = newId('team', world.clock)
    teams[name] = id
    await world.sql(
      `INSERT INTO teams (id, tenant_id, name, kind, created_at) VALUES ($1, $2, $3, 'shared', now())`,
      [id, world.acme.tenantId, name]
    )
  }
})
afterAll(() => world?.close())
beforeEach(() => world.oidc.reset())

const map = (groupMappings: readonly GroupRole[]) => change({ groupMappings })

async function change(patch: Omit<LoginProviderPatch, 'version'>) {
  const { version } = await world.identity.loginProviders.get(scope, own)
  return await world.identity.loginProviders.update(scope, own, { ...patch, version })
}

async function meAs(sessionToken: string) {
  return await world.identity.sessions.me(await world.callerOf(sessionToken))
}

async function login(name: string, groups?: unknown, more = {}) {
  const { sessionToken } = await world.login(personNamed(name, { groups, ...more }))
  return sessionToken
}

async function rolesOf(sessionToken: string): Promise<Record<string, string>> {
  const { teams, role } = await meAs(sessionToken)
  const named = teams.filter(({ name }) => ['red', 'blue'].includes(name))
  return { tenant: role, ...Object.fromEntries(named.map(({ name, role }) => [name, role])) }
}

async function joinByHand(name: string): Promise<void> {
  await world.sql(
    `INSERT INTO team_members (tenant_id, team_id, user_id, role)
     SELECT $1, $2, id, 'member' FROM users WHERE subject = $3`,
    [world.acme.tenantId, teams.red, `sub-${name}`]
  )
}

describe('groups of the identity provider stand for roles here', () => {
  test('they are read at each login: roles come and go with them', async () => {
    await map([
      { groupId: 'g-red', teamId: teams.red },
      { groupId: 'g-blue', teamId: teams.blue, role: 'admin' },
      { groupId: 'g-admins', role: 'tenant_admin' }
    ])
    expect(await rolesOf(await login('ann', ['g-red', 'g-other']))).toEqual({
      tenant: 'member',
      red: 'member'
    })
    const session = await login('ann', ['g-blue', 'g-admins', 7, null])
    expect(await rolesOf(session)).toEqual({ tenant: 'tenant_admin', blue: 'admin' })
    expect((await world.callerOf(session)).scope.authority.may('login_provider.list')).toBe(true)
    expect(await rolesOf(await login('ann', 'g-red'))).toEqual({ tenant: 'member', red: 'member' })
    expect(await rolesOf(await login('ann'))).toEqual({ tenant: 'member' })
    // Authority is read anew: the older session has lost it too.
    expect(await rolesOf(session)).toEqual({ tenant: 'member' })
    // One record for each login that changed something.
    const events = await auditOf(world, world.acme.tenantId, 'member.map_groups')
    const red = `g-red ${teams.red} member`
    const others = ['g-admins tenant tenant_admin', `g-blue ${teams.blue} admin`]
    const changes = events.map(({ details }) => {
      const { added, removed } = details as Record<string, string[]>
      return [added?.toSorted(), removed?.toSorted()]
    })
    expect(changes).toEqual([
      [[red], []],
      [others, [red]],
      [[red], others],
      [[], [red]]
    ])
    expect(new Set(events.map(({ actor_kind }) => actor_kind))).toEqual(new Set(['user']))
  })

  test('what was given by hand stays when a group goes', async () => {
    await map([{ groupId: 'g-red', teamId: teams.red, role: 'admin' }])
    await login('bob')
    await joinByHand('bob')
    expect(await rolesOf(await login('bob', ['g-red']))).toMatchObject({ red: 'admin' })
    expect(await rolesOf(await login('bob', []))).toEqual({ tenant: 'member', red: 'member' })
    await map([{ groupId: 'g-red', teamId: teams.red }])
    await world.sql(`UPDATE team_members SET role = 'admin' WHERE team_id = $1`, [teams.red])
    expect(await rolesOf(await login('bob', ['g-red']))).toMatchObject({ red: 'admin' })
  })

  test('the lists of members and of a team say what is by hand and what by a group', async () => {
    await map([
      { groupId: 'g-red', teamId: teams.red, role: 'admin' },
      { groupId: 'g-admins', role: 'tenant_admin' }
    ])
    await login('eve')
    await joinByHand('eve')
    const session = await login('eve', ['g-red', 'g-admins'])
    await login('hal', ['g-red'])
    const { items } = await world.identity.teams.listMembers(scope, teams.red, page)
    const places = new Map(
      items.map(({ name, role, byHand, byGroup }) => [name, [role, byHand, byGroup]])
    )
    expect(places.get('eve')).toEqual(['admin', 'member', 'admin'])
    expect(places.get('hal')).toEqual(['admin', null, 'admin'])
    // Page by page each of them once, whoever is there twice too.
    const ids: string[] = []
    let cursor: string | null = null
    do {
      const part = await world.identity.teams.listMembers(scope, teams.red, { limit: 1, cursor })
      ids.push(...part.items.map(({ userId }) => userId))
      cursor = part.nextCursor
    } while (cursor !== null)
    expect(ids).toEqual(items.map(({ userId }) => userId))
    const { id } = (await meAs(session)).user
    const member = await world.identity.members.get(scope, id)
    expect(member).toMatchObject({ role: 'tenant_admin', isAdminByGroup: true })
    await login('eve', [])
    expect(await world.identity.members.get(scope, id)).toMatchObject({
      role: 'member',
      isAdminByGroup: false,
      teams: expect.arrayContaining([expect.objectContaining({ name: 'red', role: 'member' })])
    })
  })

  test('a mapping that goes takes its roles along at once, and one that stays keeps them', async () => {
    const red = { groupId: 'g-red', teamId: teams.red }
    const blue = { groupId: 'g-blue', teamId: teams.blue }
    await map([red, blue])
    const session = await login('cleo', ['g-red', 'g-blue'])
    expect(await rolesOf(session)).toEqual({ tenant: 'member', red: 'member', blue: 'member' })
    await map([blue])
    expect(await rolesOf(session)).toEqual({ tenant: 'member', blue: 'member' })
    await map([{ ...blue, role: 'admin' }])
    expect(await rolesOf(session)).toEqual({ tenant: 'member' })
  })

  test('a mapped group lets its people in, whatever their address', async () => {
    await change({
      groupMappings: [{ groupId: 'g-red', teamId: teams.red }],
      emailDomains: ['acme.test']
    })
    const stranger = { email: 'dan@else.test' }
    expect(await codeOf(login('dan', ['g-other'], stranger))).toBe('forbidden')
    expect(await rolesOf(await login('dan', ['g-red'], stranger))).toMatchObject({ red: 'member' })
    await change({ emailDomains: [] })
  })

  test('where the ID token names no groups, userinfo may, and a scope for them is asked for', async () => {
    await map([{ groupId: 'g-admins', role: 'tenant_admin' }])
    world.oidc.script.userinfo = { sub: 'sub-fay', groups: ['g-admins'] }
    world.oidc.script.metadata = (given) => ({ ...given, scopes_supported: ['openid', 'groups'] })
    world.clock.advance(11 * 60_000)
    const { searchParams } = new URL(await world.start())
    expect(searchParams.get('scope')).toBe('openid email profile groups')
    expect(await rolesOf(await login('fay'))).toMatchObject({ tenant: 'tenant_admin' })
  })

  test('the word of a provider that is disabled does not count', async () => {
    world.clock.advance(11 * 60_000)
    await map([{ groupId: 'g-admins', role: 'tenant_admin' }])
    const session = await login('gil', ['g-admins'])
    expect(await rolesOf(session)).toMatchObject({ tenant: 'tenant_admin' })
    await world.sql('UPDATE login_providers SET is_enabled = false WHERE id = $1', [own])
    expect(await rolesOf(session)).toMatchObject({ tenant: 'member' })
    await world.sql('UPDATE login_providers SET is_enabled = true WHERE id = $1', [own])
  })
})

test('too many groups for a token take nothing away, and the admins are told', async () => {
  world.clock.advance(11 * 60_000)
  pretendEntra(world, 'organizations')
  const groupMappings = [{ groupId: 'g-admins', role: 'tenant_admin' as const }]
  const entra = await createEntra(world, scope, { groupMappings })
  await entraLogin(world, entra, entraPerson({ groups: ['g-admins'] }))
  const overage = {
    _claim_names: { groups: 'src1' },
    _claim_sources: { src1: { endpoint: 'https://graph.windows.net/getMemberObjects' } }
  }
  const { sessionToken } = await entraLogin(world, entra, entraPerson(overage))
  expect((await meAs(sessionToken)).role).toBe('tenant_admin')
  const { items } = await world.identity.loginProviders.list(scope, page)
  expect(items.find(({ id }) => id === entra)?.warnings).toMatchObject([
    { code: 'groups_overage', owner: 'tenant_admin' }
  ])
  const logins = await auditOf(world, world.acme.tenantId, 'login')
  expect(logins.at(-1)).toMatchObject({ details: { hasGroupsOverage: true } })
  const gone = await entraLogin(world, entra, entraPerson({ groups: [] }))
  expect((await meAs(gone.sessionToken)).role).toBe('member')
})
