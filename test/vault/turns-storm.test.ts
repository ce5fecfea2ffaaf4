import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Behaviour, refusals } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  type SeededGrant,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld
beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const atOnce = 16
const behaviours: readonly Behaviour[] = [
  {},
  { cut: 'before_answer' },
  { cut: 'mid_answer' },
  { instead: 'drop' },
  { instead: refusals.unavailable() },
  { instead: refusals.throttled(1) },
  { instead: refusals.deadRefreshToken(400) },
  { instead: refusals.invalidClient() },
  { instead: refusals.page() }
]
const seed = (count: number) => Promise.all(Array.from({ length: count }, () => world.seedGrant()))

test('H9 however refreshes end, each gives its turn back: after a storm of failures as many run at once as before', async () => {
  const [one, other] = [world.own, world.replica()]
  const ask = ({ grantId }: SeededGrant, replica = one) =>
    codeOf(replica.vault.accessToken(world.scope, grantId, 60_000))
  const ends: string[] = []
  for (let round = 0; round < 4; round += 1) {
    const grants = await seed(48)
    for (const [at] of grants.entries()) {
      world.server.next(behaviours[(at + round) % behaviours.length] ?? {})
    }
    // Both replicas want each of them, and every fifth is forgotten meanwhile.
    const all = grants.flatMap((grant, at) => [
      ask(grant),
      ask(grant, other),
      ...(at % 5 === 0
        ? [
            one.vault
              .forget(world.scope, grant.grantId, { action: 'connection.delete' })
              .then(String)
          ]
        : [])
    ])
    ends.push(...(await Promise.all(all)))
    await Promise.all([one.vault.settle(), other.vault.settle()])
    // The app connection that was refused is asked with anew.
    await world.sql(
      'UPDATE app_connections SET fault_code = NULL, fault_next_try_at = NULL, fault_count = 0'
    )
  }
  expect(new Set(ends).size).toBeGreaterThan(3)
  expect(ends).not.toContain('internal')

  world.server.reset()
  for (const replica of [one, other]) {
    const grants = await seed(atOnce + 1)
    const gate = Promise.withResolvers<void>()
    world.server.always({ holdBefore: gate.promise })
    const before = world.server.requests.length
    const asked = grants.map((grant) => ask(grant, replica))
    await world.server.arrived(before + atOnce)
    expect(world.server.requests).toHaveLength(before + atOnce)
    gate.resolve()
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['no error']))
    world.server.reset()
  }
}, 120_000)
