import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { asId, type ServiceAccountId } from '../../src/base/ids.ts'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { newBearer } from '../../src/crypto/bearer.ts'
import type { ServiceAccounts } from '../../src/identity/identity.ts'
import {
  adminEmail,
  auditOf,
  codeOf,
  createWorld,
  personNamed,
  type Replica,
  type World
} from './world.ts'

let world: World
let elsewhere: Replica
let admin: TenantScope
let accounts: ServiceAccounts

beforeAll(async () => {
  world = await createWorld()
  elsewhere = world.replica()
  const claims = { sub: 'root', email: adminEmail, email_verified: true }
  const { sessionToken } = await world.login(claims)
  admin = (await world.callerOf(sessionToken)).scope
  accounts = world.identity.serviceAccounts
})
afterAll(() => world?.close())

function authenticate(bearer: string, sessionToken: string | null = null) {
  return elsewhere.identity.authenticate({
    sessionToken,
    bearer,
    source: '192.0.2.9',
    requestId: 'request-1'
  })
}

async function accountWithKey(name: string, expiresAt?: Date) {
  const account = await accounts.create(admin, { name })
  return { account, key: await accounts.createKey(admin, account.id, { name: 'first', expiresAt }) }
}

async function insertFabric(tenantId: string, id: string): Promise<void> {
  await world.sql(
    `INSERT INTO fabrics (id, tenant_id, team_id, name, slug, description, kind, provider,
       workspace_origin, auth_method, service_principal_use, has_endpoint_list, endpoint_allow_list,
       status, created_at, updated_at)
     SELECT $2, $1, id, $2, $2, '', 'sql', 'databricks', 'https://w.test', 'oauth', 'admins', false,
       '{}', 'draft', now(), now() FROM teams WHERE tenant_id = $1 AND kind = 'shared'`,
    [tenantId, id]
  )
}

describe('C11 service keys', () => {
  test('C11 a key is shown once, and only its hash and its last four characters are kept', async () => {
    const { account, key } = await accountWithKey('shown once')
    expect(key.key).toMatch(/^wfts_[0-9A-Za-z]{36}$/)
    expect(key.hint).toBe(`…${key.key.slice(-4)}`)
    const listed = await accounts.listKeys(admin, account.id)
    expect(listed).toEqual([{ ...key, key: undefined, lastUsedAt: null, expiresAt: null }])
    const rows = JSON.stringify([
      await world.sql('SELECT * FROM service_keys'),
      await world.sql('SELECT * FROM audit_events')
    ])
    expect(rows).not.toContain(key.key)
    expect(rows).not.toContain(key.key.slice(5, 35))
    expect(inspect(listed)).not.toContain(key.key)
  })

  test('C11 a key authenticates as its service account, on every replica', async () => {
    const { account, key } = await accountWithKey('works')
    const caller = await authenticate(key.key)
    expect(caller).toMatchObject({ via: 'service_key', keyId: key.id, sessionId: null })
    expect(caller.scope.actor).toEqual({ kind: 'service_account', id: account.id })
    expect(caller.scope.tenantId).toBe(world.acme.tenantId)
  })

  test('C11 unknown, mistyped, expired, revoked and orphaned keys are one refusal', async () => {
    const soon = new Date(world.clock.now().getTime() + 60_000)
    const expired = await accountWithKey('expires', soon)
    const revoked = await accountWithKey('revoked')
    const orphaned = await accountWithKey('orphaned')
    expect(await codeOf(authenticate(expired.key.key))).toBe('no error')
    world.clock.advance(60_001)
    await accounts.revokeKey(admin, revoked.account.id, revoked.key.id)
    await accounts.remove(admin, orphaned.account.id)
    const { key } = (await accountWithKey('good')).key
    const swapped = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0')
    const unknown = newBearer('wfts_').bearer.reveal()
    const personal = newBearer('wftp_').bearer.reveal()
    const refused = [
      ...[expired.key.key, revoked.key.key, orphaned.key.key, swapped, unknown, personal],
      ...[
        '',
        'wfts_',
        `${key} `,
        `${key}\u0000`,
        key.toUpperCase(),
        key.slice(5),
        "wfts_' OR 1=1--"
      ]
    ]
    const errors = await Promise.all(
      refused.map((bearer) => authenticate(bearer).catch((err: unknown) => inspect(err)))
    )
    const words = errors.map((text) => String(text).split('\n')[0])
    expect(new Set(words)).toEqual(new Set(['AppError: Log in or send a valid key']))
    expect(await codeOf(authenticate(key))).toBe('no error')
  })

  test('C11 a key of a suspended tenant is no key', async () => {
    const { key } = await accountWithKey('suspended')
    await world.change(`UPDATE tenants SET status = 'suspended' WHERE slug = 'acme'`)
    expect(await codeOf(authenticate(key.key))).toBe('unauthenticated')
    await world.change(`UPDATE tenants SET status = 'active' WHERE slug = 'acme'`)
    world.clock.advance(5_001)
    expect(await codeOf(authenticate(key.key))).toBe('no error')
  })

  test('its use is noted at most once a minute', async () => {
    const { account, key } = await accountWithKey('noted')
    const lastUsed = async () => (await accounts.listKeys(admin, account.id))[0]?.lastUsedAt
    const use = async () => {
      await Promise.all(Array.from({ length: 5 }, () => authenticate(key.key)))
      await elsewhere.lastUses.flush()
    }
    await use()
    const first = await lastUsed()
    expect(first).toBeInstanceOf(Date)
    world.clock.advance(30_000)
    await use()
    expect(await lastUsed()).toEqual(first)
    world.clock.advance(30_001)
    await use()
    expect((await lastUsed())?.getTime()).toBeGreaterThan(first?.getTime() ?? 0)
  })

  test('400 for a key that has expired before it is made, 404 for keys of no account', async () => {
    const { account, key } = await accountWithKey('odd')
    const past = { name: 'past', expiresAt: new Date(0) }
    expect(await codeOf(accounts.createKey(admin, account.id, past))).toBe('invalid_request')
    const none = asId('serviceAccount', 'sva_none')
    expect(await codeOf(accounts.createKey(admin, none, { name: 'x' }))).toBe('not_found')
    expect(await codeOf(accounts.listKeys(admin, none))).toBe('not_found')
    expect(await codeOf(accounts.revokeKey(admin, none, key.id))).toBe('not_found')
    await accounts.revokeKey(admin, account.id, key.id)
    expect(await codeOf(accounts.revokeKey(admin, account.id, key.id))).toBe('not_found')
  })
})

