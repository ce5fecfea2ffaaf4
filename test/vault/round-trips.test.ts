import { afterAll, beforeAll, expect, test } from 'vitest'
import { refusals } from '../support/hostile-authorization-server.ts'
import { trafficOf } from '../support/statements.ts'
import { codeOf, createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeAll(async () => {
  world = await createVaultWorld({ isPolling: false })
  // What a process reads once is read, and the tenant's turn is not later than what these ask for.
  const { grantId } = await world.seedGrant()
  expect(await ask(grantId)).toBe('no error')
  await world.sql('UPDATE refresh_turns SET due_at = $1', [world.clock.now()])
})
afterAll(() => world.close())

const ask = (grantId: Parameters<VaultWorld['stateOf']>[0]) =>
  codeOf(world.own.vault.accessToken(world.scope, grantId, 60_000))
const isOwn = (statement: string) => /^(BEGIN|COMMIT|SELECT set_config)/.test(statement)

async function costOf(work: () => Promise<unknown>) {
  const { statements, roundTrips } = await trafficOf(work)
  return { roundTrips, statements: statements.filter((one) => !isOwn(one)).length }
}

test('a refresh, from the reading of the grant to the handing out of its new token, goes to the database 16 times', async () => {
  const { grantId } = await world.seedGrant()
  const cost = await costOf(async () => expect(await ask(grantId)).toBe('no error'))
  expect(cost).toEqual({ roundTrips: 16, statements: 20 })
})

test('F23 200 callers at once go there as often as one does', async () => {
  const { grantId } = await world.seedGrant()
  const everybody = () => Promise.all(Array.from({ length: 200 }, () => ask(grantId)))
  const cost = await costOf(async () =>
    expect(new Set(await everybody())).toEqual(new Set(['no error']))
  )
  expect(cost).toEqual({ roundTrips: 16, statements: 20 })
})

test('F23 200 callers at another replica than the one that refreshes look for its end together', async () => {
  const { grantId, family } = await world.seedGrant()
  const held = Promise.withResolvers<void>()
  world.server.next({ holdBefore: held.promise })
  const before = world.server.requests.length
  const first = ask(grantId)
  await world.server.arrived(before + 1)
  const { vault } = world.replica({ isPolling: false })
  const thirdLook = Promise.withResolvers<void>()
  let looks = 0
  const everybody = async () => {
    const others = Array.from({ length: 200 }, () =>
      codeOf(vault.accessToken(world.scope, grantId, 60_000))
    )
    await thirdLook.promise
    held.resolve()
    expect(new Set(await Promise.all([first, ...others]))).toEqual(new Set(['no error']))
  }
  await trafficOf(everybody, (statement) => {
    looks += statement.includes('claim_owner IS NOT NULL') ? 1 : 0
    if (looks === 3) thirdLook.resolve()
  })
  expect(family.redemptions).toBe(1)
  expect(looks).toBeLessThan(200)
})

test('a refresh that the provider is away for goes there 15 times, and less often from the second time on', async () => {
  const { grantId } = await world.seedGrant()
  world.server.always({ instead: refusals.unavailable() })
  const fail = async () => expect(await ask(grantId)).toBe('upstream_unavailable')
  expect(await costOf(fail)).toEqual({ roundTrips: 15, statements: 17 })
  world.clock.advance(60_000)
  expect(await costOf(fail)).toEqual({ roundTrips: 13, statements: 15 })
})
