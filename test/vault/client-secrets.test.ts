import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { refusals } from '../support/hostile-authorization-server.ts'
import {
  codeOf,
  createVaultWorld,
  type SeededGrant,
  type VaultWorld
} from '../support/vault-world.ts'

let world: VaultWorld
let grant: SeededGrant
let nextSecret: string
let nextId: string
let previousId: string

/** An app connection in the middle of a change of secret. */
beforeEach(async () => {
  world = await createVaultWorld()
  grant = await world.seedGrant()
  const [row] = await world.sql<{ id: string }>(
    `UPDATE client_secrets SET state = 'previous' RETURNING id`
  )
  previousId = row?.id ?? ''
  nextSecret = `canary-cs-${randomUUID()}`
  nextId = await world.seedClientSecret(nextSecret, 'current')
})
afterEach(() => world.close())

const lifeMs = 60_000
const hourMs = 3_600_000
const ask = () => world.own.vault.accessToken(world.scope, grant.grantId, lifeMs)
const accept = (...secrets: string[]) =>
  void world.server.clients.set(world.clientId, new Set(secrets))
const presented = () => world.server.requests.map(({ clientSecret }) => clientSecret)

async function usedIds(): Promise<string[]> {
  const rows = await world.sql<{ id: string }>(
    'SELECT id FROM client_secrets WHERE last_used_at IS NOT NULL'
  )
  return rows.map(({ id }) => id)
}

test('G7 a new secret that the provider does not know yet costs nobody an error', async () => {
  accept(world.clientSecret)
  expect(await codeOf(ask())).toBe('no error')
  expect(presented()).toEqual([nextSecret, world.clientSecret])
  expect(grant.family.redemptions).toBe(1)
  expect(await usedIds()).toEqual([previousId])
})

test('G7 once the provider takes the new secret, the old one is shown no more', async () => {
  accept(world.clientSecret, nextSecret)
  expect(await codeOf(ask())).toBe('no error')
  world.clock.advance(2 * hourMs)
  expect(await codeOf(ask())).toBe('no error')
  expect(presented()).toEqual([nextSecret, nextSecret])
  expect(await usedIds()).toEqual([nextId])
})

const others = {
  throttling: refusals.throttled(1),
  'an outage': refusals.unavailable(),
  'a dead refresh token': refusals.deadRefreshToken(400),
  'missing scopes': refusals.scopesNotAssigned(),
  'a web page': refusals.page(403)
}
test.each(Object.entries(others))(
  'G7 %s is no reason to try the old secret',
  async (_n, instead) => {
    world.server.always({ instead })
    expect(await codeOf(ask())).not.toBe('no error')
    expect(presented()).toEqual([nextSecret])
  }
)

test('G7 when both are refused, it is the app connection that is at fault, and no sign-in', async () => {
  accept()
  expect(await codeOf(ask())).toBe('app_connection_refused')
  expect(presented()).toEqual([nextSecret, world.clientSecret])
  expect(await world.stateOf(grant.grantId)).toMatchObject({ state: 'misconfigured' })
  expect(await world.refreshTokenOf(grant.grantId)).toBe(grant.refreshToken)
  accept(nextSecret)
  world.clock.advance(hourMs)
  expect(await codeOf(ask())).toBe('no error')
})
