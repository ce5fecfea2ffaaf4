import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { clientSecret, createWorld, errorOf, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
  await world.createTenant('hooli', ['hooli.test', 'shared.test'])
  await world.createTenant('pied', ['pied.test', 'shared.test'])
})
afterAll(() => world?.close())

async function clientOf(wish: Parameters<World['start']>[0]): Promise<string | null> {
  return new URL(await world.start(wish)).searchParams.get('client_id')
}

test('an address finds its tenant, and the identity provider hears who is coming', async () => {
  const redirectUrl = await world.start({ tenantSlug: null, email: 'Gavin@HOOLI.test' })
  const { searchParams } = new URL(redirectUrl)
  expect(searchParams.get('client_id')).toBe('client-of-hooli')
  expect(searchParams.get('login_hint')).toBe('Gavin@hooli.test')
  expect(await clientOf({ tenantSlug: 'pied', email: 'gavin@hooli.test' })).toBe('client-of-pied')
})

test('D9 nobody learns more of a domain or a tenant than that no login leads there', async () => {
  await world.createTenant('frozen', ['frozen.test'])
  await world.sql(`UPDATE tenants SET status = 'suspended' WHERE slug = 'frozen'`)
  const wishes = [
    { tenantSlug: 'nobody' },
    { tenantSlug: 'frozen' },
    { tenantSlug: null, email: 'a@nobody.test' },
    { tenantSlug: null, email: 'a@frozen.test' },
    { tenantSlug: null, email: 'a@shared.test' },
    { tenantSlug: null, email: 'not an address' },
    { tenantSlug: null, email: 'a@*' },
    { tenantSlug: null, email: 'a@b@hooli.test' },
    { tenantSlug: 'hooli', loginProviderId: world.acme.loginProviderId },
    { tenantSlug: 'hooli', loginProviderId: 'lgp_nonsense' }
  ]
  const answers = await Promise.all(wishes.map((wish) => errorOf(world.start(wish))))
  const words = answers.map((err) => JSON.stringify([err?.code, err?.detail]))
  expect(new Set(words).size).toBe(1)
  expect(words[0]).toContain('not_found')
})

test('among several providers the person chooses, or their address does', async () => {
  await world.bootstrap.createTenant({
    slug: 'hooli',
    name: 'hooli',
    login: {
      issuer: world.oidc.issuer,
      clientId: 'hooli-labs',
      clientSecret: new Secret(clientSecret),
      emailDomains: ['labs.hooli.test']
    }
  })
  const wish = { tenantSlug: 'hooli', loginProviderId: null, returnTo: '/', browserToken: null }
  const started = await world.identity.login.start({ ...wish, email: null })
  expect(started).toMatchObject({ choice: { tenantSlug: 'hooli', providers: [{}, {}] } })
  expect(await clientOf({ tenantSlug: 'hooli', email: 'a@labs.hooli.test' })).toBe('hooli-labs')
  const [, second] = 'choice' in started ? started.choice.providers : []
  expect(await clientOf({ tenantSlug: 'hooli', loginProviderId: second?.id ?? null })).toBe(
    'hooli-labs'
  )
  const open = await world.identity.login.start({ ...wish, email: 'a@else.test' })
  expect('choice' in open).toBe(true)
})
