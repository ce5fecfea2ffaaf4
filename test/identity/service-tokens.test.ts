import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  generateKeyPair,
  type JWTPayload,
  jwtVerify,
  SignJWT,
  UnsecuredJWT
} from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asId, type FabricId } from '../../src/base/ids.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { newBearer } from '../../src/crypto/bearer.ts'
import type { TokenTarget } from '../../src/identity/identity.ts'
import {
  adminEmail,
  auditOf,
  codeOf,
  createWorld,
  errorOf,
  publicUrl,
  type Replica,
  type World
} from './world.ts'

let world: World
let elsewhere: Replica
let admin: TenantScope
let count = 0

beforeAll(async () => {
  world = await createWorld()
  elsewhere = world.replica()
  const claims = { sub: 'root', email: adminEmail, email_verified: true }
  const { sessionToken } = await world.login(claims)
  admin = (await world.callerOf(sessionToken)).scope
})
afterAll(() => world?.close())

async function accountWithKey(expiresAt?: Date) {
  const accounts = world.identity.serviceAccounts
  count += 1
  const account = await accounts.create(admin, { name: `account ${count}` })
  return { account, key: await accounts.createKey(admin, account.id, { name: 'key', expiresAt }) }
}

interface Asked {
  source?: string
  target?: TokenTarget | null
  tenantSlug?: string | null
}

function issue(id: string, key: string, asked: Asked = {}) {
  const { source = '192.0.2.1', tenantSlug = null, target = null } = asked
  return world.identity.serviceTokens.issue({
    serviceAccountId: id,
    serviceKey: key,
    tenantSlug,
    target,
    source,
    requestId: 'request-1'
  })
}

/** Of the tenant’s first team; only its place in the database matters here. */
async function newFabric(slug: string): Promise<FabricId> {
  const id = asId('fabric', `fab_${slug.padEnd(26, '0').replaceAll(/[ilou]/g, 'x')}`)
  await world.sql(
    `INSERT INTO fabrics (id, tenant_id, team_id, name, slug, description, kind, provider, workspace_origin,
       auth_method, service_principal_use, has_endpoint_list, endpoint_allow_list, status, created_at, updated_at)
     SELECT $1, tenant_id, id, $2, $2, '', 'spark', 'databricks', 'https://a.test',
       'oauth', 'admins', false, '{}', 'complete', now(), now() FROM teams WHERE tenant_id = $3 LIMIT 1`,
    [id, slug, world.acme.tenantId]
  )
  return id
}

function authenticate(bearer: string) {
  return elsewhere.identity.authenticate({
    sessionToken: null,
    bearer,
    source: '192.0.2.9',
    requestId: 'request-2'
  })
}

