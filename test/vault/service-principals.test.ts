import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { FabricId, GrantId } from '../../src/base/ids.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  failureOf,
  type Replica,
  tally,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld
let fabricId: FabricId
let grantId: GrantId
const principal = { clientId: randomUUID(), clientSecret: `canary-sp-${randomUUID()}` }

beforeEach(async () => {
  world = await createVaultWorld()
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  fabricId = await world.seedFabric(principal)
  const { origin } = world.server
  grantId = await world.own.vault.openServicePrincipalGrant(world.scope, fabricId, origin)
})
afterEach(() => world.close())

const lifeMs = 60_000
const minuteMs = 60_000
const hourMs = 60 * minuteMs
const ask = (replica: Replica = world.own) =>
  replica.vault.accessToken(world.scope, grantId, lifeMs)

test('G11 1,000 calls at expiry over three replicas cost no more token calls than replicas', async () => {
  const replicas = [world.own, world.replica(), world.replica()]
  const calls = Array.from({ length: 999 }, (_, at) => ask(replicas[at % 3]))
  expect(await tally(calls)).toEqual({ token: 999 })
  expect(world.server.requests.length).toBeLessThanOrEqual(3)
})

test('F28 G11 over hours the token is renewed, once in a lifetime, whoever asks', async () => {
  const replicas = [world.own, world.replica(), world.replica()]
  const hours = 6
  for (let minute = 0; minute < hours * 60; minute += 3) {
    for (const replica of replicas) {
      const { token } = await ask(replica)
      expect(world.server.books.holderOf(token.reveal())).toBe(principal.clientId)
    }
    await Promise.all(replicas.map(({ vault }) => vault.settle()))
    world.clock.advance(3 * minuteMs)
  }
  // Renewed at its turn from half its life on, a token serves 30 minutes at least.
  expect(world.server.requests.length).toBeGreaterThanOrEqual(hours)
  expect(world.server.requests.length).toBeLessThanOrEqual((hours * 60) / 30 + 1)
})

test('F21 G11 a bad secret is asked about with restraint, and heals when it is put right', async () => {
  world.server.clients.set(principal.clientId, new Set(['another-secret']))
  for (let second = 0; second < 3_600; second += 10) {
    const error = await failureOf(ask())
    expect(error).toMatchObject({ code: 'service_principal_refused', owner: 'team_admin' })
    world.clock.advance(10_000)
  }
  expect(world.server.requests.length).toBeLessThanOrEqual(20)
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  world.clock.advance(hourMs)
  expect(await codeOf(ask())).toBe('no error')
  expect(await world.stateOf(grantId)).toMatchObject({ state: 'active', failures: 0 })
})

test('G11 scopes that are not assigned are told as such, and asked about with restraint', async () => {
  world.server.always({ instead: refusals.scopesNotAssigned() })
  for (let second = 0; second < 600; second += 10) {
    expect(await codeOf(ask())).toBe('scope_missing')
    world.clock.advance(10_000)
  }
  expect(world.server.requests.length).toBeLessThanOrEqual(10)
})

test('G11 a service principal that is taken away takes its token with it, on every replica', async () => {
  const other = world.replica()
  expect(await tally([ask(), ask(other)])).toEqual({ token: 2 })
  await world.sql('DELETE FROM service_principals')
  await world.sql('DELETE FROM grants WHERE fabric_id = $1', [fabricId])
  // As every change through the API does in its own transaction.
  await world.sql('UPDATE tenants SET version = version + 1')
  for (const replica of [world.own, other]) await replica.noticeChanges()
  expect(await codeOf(ask())).not.toBe('no error')
  expect(await codeOf(ask(other))).not.toBe('no error')
})

test('the secret of a fabric that has moved is never sent to the host that it left', async () => {
  await world.sql('UPDATE fabrics SET workspace_origin = $2 WHERE id = $1', [
    fabricId,
    'https://adb-1.2.azuredatabricks.net'
  ])
  expect(await codeOf(ask())).toBe('service_principal_missing')
  expect(world.server.requests).toEqual([])
})

test('G7 an outage of the provider is no fault of the service principal', async () => {
  world.server.always({ instead: refusals.unavailable() })
  for (let hour = 0; hour < 24; hour += 1) {
    expect((await failureOf(ask()))?.owner).toBe('upstream')
    world.clock.advance(hourMs)
  }
  world.server.reset()
  world.clock.advance(hourMs)
  expect(await codeOf(ask())).toBe('no error')
})
