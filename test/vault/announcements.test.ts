import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import { codeOf, createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
  world.clock.freeze()
})
afterEach(() => world.close())

const hourMs = 3_600_000
const told = () =>
  world.sql(
    `SELECT action, outcome, code, object_id, fabric_id, on_behalf_of, details FROM audit_events
      WHERE action ~ '^(connection|service_principal)\\.(needs_sign_in|recovered|refused)$' ORDER BY seq`
  )
const names = async () => (await told()).map(({ action }) => action)

describe('a person’s connection', () => {
  test('that needs a new sign-in is told of once, with its cause, and once when it is well again', async () => {
    const fabricId = await world.seedFabric()
    const { grantId, userId } = await world.seedGrant()
    const ask = () => world.own.vault.accessToken(world.scope, grantId, 60_000)
    world.server.always({ instead: refusals.deadRefreshToken(400) })
    for (let times = 0; times < 3; times += 1) expect(await codeOf(ask())).toBe('sign_in_needed')
    const workspace = world.server.origin
    const about = { object_id: grantId, fabric_id: null, on_behalf_of: userId }
    const details = { workspace, appConnectionId: world.appConnectionId, fabricIds: [fabricId] }
    const needsSignIn = {
      ...about,
      action: 'connection.needs_sign_in',
      outcome: 'failed',
      code: 'sign_in_needed',
      details: { ...details, cause: 'refresh_token_refused' }
    }
    expect(await told()).toMatchObject([needsSignIn])

    const key = { userId, workspaceOrigin: workspace, appConnectionId: world.appConnectionId }
    const now = world.clock.now()
    await world.own.vault.keepSignIn(world.scope, key, {
      tokens: {
        accessToken: new Secret('canary-anew'),
        accessIssuedAt: now,
        accessExpiresAt: new Date(now.getTime() + hourMs),
        refreshToken: null,
        scope: null
      },
      workspaceUser: { userName: 'ann', id: '1' },
      maySwitchUser: true,
      event: { action: 'sign_in_attempt.finish' }
    })
    const recovered = { ...about, action: 'connection.recovered', outcome: 'succeeded', details }
    expect(await told()).toMatchObject([needsSignIn, recovered])
  })

  test('that is away with its provider for a while is not told of', async () => {
    const { grantId } = await world.seedGrant()
    const ask = () => world.own.vault.accessToken(world.scope, grantId, 60_000)
    world.server.next({ instead: refusals.unavailable() })
    expect(await codeOf(ask())).toBe('upstream_unavailable')
    world.clock.advance(hourMs)
    expect(await codeOf(ask())).toBe('no error')
    expect(await told()).toEqual([])
  })
})

test('a refused service principal is told of once, however often it is tried and whatever lies between', async () => {
  const principal = { clientId: randomUUID(), clientSecret: `canary-sp-${randomUUID()}` }
  world.server.clients.set(principal.clientId, new Set(['another-secret']))
  const fabricId = await world.seedFabric(principal)
  const { origin } = world.server
  const grantId = await world.own.vault.openServicePrincipalGrant(world.scope, fabricId, origin)
  const ask = () => world.own.vault.accessToken(world.scope, grantId, 60_000)
  for (let times = 0; times < 3; times += 1) {
    expect(await codeOf(ask())).toBe('service_principal_refused')
    world.clock.advance(hourMs)
  }
  world.server.next({ instead: refusals.unavailable() })
  expect(await codeOf(ask())).toBe('upstream_unavailable')
  world.clock.advance(hourMs)
  expect(await codeOf(ask())).toBe('service_principal_refused')
  expect(await told()).toMatchObject([
    {
      action: 'service_principal.refused',
      outcome: 'failed',
      code: 'service_principal_refused',
      object_id: grantId,
      fabric_id: fabricId,
      on_behalf_of: null,
      details: { workspace: origin, cause: 'service_principal_refused' }
    }
  ])
  world.clock.advance(hourMs)
  world.server.clients.set(principal.clientId, new Set([principal.clientSecret]))
  expect(await codeOf(ask())).toBe('no error')
  expect(await names()).toEqual(['service_principal.refused', 'connection.recovered'])
})
