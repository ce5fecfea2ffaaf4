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

test('a refresh that the provider is away for goes there 15 times, and less often from the second time on', async () => {
  const { grantId } = await world.seedGrant()
  world.server.always({ instead: refusals.unavailable() })
  const fail = async () => expect(await ask(grantId)).toBe('upstream_unavailable')
  expect(await costOf(fail)).toEqual({ roundTrips: 15, statements: 17 })
  world.clock.advance(60_000)
  expect(await costOf(fail)).toEqual({ roundTrips: 13, statements: 15 })
})
