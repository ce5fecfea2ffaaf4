import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { newBearer } from '../../src/crypto/bearer.ts'
import {
  adminEmail,
  auditOf,
  codeOf,
  createWorld,
  errorOf,
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
  tenantSlug?: string | null
}

function issue(id: string, key: string, { source = '192.0.2.1', tenantSlug = null }: Asked = {}) {
  return world.identity.serviceTokens.issue({
    serviceAccountId: id,
    serviceKey: key,
    tenantSlug,
    source,
    requestId: 'request-1'
  })
}

function authenticate(bearer: string) {
  return elsewhere.identity.authenticate({ sessionToken: null, bearer, requestId: 'request-2' })
}

describe('a service token', () => {
  test('authenticates as its service account, on every replica, and says which key it stands for', async () => {
    const { account, key } = await accountWithKey()
    const { accessToken, expiresInSeconds } = await issue(account.id, key.key)
    expect(accessToken).toMatch(/^wftt_[0-9A-Za-z]{36}$/)
    expect(expiresInSeconds).toBe(3600)
    const caller = await authenticate(accessToken)
    expect(caller).toMatchObject({ via: 'service_token', keyId: key.id, sessionId: null })
    expect(caller.scope.actor).toEqual({ kind: 'service_account', id: account.id })
    expect(caller.scope.tenantId).toBe(world.acme.tenantId)
    expect(caller.scope.authority.may('service_key.create')).toBe(false)
  })

  test('C11 lies in the database as a hash only, and its issue is on record', async () => {
    const { account, key } = await accountWithKey()
    const { accessToken } = await issue(account.id, key.key)
    const rows = JSON.stringify([
      await world.sql('SELECT * FROM service_tokens'),
      await world.sql('SELECT * FROM audit_events')
    ])
    expect(rows).not.toContain(accessToken.slice(5, 35))
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

  test('unknown and mistyped ones are refused as any stranger is', async () => {
    const { account, key } = await accountWithKey()
    const { accessToken } = await issue(account.id, key.key)
    const swapped = accessToken.slice(0, -1) + (accessToken.endsWith('0') ? '1' : '0')
    const others = [swapped, newBearer('wftt_').bearer.reveal(), 'wftt_', `${accessToken}x`]
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
