import { afterEach, beforeEach, expect, test } from 'vitest'
import { type FaultProxy, startFaultProxy, targetOf, viaPort } from '../support/fault-proxy.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  type Replica,
  tally,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld
let proxy: FaultProxy
let fragile: Replica

beforeEach(async () => {
  world = await createVaultWorld()
  proxy = await startFaultProxy(targetOf(world.database.appUrl))
  fragile = world.replica({ via: (url) => viaPort(url, proxy.port) })
})
afterEach(async () => {
  await world.close()
  await proxy.close()
})

const lifeMs = 60_000
const hourMs = 3_600_000
const keepsAnswer = /refresh_journal"? SET .*answer_sealed/
const projects = /grant_tokens"? SET .*refresh_token_sealed/
type GrantId = Parameters<VaultWorld['stateOf']>[0]
const ask = (grantId: GrantId) => fragile.vault.accessToken(world.scope, grantId, lifeMs)

/** Everything in memory that a first refresh would load is there, as in a process that has run a while. */
async function warmUp(): Promise<void> {
  const { grantId } = await world.seedGrant()
  await ask(grantId)
}

test('F6 G5 the connection is cut as the answer is being kept: it is kept all the same', async () => {
  await warmUp()
  const { grantId, family } = await world.seedGrant()
  const stop = proxy.stopAt({ seen: keepsAnswer, hold: 'request' })
  const call = ask(grantId)
  await stop.reached
  stop.cut()
  expect(await tally([call])).toEqual({ token: 1 })
  expect(family.redemptions).toBe(1)
  expect(world.server.books.isAlive(String(await world.refreshTokenOf(grantId)))).toBe(true)
})

test('F6 G5 the commit of the kept answer is lost on the way back: nothing is lost', async () => {
  await warmUp()
  const { grantId, family } = await world.seedGrant()
  const stop = proxy.stopAt({ seen: keepsAnswer, hold: 'commit' })
  const call = ask(grantId)
  await stop.reached
  stop.cut()
  expect(await tally([call])).toEqual({ token: 1 })
  expect(family.redemptions).toBe(1)
})

test.each(['request', 'commit'] as const)(
  'F6 G5 the connection is cut at the %s of the projection: the grant is right afterwards',
  async (hold) => {
    await warmUp()
    const { grantId, family, refreshToken } = await world.seedGrant()
    const stop = proxy.stopAt({ seen: projects, hold })
    const call = ask(grantId)
    await stop.reached
    stop.cut()
    await failureOf(call)
    await world.expireLease(grantId)
    world.clock.advance(1_500)
    expect(await codeOf(ask(grantId))).toBe('no error')
    expect(world.server.books.presented(refreshToken)).toBe(1)
    expect(family.isRevoked).toBe(false)
    expect(world.server.books.isAlive(String(await world.refreshTokenOf(grantId)))).toBe(true)
  }
)

test('F6 G5 the database goes away after the provider answered, for seconds: the answer is kept', async () => {
  await warmUp()
  const { grantId, family } = await world.seedGrant()
  const held = Promise.withResolvers<void>()
  world.server.next({ holdAfter: held.promise })
  const before = world.server.requests.length
  const call = fragile.vault.accessToken(world.scope, grantId, lifeMs, { waitMs: 60_000 })
  await world.server.arrived(before + 1)
  proxy.mode = { kind: 'refuse' }
  const refused = proxy.accepted
  held.resolve()
  await expect.poll(() => proxy.accepted, { timeout: 15_000 }).toBeGreaterThan(refused + 2)
  proxy.mode = { kind: 'pass' }
  expect(await tally([call])).toEqual({ token: 1 })
  expect(family.redemptions).toBe(1)
  expect(world.server.books.isAlive(String(await world.refreshTokenOf(grantId)))).toBe(true)
})

test('F6 G5 it stays away for longer than the lease: the spent token is never sent again', async () => {
  await world.sql('UPDATE app_connections SET has_single_use_refresh_tokens = true')
  await warmUp()
  const { grantId, family, refreshToken } = await world.seedGrant()
  const held = Promise.withResolvers<void>()
  world.server.next({ holdAfter: held.promise })
  const before = world.server.requests.length
  const call = failureOf(
    fragile.vault.accessToken(world.scope, grantId, lifeMs, { waitMs: 60_000 })
  )
  await world.server.arrived(before + 1)
  proxy.mode = { kind: 'refuse' }
  held.resolve()
  const refused = proxy.accepted
  await expect.poll(() => proxy.accepted, { timeout: 15_000 }).toBeGreaterThan(refused)
  world.clock.advance(hourMs)
  expect((await call)?.code).toBe('overloaded')
  proxy.mode = { kind: 'pass' }
  await world.expireLease(grantId)
  const end = await failureOf(ask(grantId))
  // Kept in memory and stored after all, or known to be lost: never a replay.
  expect(end === null || end.code === 'sign_in_needed').toBe(true)
  if (end !== null) {
    expect(await world.stateOf(grantId)).toMatchObject({ cause: 'rotation_lost' })
  }
  expect(world.server.books.presented(refreshToken)).toBe(1)
  expect(family.isRevoked).toBe(false)
})

