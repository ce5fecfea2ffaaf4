import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { GrantId } from '../../src/base/ids.ts'
import { type Behaviour, refusals } from '../support/hostile-authorization-server.ts'
import { codeOf, createVaultWorld, type Replica, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const ask = (grantId: GrantId, replica: Replica = world.own) =>
  codeOf(replica.vault.accessToken(world.scope, grantId, 60_000))

/** The outcomes that happened, of both identities. */
function outcomes({ vault }: Replica = world.own) {
  return [...vault.measures().refreshes].flatMap(([identity, { outcomes: counts }]) =>
    counts
      .all()
      .flatMap(([outcome, count]) => (count > 0 ? [`${identity} ${outcome} ${count}`] : []))
  )
}

const behaviours: [outcome: string, behaviour: Behaviour][] = [
  ['renewed', {}],
  ['needs_sign_in', { instead: refusals.deadRefreshToken(400) }],
  ['misconfigured', { instead: refusals.invalidClient() }],
  ['provider_unavailable', { instead: refusals.unavailable() }],
  ['provider_unavailable', { instead: refusals.throttled(30) }],
  ['lost_answer', { cut: 'before_answer' }]
]

test.each(behaviours)(
  'a person’s refresh that ends as %s is counted so, once',
  async (outcome, behaviour) => {
    const { grantId } = await world.seedGrant()
    world.server.always(behaviour)
    await Promise.all([ask(grantId), ask(grantId), ask(grantId)])
    expect(outcomes()).toEqual([`user ${outcome} 1`])
    expect(world.own.vault.measures().refreshes.get('user')?.took.cumulative().at(-1)).toBe(1)
    expect(world.own.vault.measures().refreshing).toBe(0)
  }
)

test('what a service principal asks for is told apart, and an answer that was lost loses it nothing', async () => {
  const principal = { clientId: randomUUID(), clientSecret: `canary-sp-${randomUUID()}` }
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  const fabricId = await world.seedFabric(principal)
  const { origin } = world.server
  const grantId = await world.own.vault.openServicePrincipalGrant(world.scope, fabricId, origin)
  world.server.always({ cut: 'before_answer' })
  await ask(grantId)
  expect(outcomes()).toEqual(['service_principal provider_unavailable 1'])
  world.server.reset()
  world.clock.advance(60_000)
  expect(await ask(grantId)).toBe('no error')
  expect(outcomes()).toContain('service_principal renewed 1')
})

test('a lost answer that turns out to have been the last one stays told as lost', async () => {
  const { grantId } = await world.seedGrant()
  world.server.always({ cut: 'before_answer' })
  await ask(grantId)
  world.server.reset()
  world.clock.advance(60_000)
  expect(await ask(grantId)).toBe('sign_in_needed')
  expect(outcomes()).toEqual(['user lost_answer 2'])
})

test('a refresh that somebody else owns is counted where it is owned', async () => {
  const { grantId } = await world.seedGrant()
  const other = world.replica()
  await Promise.all([ask(grantId), ask(grantId, other)])
  expect([...outcomes(), ...outcomes(other)]).toEqual(['user renewed 1'])
})

test('a metadata outage is the provider’s, a workspace host that is not allowed an admin’s', async () => {
  const { grantId } = await world.seedGrant()
  world.server.metadataStatus = 503
  await ask(grantId)
  expect(outcomes()).toEqual(['user provider_unavailable 1'])
})

test('the memory of tokens tells hits, misses and what it holds', async () => {
  const { grantId } = await world.seedGrant({ lifeMs: 3_000_000 })
  for (let n = 0; n < 5; n += 1) await ask(grantId)
  expect(world.own.vault.measures().held).toMatchObject({ hits: 4, misses: 1, entries: 1 })
})