describe('a service token', () => {
  test('authenticates as its service account, on every replica, and says which key it stands for', async () => {
    const { account, key } = await accountWithKey()
    const { accessToken, expiresInSeconds } = await issue(account.id, key.key)
    expect(accessToken).toMatch(/^eyJ[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(expiresInSeconds).toBe(3600)
    const caller = await authenticate(accessToken)
    expect(caller).toMatchObject({ via: 'service_token', keyId: key.id, sessionId: null })
    expect(caller.scope.actor).toEqual({ kind: 'service_account', id: account.id })
    expect(caller.scope.tenantId).toBe(world.acme.tenantId)
    expect(caller.scope.authority.may('service_key.create')).toBe(false)
  })

  test('C11 lies nowhere in the database, and its issue is on record', async () => {
    const { account, key } = await accountWithKey()
    const { accessToken } = await issue(account.id, key.key)
    const rows = JSON.stringify([
      await world.sql('SELECT * FROM service_keys'),
      await world.sql('SELECT * FROM audit_events')
    ])
    expect(rows).not.toContain(accessToken.split('.')[2])
    expect(rows).not.toContain(key.key.slice(5, 35))
    const records = await auditOf(world, world.acme.tenantId, 'service_token.issue')
    expect(records.at(-1)).toMatchObject({
      actor_kind: 'service_account',
      details: { keyId: key.id, expiresInSeconds: 3600 }
    })
  })

  test('ends after an hour, and with its key where that ends sooner', async () => {
    const soon = new Date(world.clock.now().getTime() + 90_000)
    const short = await accountWithKey(soon)
    const long = await accountWithKey()
    const ending = await issue(short.account.id, short.key.key)
    const lasting = await issue(long.account.id, long.key.key)
    expect(ending.expiresInSeconds).toBeLessThanOrEqual(90)
    expect(ending.expiresInSeconds).toBeGreaterThan(80)
    world.clock.advance(91_000)
    expect(await codeOf(authenticate(ending.accessToken))).toBe('unauthenticated')
    expect(await codeOf(authenticate(lasting.accessToken))).toBe('no error')
    world.clock.advance(3_600_000 - 91_000)
    expect(await codeOf(authenticate(lasting.accessToken))).toBe('unauthenticated')
  })

  test('ends at once with its key, its account and its tenant, and with no other key', async () => {
    const accounts = world.identity.serviceAccounts
    const revoked = await accountWithKey()
    const other = await accounts.createKey(admin, revoked.account.id, { name: 'other' })
    const removed = await accountWithKey()
    const tokenOf = async (id: string, key: string) => (await issue(id, key)).accessToken
    const first = await tokenOf(revoked.account.id, revoked.key.key)
    const second = await tokenOf(revoked.account.id, other.key)
    const third = await tokenOf(removed.account.id, removed.key.key)
    await accounts.revokeKey(admin, revoked.account.id, revoked.key.id)
    await accounts.remove(admin, removed.account.id)
    expect(await codeOf(authenticate(first))).toBe('unauthenticated')
    expect(await codeOf(authenticate(second))).toBe('no error')
    expect(await codeOf(authenticate(third))).toBe('unauthenticated')
    await world.change("UPDATE tenants SET status = 'suspended' WHERE slug = 'acme'")
    await elsewhere.noticeChanges()
    expect(await codeOf(authenticate(second))).toBe('unauthenticated')
    expect(await codeOf(issue(revoked.account.id, other.key))).toBe('unauthenticated')
    await world.change("UPDATE tenants SET status = 'active' WHERE slug = 'acme'")
    world.clock.advance(5_001)
    expect(await codeOf(authenticate(second))).toBe('no error')
  })

  test('is got for one’s own account, with a key that holds, at one’s own tenant', async () => {
    const { account, key } = await accountWithKey()
    const other = await accountWithKey()
    const { accessToken } = await issue(account.id, key.key)
    const wrong = [
      issue(other.account.id, key.key),
      issue(account.id, other.key.key),
      issue(account.id, accessToken),
      issue(account.id, newBearer('wfts_').bearer.reveal()),
      issue(account.id, ''),
      issue('', key.key),
      issue(account.id, key.key, { tenantSlug: 'globex' })
    ]
    const codes = await Promise.all(wrong.map(codeOf))
    expect(new Set(codes)).toEqual(new Set(['unauthenticated']))
    expect(await codeOf(issue(account.id, key.key, { tenantSlug: 'acme' }))).toBe('no error')
  })

  test('bears an RFC 9068 token’s type and claims, signed by a key that is published', async () => {
    const { account, key } = await accountWithKey()
    const { accessToken } = await issue(account.id, key.key)
    const { keys } = await elsewhere.identity.signingKeys.published()
    const { payload, protectedHeader } = await jwtVerify(
      accessToken,
      createLocalJWKSet({ keys: [...keys] }),
      { currentDate: world.clock.now() }
    )
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt', kid: keys[0]?.kid })
    expect(payload).toEqual({
      iss: publicUrl,
      aud: publicUrl,
      sub: account.id,
      client_id: account.id,
      jti: expect.stringMatching(/^tok_/),
      iat: expect.any(Number),
      exp: (payload.iat ?? 0) + 3600,
      scope: 'all-apis',
      tenant: world.acme.tenantId,
      credential: key.id
    })
  })

  test('is bound to the fabric that it is asked for, by id or by slug, if the account may reach it', async () => {
    const { account, key } = await accountWithKey()
    const own = await newFabric('lake')
    const other = await newFabric('river')
    const fabrics = [{ fabricId: own }]
    await world.identity.serviceAccounts.setFabrics(admin, account.id, fabrics)
    for (const target of [{ fabricId: own }, { slug: 'lake' }]) {
      const { accessToken } = await issue(account.id, key.key, { target })
      expect(decodeJwt(accessToken).aud).toBe(`${publicUrl}/fabrics/${own}`)
      expect((await authenticate(accessToken)).scope.authority.fabrics).toEqual([own])
    }
    const none = asId('fabric', `fab_${'0'.repeat(26)}`)
    for (const target of [{ fabricId: other }, { slug: 'river' }, { fabricId: none }]) {
      expect(await codeOf(issue(account.id, key.key, { target }))).toBe('not_found')
    }
  })

  test('A7 is refused with another type, issuer, audience, algorithm or key, however well it is signed', async () => {
    const { account, key } = await accountWithKey()
    const { accessToken } = await issue(account.id, key.key)
    const claims = decodeJwt(accessToken)
    const { kid } = decodeProtectedHeader(accessToken)
    const sign = (typ: string, more: JWTPayload) =>
      world.signingKeys.sign(typ, { ...claims, ...more })
    const foreign = await generateKeyPair('ES256')
    const asOurs = (alg: string, secret: Parameters<SignJWT['sign']>[0]) =>
      new SignJWT(claims).setProtectedHeader({ alg, typ: 'at+jwt', kid: String(kid) }).sign(secret)
    const { keys } = await world.identity.signingKeys.published()
    const tomorrow = Math.floor(world.clock.now().getTime() / 1000) + 86_400
    const refused = [
      await sign('JWT', {}),
      await sign('at+jwt', { iss: 'https://other.test' }),
      await sign('at+jwt', { aud: 'https://other.test' }),
      await sign('at+jwt', { aud: [publicUrl] }),
      await sign('at+jwt', { aud: `${publicUrl}/fabrics/x` }),
      await sign('at+jwt', { tenant: `ten_${'0'.repeat(26)}` }),
      await sign('at+jwt', { sub: `sva_${'0'.repeat(26)}` }),
      await sign('at+jwt', { credential: `key_${'0'.repeat(26)}` }),
      await sign('at+jwt', { exp: Number(claims.iat) - 1 }),
      await sign('at+jwt', { nbf: tomorrow }),
      await asOurs('ES256', foreign.privateKey),
      await asOurs('HS256', new TextEncoder().encode(JSON.stringify(keys[0]))),
      new UnsecuredJWT(claims).encode()
    ]
    for (const [at, token] of refused.entries()) {
      expect(await codeOf(authenticate(token)), `no. ${at}`).toBe('unauthenticated')
    }
    expect(await codeOf(authenticate(await sign('at+jwt', {})))).toBe('no error')
  })

  test('a refusal of a known account is on record, without what was presented', async () => {
    const { account, key } = await accountWithKey()
    await world.identity.serviceAccounts.revokeKey(admin, account.id, key.id)
    expect(await codeOf(issue(account.id, key.key))).toBe('unauthenticated')
    const last = (await auditOf(world, world.acme.tenantId, 'service_token.issue')).at(-1)
    expect(last).toMatchObject({ outcome: 'refused', code: 'unauthenticated' })
    expect(last?.details).toEqual({ keyId: key.id })
  })

  test('unknown and mistyped ones are refused as any stranger is', async () => {
    const { account, key } = await accountWithKey()
    const { accessToken } = await issue(account.id, key.key)
    const [header = '', claims = '', signature = ''] = accessToken.split('.')
    const swapped = [header, claims, signature.split('').reverse().join('')].join('.')
    const others = [swapped, 'eyJ.eyJ.x', `${accessToken}x`, `${accessToken}.x`]
    for (const other of others) expect(await codeOf(authenticate(other))).toBe('unauthenticated')
  })
})

describe('429 rate_limited', () => {
  const guess = (id: string, source: string) =>
    issue(id, newBearer('wfts_').bearer.reveal(), { source })

  test('a source that guesses is stopped for a minute, its IPv6 neighbours with it, others not', async () => {
    const { account, key } = await accountWithKey()
    const guesser = '2001:db8:1:2::1'
    for (let attempt = 0; attempt < 30; attempt += 1) {
      expect(await codeOf(guess(account.id, guesser))).toBe('unauthenticated')
    }
    const refusal = await errorOf(guess(account.id, '2001:db8:1:2:ffff::9'))
    expect(refusal?.code).toBe('rate_limited')
    const leftMs = (refusal?.retryAt?.getTime() ?? 0) - world.clock.now().getTime()
    expect(leftMs).toBeGreaterThan(0)
    expect(leftMs).toBeLessThanOrEqual(60_000)
    expect(await codeOf(guess(account.id, '2001:db8:1:3::1'))).toBe('unauthenticated')
    world.clock.advance(60_001)
    expect(await codeOf(issue(account.id, key.key, { source: guesser }))).toBe('no error')
  })

  test('a stranger who knows an account’s id does not lock it out, not even from its own address', async () => {
    const { account, key } = await accountWithKey()
    const office = '198.51.100.7'
    expect(await codeOf(issue(account.id, key.key, { source: office }))).toBe('no error')
    for (let attempt = 0; attempt < 40; attempt += 1) await codeOf(guess(account.id, office))
    expect(await codeOf(guess(account.id, office))).toBe('rate_limited')
    expect(await codeOf(issue(account.id, key.key, { source: office }))).toBe('no error')
    expect(await codeOf(issue(account.id, key.key, { source: '203.0.113.9' }))).toBe('no error')
  })

  test('an account that asks without end is stopped alone', async () => {
    const greedy = await accountWithKey()
    const modest = await accountWithKey()
    const codes = new Map<string, number>()
    for (let attempt = 0; attempt < 125; attempt += 1) {
      const code = await codeOf(issue(greedy.account.id, greedy.key.key))
      codes.set(code, (codes.get(code) ?? 0) + 1)
    }
    expect(Object.fromEntries(codes)).toEqual({ 'no error': 120, rate_limited: 5 })
    expect(await codeOf(issue(modest.account.id, modest.key.key))).toBe('no error')
  })
})