test('F7 F47 H5 a read-only database, such as a standby, refuses the refresh before the provider is called', async () => {
  const { grantId, refreshToken } = await world.seedGrant()
  const [row] = await world.sql<{ name: string }>('SELECT current_database() AS name')
  const setReadOnly = (value: 'on' | 'off') =>
    world.sql(`ALTER DATABASE ${row?.name} SET default_transaction_read_only = ${value}`)
  await setReadOnly('on')
  const late = world.replica()
  const outcome = await failureOf(late.vault.accessToken(world.scope, grantId, lifeMs))
  expect(outcome).toMatchObject({ code: 'overloaded', status: 503 })
  expect(world.server.requests).toHaveLength(0)
  await setReadOnly('off')
  const back = world.replica()
  expect(await codeOf(back.vault.accessToken(world.scope, grantId, lifeMs))).toBe('no error')
  expect(world.server.books.presented(refreshToken)).toBe(1)
})

test('F7 H5 an unreachable database refuses the refresh before the provider is called', async () => {
  const { grantId } = await world.seedGrant()
  proxy.mode = { kind: 'refuse' }
  for (let call = 0; call < 5; call += 1) {
    expect(await codeOf(ask(grantId))).toBe('overloaded')
  }
  expect(world.server.requests).toHaveLength(0)
  proxy.mode = { kind: 'pass' }
  world.clock.advance(1_500)
  expect(await codeOf(ask(grantId))).toBe('no error')
})

test('F7 the database goes away as the claim is being made: nothing is spent', async () => {
  await warmUp()
  const { grantId, refreshToken } = await world.seedGrant()
  const stop = proxy.stopAt({ seen: /INSERT INTO .*refresh_journal/, hold: 'request' })
  const call = ask(grantId)
  await stop.reached
  stop.cut()
  expect(await tally([call])).toEqual({ overloaded: 1 })
  expect(world.server.books.presented(refreshToken)).toBe(0)
  world.clock.advance(1_500)
  expect(await codeOf(ask(grantId))).toBe('no error')
})

test('F7 F8 the commit of the claim is lost on the way back: no doubt about the token remains', async () => {
  await world.sql('UPDATE app_connections SET has_single_use_refresh_tokens = true')
  await warmUp()
  const { grantId, refreshToken } = await world.seedGrant()
  const stop = proxy.stopAt({ seen: /INSERT INTO .*refresh_journal/, hold: 'commit' })
  const call = ask(grantId)
  await stop.reached
  proxy.mode = { kind: 'refuse' }
  const refused = proxy.accepted
  await expect.poll(() => proxy.accepted, { timeout: 15_000 }).toBeGreaterThan(refused + 1)
  proxy.mode = { kind: 'pass' }
  expect(await tally([call])).toEqual({ overloaded: 1 })
  expect(world.server.books.presented(refreshToken)).toBe(0)
  expect(await world.stateOf(grantId)).toMatchObject({ claim_owner: null, state: 'active' })
  expect(await codeOf(ask(grantId))).toBe('no error')
})

test('F12 other writes on the grant while it is refreshed leave the tokens alone', async () => {
  const { grantId, family } = await world.seedGrant()
  const held = Promise.withResolvers<void>()
  world.server.always({ holdAfter: held.promise })
  const call = ask(grantId)
  await world.server.arrived(1)
  for (let write = 0; write < 20; write += 1) {
    await world.sql(
      `UPDATE grants SET workspace_user_name = $2, failures = failures + 1, cause = 'noise'
        WHERE id = $1`,
      [grantId, `name-${write}`]
    )
  }
  held.resolve()
  expect(await tally([call])).toEqual({ token: 1 })
  expect(world.server.books.isAlive(String(await world.refreshTokenOf(grantId)))).toBe(true)
  const [row] = await world.sql(
    'SELECT workspace_user_name AS name, state FROM grants WHERE id = $1',
    [grantId]
  )
  expect(row).toEqual({ name: 'name-19', state: 'active' })
  expect(family.redemptions).toBe(1)
})

test('F36 G3 a slow refresh holds no database connection while it waits', async () => {
  const narrow = world.replica({ poolMax: 1 })
  const { grantId } = await world.seedGrant()
  const { grantId: other, accessToken } = await world.seedGrant({ lifeMs: hourMs })
  const held = Promise.withResolvers<void>()
  world.server.next({ holdAfter: held.promise })
  const slow = narrow.vault.accessToken(world.scope, grantId, lifeMs)
  await world.server.arrived(1)
  const quick = await narrow.vault.accessToken(world.scope, other, lifeMs)
  expect(quick.token.reveal()).toBe(accessToken)
  held.resolve()
  expect(await tally([slow])).toEqual({ token: 1 })
})
