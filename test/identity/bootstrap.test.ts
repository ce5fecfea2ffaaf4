import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import {
  auditOf,
  clientSecret,
  codeOf,
  createWorld,
  personNamed,
  publicUrl,
  type World
} from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world?.close())

function login(change: Partial<{ clientId: string; secret: string; emailDomains: string[] }> = {}) {
  const { clientId = 'weft', secret = clientSecret, emailDomains = [] } = change
  const { issuer } = world.oidc
  return { issuer, clientId, clientSecret: new Secret(secret), emailDomains }
}

async function rowsOf(tenantId: string) {
  const count = async (table: string) => {
    const [row] = await world.sql<{ count: number }>(
      `SELECT count(*)::int FROM ${table} WHERE tenant_id = $1`,
      [tenantId]
    )
    return row?.count
  }
  return {
    teams: await count('teams'),
    data_keys: await count('data_keys'),
    login_providers: await count('login_providers')
  }
}

describe('the first tenant', () => {
  test('H12 two replicas that start at once make one of everything', async () => {
    const replicas = [world, world.replica(), world.replica()]
    const made = await Promise.all(
      replicas.map(({ bootstrap }) =>
        bootstrap.ensureBootstrap({ tenantSlug: 'main', login: login() })
      )
    )
    expect(new Set(made.map(({ tenantId }) => tenantId)).size).toBe(1)
    expect(new Set(made.map(({ login }) => login?.loginProviderId)).size).toBe(1)
    const [first] = made
    const { tenantId } = first ?? { tenantId: '' }
    expect(await rowsOf(tenantId)).toEqual({ teams: 1, data_keys: 1, login_providers: 1 })
    expect(first?.login?.redirectUri).toBe(
      `${publicUrl}/auth/callback/${first?.login?.loginProviderId}`
    )
  })

  test('a second start changes nothing, and records nothing', async () => {
    const input = { tenantSlug: 'main', login: login() }
    const first = await world.bootstrap.ensureBootstrap(input)
    const before = await auditOf(world, first.tenantId, 'tenant.create')
    expect(await world.replica().bootstrap.ensureBootstrap(input)).toEqual(first)
    expect(await auditOf(world, first.tenantId, 'tenant.create')).toEqual(before)
  })

  test('a client secret that changed in the environment is the one that is used', async () => {
    const wrong = { tenantSlug: 'main', login: login({ secret: 'yesterday' }) }
    const { tenantId } = await world.bootstrap.ensureBootstrap(wrong)
    expect(await codeOf(world.login(personNamed('ann'), { tenantSlug: 'main' }))).toBe(
      'unauthenticated'
    )
    await world.bootstrap.ensureBootstrap({ tenantSlug: 'main', login: login() })
    expect(await codeOf(world.login(personNamed('ann'), { tenantSlug: 'main' }))).toBe('no error')
    expect((await auditOf(world, tenantId, 'login_provider.update')).at(-1)).toMatchObject({
      details: { changed: ['clientSecret'] }
    })
    expect(JSON.stringify(await world.sql('SELECT * FROM audit_events'))).not.toContain('yesterday')
  })

  test('another client id or domain in the environment keeps the redirect URI', async () => {
    const before = await world.bootstrap.ensureBootstrap({ tenantSlug: 'main', login: login() })
    const changed = login({ clientId: 'weft-2', emailDomains: ['acme.test'] })
    const after = await world.bootstrap.ensureBootstrap({ tenantSlug: 'main', login: changed })
    expect(after).toEqual(before)
    const redirectUrl = await world.start({ tenantSlug: 'main' })
    expect(new URL(redirectUrl).searchParams.get('client_id')).toBe('weft-2')
    const stranger = personNamed('zed', { email: 'zed@else.test' })
    expect(await codeOf(world.login(stranger, { tenantSlug: 'main' }))).toBe('forbidden')
  })

  test('without a login provider there is a tenant, and no way in', async () => {
    const made = await world.bootstrap.ensureBootstrap({ tenantSlug: 'bare', login: null })
    expect(made.login).toBeNull()
    expect(await rowsOf(made.tenantId)).toMatchObject({ teams: 1, data_keys: 1 })
    expect(await codeOf(world.start({ tenantSlug: 'bare' }))).toBe('not_found')
  })
})

describe('further tenants', () => {
  test('the same slug, issuer and client are the same tenant and login provider', async () => {
    const input = { slug: 'globex', name: 'Globex', login: login() }
    const made = await Promise.all([
      world.bootstrap.createTenant(input),
      world.replica().bootstrap.createTenant(input)
    ])
    expect(made[0]).toEqual(made[1])
    expect(await world.bootstrap.createTenant(input)).toEqual(made[0])
    expect(await rowsOf(made[0].tenantId)).toEqual({ teams: 1, data_keys: 1, login_providers: 1 })
  })

  test('one that died half-way is finished by the next try', async () => {
    const input = { slug: 'halfway', name: 'Halfway', login: login() }
    const made = await world.bootstrap.createTenant(input)
    await world.sql('DELETE FROM login_providers WHERE tenant_id = $1', [made.tenantId])
    await world.sql('DELETE FROM data_keys WHERE tenant_id = $1', [made.tenantId])
    const again = await world.replica().bootstrap.createTenant(input)
    expect(again.tenantId).toBe(made.tenantId)
    expect(await rowsOf(made.tenantId)).toEqual({ teams: 1, data_keys: 1, login_providers: 1 })
  })

  test('400 for a slug or an issuer that cannot be one', async () => {
    for (const slug of ['', 'A', '-a', 'a--b', '*', 'a'.repeat(41), 'a/b', 'a\u0000']) {
      const work = world.bootstrap.createTenant({ slug, name: 'x', login: login() })
      expect(await codeOf(work)).toBe('invalid_request')
    }
    const issuer = 'not a url'
    const work = world.bootstrap.createTenant({
      slug: 'fine',
      name: 'x',
      login: { ...login(), issuer }
    })
    expect(await codeOf(work)).toBe('invalid_request')
  })
})
