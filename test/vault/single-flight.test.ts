import { readdir, readFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createVaultWorld, tally, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const lifeMs = 60_000
const many = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: count }, (_, index) => make(index))

describe('one process', () => {
  test('G1 500 calls at expiry cost one redemption, and every call gets its token', async () => {
    const { vault } = world.own
    const { grantId, family, refreshToken } = await world.seedGrant()
    const calls = many(500, () => vault.accessToken(world.scope, grantId, lifeMs))
    expect(await tally(calls)).toEqual({ token: 500 })
    expect(family.redemptions).toBe(1)
    expect(family.isRevoked).toBe(false)
    expect(world.server.books.presented(refreshToken)).toBe(1)
    const kept = await world.refreshTokenOf(grantId)
    expect(world.server.books.isAlive(String(kept))).toBe(true)
  })

  test('F23 what 500 waiters cost does not grow with the time that they wait', async () => {
    const { vault } = world.own
    const { grantId } = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.always({ holdAfter: held.promise })
    const before = world.own.transactions
    const calls = many(500, () => vault.accessToken(world.scope, grantId, lifeMs))
    await world.server.arrived(1)
    const settle = () => new Promise((resolve) => setImmediate(resolve))
    for (let turn = 0; turn < 50; turn += 1) await settle()
    const whileWaiting = world.own.transactions
    for (let turn = 0; turn < 50; turn += 1) await settle()
    expect(world.own.transactions).toBe(whileWaiting)
    held.resolve()
    expect(await tally(calls)).toEqual({ token: 500 })
    // One look before, one look after, and one refresh for all.
    expect(world.own.transactions - before).toBeLessThanOrEqual(2 * 500 + 20)
    expect(world.server.requests).toHaveLength(1)
  })

  test('F26 the first waiter leaves, the refresh goes on and is kept', async () => {
    const { vault } = world.own
    const { grantId, family } = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.always({ holdAfter: held.promise })
    const first = vault.accessToken(world.scope, grantId, lifeMs, { waitMs: 0 })
    expect(await tally([first])).toEqual({ overloaded: 1 })
    await world.server.arrived(1)
    const second = vault.accessToken(world.scope, grantId, lifeMs)
    held.resolve()
    expect(await tally([second])).toEqual({ token: 1 })
    expect(family.redemptions).toBe(1)
    expect(await world.stateOf(grantId)).toMatchObject({ state: 'active', claim_owner: null })
  })
})

test('F44 a warm token costs no query at all, whoever asks', async () => {
  const { vault } = world.own
  const { grantId } = await world.seedGrant({ lifeMs: 50 * 60_000 })
  await vault.accessToken(world.scope, grantId, lifeMs)
  const before = world.own.transactions
  await Promise.all(many(200, () => vault.accessToken(world.scope, grantId, lifeMs)))
  for (let call = 0; call < 200; call += 1) await vault.accessToken(world.scope, grantId, lifeMs)
  expect(world.own.transactions - before).toBe(0)
})

test('F42 F43 no lock of a session and no LISTEN or NOTIFY anywhere in the server', async () => {
  const folder = new URL('../../src/', import.meta.url)
  const files = (await readdir(folder, { recursive: true })).filter((file) =>
    /^(?!local|ui|store\/generated).*\.ts$/.test(file)
  )
  expect(files.length).toBeGreaterThan(100)
  for (const file of files) {
    const source = await readFile(new URL(file, folder), 'utf8')
    expect(source, file).not.toMatch(/pg_(try_)?advisory_lock|\bpg_notify\b|\b(UN)?LISTEN \w/)
  }
})

describe('three replicas', () => {
  test('F1 F2 G2 200 calls on each cost one redemption, no error, and the family lives', async () => {
    const replicas = many(3, () => world.replica())
    const { grantId, family } = await world.seedGrant()
    const calls = many(600, (index) =>
      replicas[index % 3]?.vault.accessToken(world.scope, grantId, lifeMs)
    )
    expect(await tally(calls.map(async (call) => await call))).toEqual({ token: 600 })
    expect(family.redemptions).toBe(1)
    expect(family.isRevoked).toBe(false)
    const kept = await world.refreshTokenOf(grantId)
    expect(world.server.books.isAlive(String(kept))).toBe(true)
  })

  test('F2 a token refused by the workspace is replaced once, on whichever replica it was met', async () => {
    const replicas = many(3, () => world.replica())
    const { grantId, family } = await world.seedGrant({ lifeMs: 3_000_000 })
    const forced = (index: number) =>
      replicas[index % 3]?.vault.accessToken(world.scope, grantId, lifeMs, {
        rejectedGeneration: 1
      })
    const calls = many(60, async (index) => await forced(index))
    expect(await tally(calls)).toEqual({ token: 60 })
    // Late callers who still hold the refused generation get what the refresh gave.
    expect(await tally(many(6, async (index) => await forced(index)))).toEqual({ token: 6 })
    expect(family.redemptions).toBe(1)
  })

  test('F23 replicas that wait for another ask the database a bounded number of times', async () => {
    const [holder, waiter] = [world.replica(), world.replica()]
    const { grantId, family } = await world.seedGrant()
    const held = Promise.withResolvers<void>()
    world.server.always({ holdAfter: held.promise })
    const first = holder.vault.accessToken(world.scope, grantId, lifeMs)
    await world.server.arrived(1)
    const before = waiter.transactions
    const waitMs = 1_000
    const late = many(500, () => waiter.vault.accessToken(world.scope, grantId, lifeMs, { waitMs }))
    expect(await tally(late)).toEqual({ overloaded: 500 })
    // Each looks once; then one poll for all of them at a time, not one for each.
    const polls = waiter.transactions - before - 500
    expect(polls).toBeLessThan(100)
    held.resolve()
    await first
    expect(family.redemptions).toBe(1)
  })

  test('F4 G3 an expired holder neither writes nor lets go of what another has claimed', async () => {
    const [stalled, other] = [world.replica(), world.replica()]
    const { grantId, refreshToken } = await world.seedGrant()
    world.server.rules.rotate = false
    const [one, two] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    world.server.next({ holdAfter: one.promise })
    world.server.next({ holdAfter: two.promise })
    const first = stalled.vault.accessToken(world.scope, grantId, lifeMs)
    await world.server.arrived(1)
    const owner = (await world.stateOf(grantId))?.claim_owner
    await world.expireLease(grantId)
    const second = other.vault.accessToken(world.scope, grantId, lifeMs)
    await world.server.arrived(2)
    const claimed = await world.stateOf(grantId)
    expect(claimed?.claim_owner).not.toBe(owner)
    one.resolve()
    await world.server.books.presented(refreshToken)
    // The stalled one comes back, finds itself overtaken, and waits like anybody else.
    const outcome = tally([first])
    for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(await world.stateOf(grantId)).toEqual(claimed)
    two.resolve()
    expect(await tally([second])).toEqual({ token: 1 })
    expect(await outcome).toEqual({ token: 1 })
    expect(await world.stateOf(grantId)).toMatchObject({ generation: 2, claim_owner: null })
    expect(world.server.requests).toHaveLength(2)
  })
})
