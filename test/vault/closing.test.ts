import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeOf, createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

test('H4 a process that closes does not wait for a claim that another holds', async () => {
  const { vault } = world.own
  const { grantId } = await world.seedGrant()
  const held = `UPDATE grant_tokens SET claim_owner = 'another', claim_expires_at = now() + interval '1 hour'`
  await world.sql(`${held} WHERE grant_id = $1`, [grantId])
  const asked = codeOf(vault.accessToken(world.scope, grantId, 60_000, { waitMs: 3_600_000 }))
  await vault.close()
  expect(await asked).toBe('shutting_down')
  const [row] = await world.sql<{ owner: string }>(
    'SELECT claim_owner AS owner FROM grant_tokens WHERE grant_id = $1',
    [grantId]
  )
  expect(row?.owner, 'what is another’s stays another’s').toBe('another')
})
