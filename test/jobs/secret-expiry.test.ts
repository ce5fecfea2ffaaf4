import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { newId } from '../../src/base/ids.ts'
import { secretExpiry } from '../../src/jobs/secret-expiry.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
  world.clock.freeze()
})
afterEach(() => world.close())

const dayMs = 24 * 60 * 60_000
const inDays = (days: number) => new Date(world.clock.now().getTime() + days * dayMs)
const told = async () =>
  (
    await world.sql<{ object_kind: string; object_id: string; details: { daysLeft: number } }>(
      `SELECT object_kind, object_id, fabric_id, details FROM audit_events
        WHERE action = 'secret.expiring' ORDER BY seq`
    )
  ).map(({ object_kind, object_id, details }) => [object_kind, object_id, details.daysLeft])

async function turns(replicas = 3): Promise<void> {
  const { db } = world.own
  const audit = createAudit(db, world.clock)
  const jobs = Array.from({ length: replicas }, () => secretExpiry(db, audit, world.clock))
  await Promise.all(jobs.map((job) => job.run()))
}

test('a secret is told of once at each threshold, by whichever replica looks', async () => {
  const [secret] = await world.sql<{ id: string }>(
    'UPDATE client_secrets SET expires_at = $1 RETURNING id',
    [inDays(31)]
  )
  const secretId = secret?.id ?? ''
  await turns()
  expect(await told()).toEqual([])
  const expected: [string, string, number][] = []
  for (const [waitDays, daysLeft] of [
    [2, 30],
    [20, null],
    [3, 7],
    [5, 1],
    [2, 0],
    [30, null]
  ] as const) {
    world.clock.advance(waitDays * dayMs)
    await turns()
    await turns(1)
    if (daysLeft !== null) expected.push(['client_secret', secretId, daysLeft])
    expect(await told()).toEqual(expected)
  }
})

test('a new secret that ends soon is told of at once, and only what is in use', async () => {
  const { tenantId } = world.seeded
  const previous = await world.seedClientSecret('canary-previous', 'previous')
  const accountId = newId('serviceAccount', world.clock)
  const [good, revoked] = [newId('key', world.clock), newId('key', world.clock)]
  const token = newId('scimToken', world.clock)
  await world.sql(
    `INSERT INTO service_accounts (id, tenant_id, name, created_at) VALUES ($1, $2, 'bot', now())`,
    [accountId, tenantId]
  )
  for (const [id, revokedAt] of [
    [good, null],
    [revoked, world.clock.now()]
  ]) {
    await world.sql(
      `INSERT INTO service_keys (id, tenant_id, service_account_id, name, hash, hint, created_at, expires_at, revoked_at)
       VALUES ($1, $2, $3, $1, $1, '…', now(), $4, $5)`,
      [id, tenantId, accountId, inDays(5), revokedAt]
    )
  }
  await world.sql(
    `INSERT INTO scim_tokens (id, tenant_id, name, hash, hint, created_at, expires_at)
     VALUES ($1, $2, 'directory', $1, '…', now(), $3)`,
    [token, tenantId, inDays(0.5)]
  )
  await world.sql('UPDATE client_secrets SET expires_at = $2 WHERE id = $1', [previous, inDays(2)])
  await turns()
  expect(await told()).toEqual([
    ['service_key', good, 7],
    ['scim_token', token, 1]
  ])
})
