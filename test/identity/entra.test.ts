import type { JWTPayload } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { LoginProviderId } from '../../src/base/ids.ts'
import { entraAuthorityOf } from '../../src/base/issuer.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { newSigningKey, signWith } from '../support/hostile-oidc.ts'
import { createEntra, entraLogin, entraPerson, oid, otherTid, pretendEntra, tid } from './entra.ts'
import { sessionCount } from './refusal.ts'
import { adminEmail, codeOf, createWorld, personNamed, type World } from './world.ts'

let world: World
let scope: TenantScope
let entra: LoginProviderId
let base: string

beforeAll(async () => {
  world = await createWorld()
  const claims = personNamed('admin', { email: adminEmail })
  scope = (await world.callerOf((await world.login(claims)).sessionToken)).scope
  entra = await createEntra(world, scope)
  base = world.oidc.issuer
})
afterAll(() => world?.close())
beforeEach(() => {
  world.oidc.reset()
  world.clock.advance(61_000)
  pretendEntra(world, 'organizations')
})

async function userOf(sessionToken: string) {
  const { id } = (await world.callerOf(sessionToken)).scope.actor
  const [user] = await world.sql<{ issuer: string; subject: string; is_email_verified: boolean }>(
    'SELECT issuer, subject, is_email_verified FROM users WHERE id = $1',
    [id]
  )
  return user
}

describe('A9 Entra ID for several tenants', () => {
  test('A8 a person is tenant and object id, whatever the app calls them', async () => {
    const { sessionToken } = await entraLogin(world, entra, entraPerson())
    const user = await userOf(sessionToken)
    expect(user).toMatchObject({ issuer: `${base}/${tid}/v2.0`, subject: oid })
    const again = await entraLogin(world, entra, entraPerson({ sub: 'another-subject' }))
    expect((await world.callerOf(again.sessionToken)).scope.actor).toEqual(
      (await world.callerOf(sessionToken)).scope.actor
    )
  })

  const refused: [string, JWTPayload, ((claims: JWTPayload) => JWTPayload)?][] = [
    ['another tenant', { tid: otherTid }],
    ['no tenant', { tid: undefined as never }],
    ['a tenant that is no text', { tid: [tid] }],
    ['an issuer of another tenant', {}, (c) => ({ ...c, iss: `${base}/${otherTid}/v2.0` })],
    ['an issuer of v1.0', {}, (c) => ({ ...c, iss: `https://sts.windows.net/${tid}/` })],
    ['an issuer at a variant of the host', {}, (c) => ({ ...c, iss: `${base}:80/${tid}/v2.0` })],
    ['an issuer with a slash more', {}, (c) => ({ ...c, iss: `${base}/${tid}/v2.0/` })],
    ['the template itself', {}, (c) => ({ ...c, iss: `${base}/{tenantid}/v2.0` })],
    ['the issuer as it was asked for', {}, (c) => ({ ...c, iss: `${base}/organizations/v2.0` })],
    ['no object id', { oid: undefined as never }],
    ['an object id that is none', { oid: 'admin' }],
    ['another audience', {}, (c) => ({ ...c, aud: 'another' })],
    ['no nonce', {}, (c) => ({ ...c, nonce: undefined })]
  ]
  test.each(refused)('A9 refused: %s', async (_name, claims, last) => {
    const before = await sessionCount(world)
    const { claims: honest } = world.oidc.script
    if (last) world.oidc.script.claims = (given) => last(honest(given))
    expect(await codeOf(entraLogin(world, entra, entraPerson(claims)))).toBe('unauthenticated')
    expect(await sessionCount(world)).toBe(before)
  })

  test('A9 refused: signed by another key, and by a key of another tenant', async () => {
    world.oidc.script.sign = signWith(await newSigningKey())
    expect(await codeOf(entraLogin(world, entra, entraPerson()))).toBe('unauthenticated')
    world.oidc.script.sign = signWith(world.oidc.key)
    const keyOf = (issuer: string) => () => [{ ...world.oidc.key.jwk, issuer }]
    world.oidc.script.keys = keyOf(`${base}/${otherTid}/v2.0`)
    world.clock.advance(11 * 60_000)
    expect(await codeOf(entraLogin(world, entra, entraPerson()))).toBe('unauthenticated')
    world.oidc.script.keys = keyOf(`${base}/{tenantid}/v2.0`)
    world.clock.advance(11 * 60_000)
    expect(await codeOf(entraLogin(world, entra, entraPerson()))).toBe('no error')
  })

  test('A4 the code is spent once, though the answer is read twice', async () => {
    const before = world.oidc.counts.token
    await entraLogin(world, entra, entraPerson())
    expect(world.oidc.counts.token - before).toBe(1)
  })

  test('A8 an address opens a door only where Entra says that its domain is its owner’s', async () => {
    const given = { clientId: 'domain-client', emailDomains: ['acme.test'] }
    const guarded = await createEntra(world, scope, given)
    const claimed = { email: 'eve@acme.test', oid: oid.replace('aaaa', 'eeee') }
    for (const word of [undefined, false, 0, '0', 'no']) {
      const claims = entraPerson({ ...claimed, email_verified: true, xms_edov: word })
      expect(await codeOf(entraLogin(world, guarded, claims))).toBe('forbidden')
    }
    // A name to log in by is no address, and a guest of the tenant is nobody of the domain.
    const named = entraPerson({ ...claimed, email: undefined as never, xms_edov: true })
    expect(await codeOf(entraLogin(world, guarded, named))).toBe('forbidden')
    const guest = entraPerson({ ...claimed, email: 'eve@gmail.test', xms_edov: true, acct: 1 })
    expect(await codeOf(entraLogin(world, guarded, guest))).toBe('forbidden')
    const owned = entraPerson({ ...claimed, xms_edov: true })
    const { sessionToken } = await entraLogin(world, guarded, owned)
    expect(await userOf(sessionToken)).toMatchObject({ is_email_verified: true })
    await world.identity.loginProviders.remove(scope, guarded)
  })
})

