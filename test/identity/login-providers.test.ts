import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asId, type TeamId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import type { NewLoginProvider } from '../../src/identity/identity.ts'
import {
  adminEmail,
  auditOf,
  callbackOf,
  clientSecret,
  codeOf,
  createWorld,
  errorOf,
  personNamed,
  type World
} from './world.ts'

const page = { limit: 50, cursor: null }
const tid = '11111111-2222-3333-4444-555555555555'
let world: World
let scope: TenantScope
let input: NewLoginProvider

beforeAll(async () => {
  world = await createWorld()
  const claims = personNamed('admin', { email: adminEmail })
  scope = (await world.callerOf((await world.login(claims)).sessionToken)).scope
  input = {
    name: 'Second',
    kind: 'oidc',
    issuer: world.oidc.issuer,
    clientId: 'second',
    clientSecret: new Secret(clientSecret)
  }
})
afterAll(() => world?.close())

const providers = () => world.identity.loginProviders

async function faultsOf(work: Promise<unknown>): Promise<string[]> {
  return (await errorOf(work))?.errors?.map(({ pointer }) => pointer) ?? []
}

describe('the login providers of a tenant', () => {
  test('are made, read, changed and deleted, and never give their secret away', async () => {
    const secret = 'a-client-secret-of-some-length-c9f2'
    const given = { ...input, clientSecret: new Secret(secret), emailDomains: ['ACME.test'] }
    const made = await providers().create(scope, given)
    expect(made).toMatchObject({
      kind: 'oidc',
      status: 'ready',
      clientSecret: { isSet: true, hint: '…c9f2', lastUsedAt: null },
      emailDomains: ['acme.test'],
      redirectUri: `https://weft.test/auth/callback/${made.id}`,
      lastUsedAt: null,
      version: 1
    })
    expect((await providers().list(scope, page)).items.map(({ id }) => id)).toContain(made.id)
    const patch = { version: 1, name: 'Renamed', isEnabled: false }
    const changed = await providers().update(scope, made.id, patch)
    expect(changed).toMatchObject({ name: 'Renamed', status: 'disabled', version: 2 })
    expect(await codeOf(providers().update(scope, made.id, patch))).toBe('version_conflict')
    const text = JSON.stringify([
      made,
      changed,
      await world.sql('SELECT * FROM login_providers'),
      await world.sql('SELECT * FROM audit_events')
    ])
    expect(text).not.toContain(secret)
    await providers().remove(scope, made.id)
    expect(await codeOf(providers().get(scope, made.id))).toBe('not_found')
    const events = await auditOf(world, world.acme.tenantId, 'login_provider.update')
    expect(events.at(-1)).toMatchObject({ details: { changed: ['name', 'isEnabled'] } })
  })

  test('D1 are not there for another tenant', async () => {
    const globex = await world.createTenant('globex')
    expect(await codeOf(providers().get(scope, globex.loginProviderId))).toBe('not_found')
    const patch = { version: 1, name: 'Mine' }
    expect(await codeOf(providers().update(scope, globex.loginProviderId, patch))).toBe('not_found')
    expect(await codeOf(providers().remove(scope, globex.loginProviderId))).toBe('not_found')
    expect(await codeOf(providers().verify(scope, globex.loginProviderId))).toBe('not_found')
    const [foreign] = await world.sql<{ id: TeamId }>('SELECT id FROM teams WHERE tenant_id = $1', [
      globex.tenantId
    ])
    const groupMappings = [{ groupId: 'g', teamId: foreign?.id ?? null }]
    expect(await codeOf(providers().create(scope, { ...input, groupMappings }))).toBe('not_found')
  })

  test('one stays by which an admin can come in: nobody locks themselves out', async () => {
    const { loginProviderId: own } = world.acme
    const { version } = await providers().get(scope, own)
    const other = await providers().create(scope, {
      ...input,
      issuer: 'https://login.elsewhere.test'
    })
    const attempts = [
      () => providers().remove(scope, own),
      () => providers().update(scope, own, { version, isEnabled: false }),
      () =>
        providers().update(scope, own, {
          version,
          issuer: 'https://login.another.test',
          clientSecret: new Secret(clientSecret)
        })
    ]
    for (const attempt of attempts) {
      const refused = await errorOf(attempt())
      expect([refused?.code, refused?.detail]).toEqual([
        'conflict',
        expect.stringContaining('No admin of the tenant could log in any more')
      ])
    }
    const options = { loginProviderId: own }
    expect(await codeOf(world.login(personNamed('ann'), options))).toBe('no error')
    await providers().remove(scope, other.id)
    // The same issuer with another client lets the same people in.
    const second = await providers().create(scope, input)
    const { version: now } = await providers().get(scope, own)
    await providers().update(scope, own, { version: now, isEnabled: false })
    expect(await codeOf(providers().remove(scope, second.id))).toBe('conflict')
    await providers().update(scope, own, { version: now + 1, isEnabled: true })
    await providers().remove(scope, second.id)
  })

  test('of two that go at once, one stays', async () => {
    const second = await providers().create(scope, input)
    const { version } = await providers().get(scope, world.acme.loginProviderId)
    const outcomes = await Promise.all([
      codeOf(providers().remove(scope, second.id)),
      codeOf(providers().update(scope, world.acme.loginProviderId, { version, isEnabled: false }))
    ])
    expect(outcomes.sort()).toEqual(['conflict', 'no error'])
    const { items } = await providers().list(scope, page)
    expect(items.filter(({ isEnabled }) => isEnabled)).toHaveLength(1)
    const off = items.find(({ isEnabled }) => !isEnabled)
    if (off) await providers().update(scope, off.id, { version: off.version, isEnabled: true })
    for (const { id } of items.filter(({ id }) => id !== world.acme.loginProviderId)) {
      await providers().remove(scope, id)
    }
  })

  test('B1 a secret never goes to another issuer than the one it was given for', async () => {
    const made = await providers().create(scope, input)
    const patch = { version: 1, issuer: 'https://evil.elsewhere.test' }
    expect(await faultsOf(providers().update(scope, made.id, patch))).toEqual(['/clientSecret'])
    await providers().remove(scope, made.id)
  })

  test.each([
    'http://login.elsewhere.test',
    'https://127.0.0.1',
    'https://[::1]',
    'https://intranet',
    'https://2130706433',
    'https://user@login.elsewhere.test'
  ])('E2 the issuer %s is refused before anything is asked', async (issuer) => {
    expect(await codeOf(providers().create(scope, { ...input, issuer }))).toBe('host_not_allowed')
  })

  test('A9 Entra ID: every fault of its settings at once', async () => {
    const base = 'https://login.microsoftonline.com'
    const refused = (given: Partial<NewLoginProvider>) =>
      faultsOf(providers().create(scope, { ...input, kind: 'entra', ...given }))
    expect(await refused({ issuer: `${base}/common/v2.0` })).toEqual(['/allowedTenantIds'])
    expect(await refused({ issuer: `${base}/organizations/v2.0`, emailDomains: ['x'] })).toEqual([
      '/allowedTenantIds',
      '/emailDomains/0'
    ])
    expect(await refused({ issuer: `${base}/consumers/v2.0` })).toEqual(['/issuer'])
    expect(await refused({ issuer: `${base}/${tid}` })).toEqual(['/issuer'])
    const other = '99999999-2222-3333-4444-555555555555'
    const single = { issuer: `${base}/${tid}/v2.0`, allowedTenantIds: [other] }
    expect(await refused(single)).toEqual(['/allowedTenantIds'])
    expect(await refused({ issuer: `${base}/${tid}/v2.0`, kind: 'oidc' })).toEqual(['/kind'])
    const google = { kind: 'oidc', issuer: 'https://accounts.google.com' } as const
    expect(await refused(google)).toEqual(['/emailDomains'])
  })

  test('a mapping leads to a team or to the tenant, each group there once', async () => {
    const teamId = asId('team', `team_${'0'.repeat(26)}`)
    const groupMappings = [
      { groupId: 'a' },
      { groupId: 'b', teamId, role: 'tenant_admin' as const },
      { groupId: 'c', role: 'tenant_admin' as const },
      { groupId: 'c', role: 'tenant_admin' as const }
    ]
    expect(await faultsOf(providers().create(scope, { ...input, groupMappings }))).toEqual([
      '/groupMappings/0/role',
      '/groupMappings/1/role',
      '/groupMappings/3'
    ])
  })

  test('verify tells how far the identity provider answers', async () => {
    const made = await providers().create(scope, input)
    expect(await providers().verify(scope, made.id)).toEqual({
      ok: true,
      steps: ['issuer', 'discovery', 'keys'].map((step) => ({ step, status: 'passed' }))
    })
    expect((await providers().get(scope, made.id)).status).toBe('verified')
    world.oidc.script.metadata = (metadata) => ({ ...metadata, issuer: 'https://other.test' })
    expect(await providers().verify(scope, made.id)).toMatchObject({
      ok: false,
      steps: [
        { step: 'issuer', status: 'passed' },
        { step: 'discovery', status: 'failed', code: 'discovery_failed' },
        { step: 'keys', status: 'skipped' }
      ]
    })
    expect((await providers().get(scope, made.id)).status).toBe('ready')
    world.oidc.reset()
    world.clock.advance(6_000)
    await providers().remove(scope, made.id)
  })

  test('a login marks its provider as verified and used', async () => {
    const before = await providers().get(scope, world.acme.loginProviderId)
    await world.login(personNamed('ann'), { loginProviderId: before.id })
    const after = await providers().get(scope, world.acme.loginProviderId)
    expect(after).toMatchObject({ status: 'verified', version: before.version })
    expect(after.lastUsedAt?.getTime()).toBeGreaterThan(before.lastUsedAt?.getTime() ?? 0)
  })

  test('D13 a provider that is disabled logs nobody in, not even those on their way', async () => {
    const made = await providers().create(scope, input)
    const wish = { loginProviderId: made.id }
    await world.login(personNamed('ann'), wish)
    const redirectUrl = await world.start(wish)
    await providers().update(scope, made.id, { version: 1, isEnabled: false })
    expect(await codeOf(world.start(wish))).toBe('not_found')
    const query = world.oidc.authorize(redirectUrl, personNamed('ann'))
    const finish = world.identity.login.finish(callbackOf(redirectUrl, query))
    expect(await codeOf(finish)).toBe('not_found')
    await providers().remove(scope, made.id)
  })
})
