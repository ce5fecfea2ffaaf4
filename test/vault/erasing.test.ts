import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { statementsOf } from '../support/statements.ts'
import { codeOf, createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld
beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const seconds = 1_000

describe('C12 the sign-ins of a tenant that is erased', () => {
  test('C12 are revoked at the provider after their keys are gone, with what was opened before', async () => {
    const grants = [await world.seedGrant(), await world.seedGrant(), await world.seedGrant()]
    const revokeAll = await world.own.vault.prepareRevocations(world.scope, 10 * seconds)
    await world.sql('DELETE FROM data_keys')
    await world.sql('DELETE FROM grants')
    await world.sql('DELETE FROM app_connections')
    const opening = world.replica().vault.accessToken(world.scope, grants[0]?.grantId as never, 1)
    expect(await codeOf(opening)).toBe('sign_in_needed')
    expect(await revokeAll(10 * seconds)).toEqual({ revoked: 3, notRevoked: 0 })
    expect(grants.map(({ family }) => family.isRevoked)).toEqual([true, true, true])
  })

  test('G8 what the provider refuses is counted and holds nothing up', async () => {
    await world.seedGrant()
    world.server.revocationStatus = 503
    const revokeAll = await world.own.vault.prepareRevocations(world.scope, 10 * seconds)
    expect(await revokeAll(10 * seconds)).toEqual({ revoked: 0, notRevoked: 1 })
  })

  test('C12 that cannot be opened, or not in time, are counted as not revoked', async () => {
    const [grant] = [await world.seedGrant(), await world.seedGrant()]
    await world.sql(`UPDATE grant_tokens SET refresh_token_sealed = 'x' WHERE grant_id = $1`, [
      grant?.grantId
    ])
    const revokeAll = await world.own.vault.prepareRevocations(world.scope, 10 * seconds)
    expect(await revokeAll(10 * seconds)).toEqual({ revoked: 1, notRevoked: 1 })
    const late = await world.own.vault.prepareRevocations(world.scope, 0)
    expect(await late(10 * seconds)).toEqual({ revoked: 0, notRevoked: 2 })
    const slow = await world.own.vault.prepareRevocations(world.scope, 10 * seconds)
    expect(await slow(0)).toEqual({ revoked: 0, notRevoked: 2 })
  })

  test.each([1, 2, 5])('C12 are read page by page, each once, in pages of %i', async (pageSize) => {
    const grants = []
    for (let at = 0; at < 5; at += 1) grants.push(await world.seedGrant())
    const { vault } = world.own
    const statements = await statementsOf(async () => {
      const revokeAll = await vault.prepareRevocations(world.scope, 10 * seconds, { pageSize })
      expect(await revokeAll(10 * seconds)).toEqual({ revoked: 5, notRevoked: 0 })
    })
    expect(grants.map(({ family }) => family.isRevoked)).toEqual(grants.map(() => true))
    const pages = statements.filter((one) => /FROM "\w+"\."grants".* LIMIT/s.test(one))
    expect(pages).toHaveLength(Math.floor(5 / pageSize) + 1)
  })
})
