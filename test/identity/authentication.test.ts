import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { TenantScope } from '../../src/base/tenant-scope.ts'
import { newBearer } from '../../src/crypto/bearer.ts'
import { type FaultProxy, startFaultProxy, targetOf, viaPort } from '../support/fault-proxy.ts'
import { statementsOf } from '../support/statements.ts'
import { adminEmail, codeOf, createWorld, personNamed, type Replica, type World } from './world.ts'

let world: World
let elsewhere: Replica
let proxied: Replica
let proxy: FaultProxy
let admin: TenantScope
let count = 0

beforeAll(async () => {
  world = await createWorld()
  elsewhere = world.replica()
  const { sessionToken } = await world.login(personNamed('root', { email: adminEmail }))
  admin = (await world.callerOf(sessionToken)).scope
  const [row] = await world.sql<{ port: number; host: string }>(
    "SELECT current_setting('port')::int AS port, 'localhost' AS host"
  )
  proxy = await startFaultProxy(targetOf(`postgres://localhost:${row?.port}`))
  proxied = world.replica((url) => viaPort(url, proxy.port))
})
afterAll(async () => {
  await world?.close()
  await proxy?.close()
})

beforeEach(async () => {
  for (const replica of [world, elsewhere, proxied]) await replica.noticeChanges()
})

const hour = 3_600_000

async function accountWithKey(expiresAt?: Date) {
  const accounts = world.identity.serviceAccounts
  count += 1
  const account = await accounts.create(admin, { name: `account ${count}` })
  const key = await accounts.createKey(admin, account.id, { name: 'key', expiresAt })
  const { accessToken } = await world.identity.serviceTokens.issue({
    serviceAccountId: account.id,
    serviceKey: key.key,
    tenantSlug: null,
    target: null,
    source: '192.0.2.1',
    requestId: 'request-1'
  })
  return { account, key, bearers: [key.key, accessToken] as const }
}

/** How another replica answers to a bearer. */
function seen(bearer: string, { identity } = elsewhere) {
  return codeOf(
    identity.authenticate({
      sessionToken: null,
      bearer,
      source: '192.0.2.9',
      requestId: 'request-2'
    })
  )
}

function seenSession(sessionToken: string, { identity } = elsewhere) {
  return codeOf(
    identity.authenticate({
      sessionToken,
      bearer: null,
      source: '192.0.2.9',
      requestId: 'request-2'
    })
  )
}

describe('whoever is known', () => {
  test('is known without a query, by key, token and session, and again after a note of use', async () => {
    const { bearers } = await accountWithKey()
    const { sessionToken } = await world.login(personNamed('ann'))
    const all = async () => {
      for (const bearer of bearers) expect(await seen(bearer)).toBe('no error')
      expect(await seenSession(sessionToken)).toBe('no error')
    }
    expect(await statementsOf(all)).not.toEqual([])
    world.clock.advance(61_000)
    await elsewhere.noticeChanges()
    expect(await statementsOf(all)).toEqual([])
    expect(await statementsOf(() => elsewhere.lastUses.flush())).not.toEqual([])
    await elsewhere.noticeChanges()
    expect(await statementsOf(all)).toEqual([])
  })

  test('C11 ends by the clock, whatever is remembered', async () => {
    const soon = new Date(world.clock.now().getTime() + 20_000)
    const { bearers } = await accountWithKey(soon)
    for (const bearer of bearers) expect(await seen(bearer)).toBe('no error')
    world.clock.advance(20_001)
    await elsewhere.noticeChanges()
    for (const bearer of bearers) expect(await seen(bearer)).toBe('unauthenticated')
  })

  test('A13 is idle only where no replica saw them', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    expect(await seenSession(sessionToken)).toBe('no error')
    world.clock.advance(11 * hour)
    await world.callerOf(sessionToken)
    await world.lastUses.flush()
    world.clock.advance(2 * hour)
    await elsewhere.noticeChanges()
    expect(await seenSession(sessionToken)).toBe('no error')
    world.clock.advance(12 * hour)
    await elsewhere.noticeChanges()
    expect(await seenSession(sessionToken)).toBe('unauthenticated')
  })

  test('A7 is known by one kind of credential and not by its text in the place of another', async () => {
    const { bearers } = await accountWithKey()
    const { sessionToken } = await world.login(personNamed('ann'))
    for (const bearer of bearers) {
      expect(await seen(bearer)).toBe('no error')
      expect(await seenSession(bearer)).toBe('unauthenticated')
    }
    expect(await seenSession(sessionToken)).toBe('no error')
    expect(await seen(sessionToken)).toBe('unauthenticated')
  })
})