describe('D5 a service key never borrows a person', () => {
  test('D5 a session beside it does not count, and its scope names no user', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    const { account, key } = await accountWithKey('lonely')
    const { scope, ...caller } = await authenticate(key.key, sessionToken)
    expect(scope.actor).toEqual({ kind: 'service_account', id: account.id })
    expect(scope.authority.may('endpoint.query')).toBe(true)
    expect(scope.authority.may('fabric.sign_in')).toBe(false)
    expect(scope.authority.teams).toEqual([])
    const { me, list, switchTenant } = world.identity.sessions
    const whole = { scope, ...caller }
    expect(await codeOf(me(whole))).toBe('forbidden')
    expect(await codeOf(list(whole))).toBe('forbidden')
    expect(await codeOf(switchTenant(whole, world.acme.tenantId))).toBe('forbidden')
  })

  test('D5 nothing listed, nothing allowed: a new account reaches no fabric', async () => {
    const { account } = await accountWithKey('new')
    expect(account.fabrics).toEqual([])
  })
})

describe('service accounts', () => {
  test('are made, listed page by page, and removed', async () => {
    const fresh = await createWorld()
    try {
      const { sessionToken } = await fresh.login({
        sub: 'root',
        email: adminEmail,
        email_verified: true
      })
      const { scope } = await fresh.callerOf(sessionToken)
      const { create, list, get, remove } = fresh.identity.serviceAccounts
      const made = []
      for (const name of ['a', 'b', 'c']) {
        made.push(await create(scope, { name }))
        fresh.clock.advance(5)
      }
      const first = await list(scope, { limit: 2, cursor: null })
      expect(first.items.map(({ name }) => name)).toEqual(['c', 'b'])
      const second = await list(scope, { limit: 2, cursor: first.nextCursor })
      expect(second).toMatchObject({ items: [{ name: 'a' }], nextCursor: null })
      const [one] = made
      if (one === undefined) throw new TypeError('none made')
      expect(await get(scope, one.id)).toEqual(one)
      expect(await codeOf(create(scope, { name: 'a' }))).toBe('invalid_request')
      await remove(scope, one.id)
      expect(await codeOf(get(scope, one.id))).toBe('not_found')
      expect(await codeOf(remove(scope, one.id))).toBe('not_found')
      expect(await auditOf(fresh, fresh.acme.tenantId, 'service_account.create')).toHaveLength(3)
      expect(await auditOf(fresh, fresh.acme.tenantId, 'service_account.delete')).toHaveLength(1)
    } finally {
      await fresh.close()
    }
  })

  test('D3 reach only fabrics of their own tenant, the list replaced as a whole', async () => {
    const globex = await world.createTenant('globex')
    await insertFabric(world.acme.tenantId, 'fab_one')
    await insertFabric(world.acme.tenantId, 'fab_two')
    await insertFabric(globex.tenantId, 'fab_foreign')
    const { account } = await accountWithKey('reaching')
    const access = (id: string) => ({ fabricId: asId('fabric', id) })
    const one = { ...access('fab_one'), endpoints: ['chat'], requestsPerMinute: 60 }
    const set = (...list: (typeof one | ReturnType<typeof access>)[]) =>
      accounts.setFabrics(admin, account.id, list)
    expect(await set(one, access('fab_two'))).toMatchObject({
      version: 2,
      fabrics: [one, access('fab_two')]
    })
    expect(await codeOf(set(access('fab_foreign')))).toBe('not_found')
    expect(await codeOf(set(access('fab_none')))).toBe('not_found')
    expect(await codeOf(set(one, one))).toBe('invalid_request')
    expect((await accounts.get(admin, account.id)).fabrics).toHaveLength(2)
    expect((await set({ ...access('fab_two'), endpoints: [] })).fabrics).toEqual([
      { ...access('fab_two'), endpoints: [] }
    ])
    expect((await set()).fabrics).toEqual([])
  })

  test('403 for members, 404 for another tenant’s admin, with no effect', async () => {
    const { account, key } = await accountWithKey('guarded')
    const { sessionToken } = await world.login(personNamed('mia'))
    const { scope: member } = await world.callerOf(sessionToken)
    const stranger = await world.login(personNamed('zoe'), { tenantSlug: 'globex' })
    await world.sql(
      `UPDATE memberships SET role = 'tenant_admin'
        WHERE user_id = (SELECT id FROM users WHERE subject = 'sub-zoe')`
    )
    const { scope: foreign } = await world.callerOf(stranger.sessionToken)
    const calls = (scope: TenantScope, id: ServiceAccountId) => [
      accounts.get(scope, id),
      accounts.remove(scope, id),
      accounts.setFabrics(scope, id, []),
      accounts.listKeys(scope, id),
      accounts.createKey(scope, id, { name: 'x' }),
      accounts.revokeKey(scope, id, key.id)
    ]
    const codes = (list: Promise<unknown>[]) => Promise.all(list.map(codeOf))
    expect(new Set(await codes(calls(member, account.id)))).toEqual(new Set(['forbidden']))
    expect(await codeOf(accounts.create(member, { name: 'x' }))).toBe('forbidden')
    expect(await codeOf(accounts.list(member, { limit: 1, cursor: null }))).toBe('forbidden')
    expect(new Set(await codes(calls(foreign, account.id)))).toEqual(new Set(['not_found']))
    expect(await codeOf(authenticate(key.key))).toBe('no error')
  })

  test('I3 keys made and revoked are on record, once each, with who did it', async () => {
    const count = async (action: string) =>
      (await auditOf(world, world.acme.tenantId, action)).length
    const before = [await count('service_key.create'), await count('service_key.revoke')]
    const { account, key } = await accountWithKey('recorded')
    await accounts.revokeKey(admin, account.id, key.id)
    const after = [await count('service_key.create'), await count('service_key.revoke')]
    expect(after).toEqual(before.map((n) => n + 1))
    const [last] = (await auditOf(world, world.acme.tenantId, 'service_key.revoke')).slice(-1)
    expect(last).toMatchObject({ actor_kind: 'user', outcome: 'succeeded' })
  })
})