describe('A9 Entra ID for one tenant', () => {
  test('A9 lets in that tenant, and refuses a token of any other', async () => {
    pretendEntra(world, tid)
    const issuer = `${base}/${tid}/v2.0`
    const given = { issuer, clientId: 'single', allowedTenantIds: [] }
    const single = await createEntra(world, scope, given)
    expect(await codeOf(entraLogin(world, single, entraPerson()))).toBe('no error')
    const other = entraPerson({ tid: otherTid })
    expect(await codeOf(entraLogin(world, single, other))).toBe('unauthenticated')
    const { claims } = world.oidc.script
    world.oidc.script.claims = (given) => ({ ...claims(given), tid: otherTid })
    expect(await codeOf(entraLogin(world, single, entraPerson()))).toBe('unauthenticated')
    await world.identity.loginProviders.remove(scope, single)
  })
})

describe('an issuer of Entra ID is one of two forms', () => {
  const host = 'https://login.microsoftonline.com'
  test.each([
    [`${host}/${tid}/v2.0`, tid],
    [`${host}/common/v2.0`, null],
    [`${host}/organizations/v2.0`, null]
  ])('%s', (issuer, tenantId) => {
    expect(entraAuthorityOf(issuer)).toEqual({ base: host, tenantId })
  })

  test.each([
    `${host}/${tid}/v2.0/`,
    `${host}/${tid.toUpperCase().replace('1', 'A')}/v2.0`,
    `${host}/${tid}`,
    `${host}/consumers/v2.0`,
    `${host}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0`,
    `${host}/acme.onmicrosoft.com/v2.0`,
    `${host}:443/${tid}/v2.0`,
    `${host}/a/../${tid}/v2.0`,
    `https://user@login.microsoftonline.com/${tid}/v2.0`,
    'nonsense'
  ])('not %s', (issuer) => {
    expect(entraAuthorityOf(issuer)).toBeNull()
  })
})