describe('F34 what is taken away', () => {
  test('F34 C11 a key that is revoked ends on the other replica with its tokens, one whose account is removed too', async () => {
    const accounts = world.identity.serviceAccounts
    const revoked = await accountWithKey()
    const removed = await accountWithKey()
    const kept = await accountWithKey()
    const gone = [...revoked.bearers, ...removed.bearers]
    for (const bearer of [...gone, ...kept.bearers]) expect(await seen(bearer)).toBe('no error')
    await accounts.revokeKey(admin, revoked.account.id, revoked.key.id)
    await accounts.remove(admin, removed.account.id)
    for (const bearer of gone) expect(await seen(bearer, world)).toBe('unauthenticated')
    await elsewhere.noticeChanges()
    for (const bearer of gone) expect(await seen(bearer)).toBe('unauthenticated')
    for (const bearer of kept.bearers) expect(await seen(bearer)).toBe('no error')
  })

  test('F34 A13 a session that is ended, logged out or replaced ends on the other replica', async () => {
    const tokens = []
    for (let n = 0; n < 3; n += 1) tokens.push((await world.login(personNamed('eve'))).sessionToken)
    const [ended = '', left = '', replaced = ''] = tokens
    for (const token of tokens) expect(await seenSession(token)).toBe('no error')
    const eve = await world.callerOf(ended)
    if (eve.sessionId !== null) await world.identity.sessions.end(eve, eve.sessionId)
    await world.identity.sessions.logout(left, 'request-1')
    const next = await world.login(personNamed('eve'), { sessionToken: replaced })
    for (const token of tokens) expect(await seenSession(token, world)).toBe('unauthenticated')
    await elsewhere.noticeChanges()
    for (const token of tokens) expect(await seenSession(token)).toBe('unauthenticated')
    expect(await seenSession(next.sessionToken)).toBe('no error')
  })

  test('F34 a key that is revoked while it is read is neither let in nor remembered', async () => {
    const { account, key, bearers } = await accountWithKey()
    expect(await seen(bearers[1], proxied)).toBe('no error')
    // The reading is made, and its rows are not here yet.
    const stop = proxy.stopAt({ seen: /service_keys/, hold: 'commit' })
    const reading = seen(bearers[0], proxied)
    await stop.reached
    await world.identity.serviceAccounts.revokeKey(admin, account.id, key.id)
    await proxied.noticeChanges()
    stop.release()
    expect(await reading).toBe('unauthenticated')
    expect(await seen(bearers[0], proxied)).toBe('unauthenticated')
  })

  test('F36 a process that is cut off from the database serves whom it knows, for a minute', async () => {
    const { bearers } = await accountWithKey()
    const stranger = await accountWithKey()
    for (const bearer of bearers) expect(await seen(bearer, proxied)).toBe('no error')
    world.clock.advance(61_000)
    await proxied.noticeChanges()
    proxy.mode = { kind: 'refuse' }
    expect(await codeOf(proxied.noticeChanges())).toBe('overloaded')
    for (const bearer of bearers) expect(await seen(bearer, proxied)).toBe('no error')
    expect(await seen(stranger.bearers[0], proxied)).toBe('overloaded')
    world.clock.advance(59_000)
    for (const bearer of bearers) expect(await seen(bearer, proxied)).toBe('no error')
    expect(await codeOf(proxied.lastUses.flush())).toBe('overloaded')
    world.clock.advance(2_000)
    for (const bearer of bearers) expect(await seen(bearer, proxied)).toBe('overloaded')
    proxy.mode = { kind: 'pass' }
    for (const bearer of bearers) expect(await seen(bearer, proxied)).toBe('no error')
  })
})

describe('strangers', () => {
  test('a flood of unknown keys displaces nobody, and one that comes again soon costs no query', async () => {
    const { bearers } = await accountWithKey()
    const unknown = Array.from({ length: 25 }, () => newBearer('wfts_').bearer.reveal())
    const flood = () => Promise.all(unknown.map((bearer) => seen(bearer)))
    const known = () => Promise.all(bearers.map((bearer) => seen(bearer)))
    await known()
    expect(new Set(await flood())).toEqual(new Set(['unauthenticated']))
    expect(await statementsOf(async () => [await flood(), await known()])).toEqual([])
    world.clock.advance(5_001)
    expect(await statementsOf(flood)).not.toEqual([])
    expect(await statementsOf(known)).toEqual([])
  })

  test('what has not even the shape of a credential costs no query', async () => {
    const { sessionToken } = await world.login(personNamed('ann'))
    const odd = ['', 'x', `${sessionToken}x`, sessionToken.slice(1), `${sessionToken.slice(1)}'`]
    const ask = () => Promise.all(odd.flatMap((text) => [seen(text), seenSession(text)]))
    expect(await statementsOf(ask)).toEqual([])
    expect(new Set(await ask())).toEqual(new Set(['unauthenticated']))
  })
})
