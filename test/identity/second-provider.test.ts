import { type MutableToken, OAuth2Server } from 'oauth2-mock-server'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { adminEmail, callbackOf, codeOf, createWorld, personNamed, type World } from './world.ts'

/** Another implementation of OpenID Connect than the one that the local stack is built on. */
const provider = new OAuth2Server()
let world: World
let claims: Record<string, unknown> = {}

beforeAll(async () => {
  await provider.issuer.keys.generate('RS256')
  await provider.start(0, 'localhost')
  provider.service.on('beforeTokenSigning', ({ payload }: MutableToken) => {
    Object.assign(payload, claims)
  })
  world = await createWorld([provider.issuer.url ?? ''])
})
afterAll(async () => {
  await world?.close()
  await provider.stop()
})

async function logIn(loginProviderId: string) {
  const redirectUrl = await world.start({ loginProviderId })
  const answer = await fetch(redirectUrl, { redirect: 'manual' })
  const location = new URL(answer.headers.get('location') ?? '')
  const input = callbackOf(redirectUrl, location.search.slice(1))
  return await world.identity.login.finish(input)
}

test('a second, independent OpenID provider verifies, logs people in and maps their groups', async () => {
  const admin = await world.login(personNamed('admin', { email: adminEmail }))
  const { scope } = await world.callerOf(admin.sessionToken)
  const { id } = await world.identity.loginProviders.create(scope, {
    name: 'Another',
    kind: 'oidc',
    issuer: provider.issuer.url ?? '',
    clientId: 'weft',
    clientSecret: new Secret('a-secret-of-the-second-provider'),
    groupMappings: [{ groupId: 'staff-admins', role: 'tenant_admin' }]
  })
  expect((await world.identity.loginProviders.verify(scope, id)).ok).toBe(true)
  claims = { sub: 'ann', email: 'ann@acme.test', email_verified: true, groups: ['staff-admins'] }
  const { sessionToken } = await logIn(id)
  const me = await world.identity.sessions.me(await world.callerOf(sessionToken))
  expect(me).toMatchObject({ user: { email: 'ann@acme.test' }, role: 'tenant_admin' })
  const { endSessionUrl } = await world.identity.sessions.logout(sessionToken, 'request-1')
  expect(new URL(endSessionUrl ?? '').origin).toBe(new URL(provider.issuer.url ?? '').origin)
  expect(await codeOf(world.callerOf(sessionToken))).toBe('unauthenticated')

  claims = { sub: 'ann', aud: 'another-client' }
  expect(await codeOf(logIn(id))).toBe('unauthenticated')
})
