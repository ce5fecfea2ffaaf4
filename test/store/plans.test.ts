import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seedScale } from '../bench/scale-seed.ts'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'

const size = { fabrics: 4_000, grants: 20_000, keys: 100, events: 1_000, callable: 0 }

let world: VaultWorld
let app: pg.Client

beforeAll(async () => {
  world = await createVaultWorld({ isPolling: false })
  await seedScale(world, size, 'http://127.0.0.1:9')
  app = new pg.Client({ connectionString: world.database.appUrl })
  await app.connect()
  await app.query(`SELECT set_config('weft.tenant', $1, false)`, [world.seeded.tenantId])
})

afterAll(async () => {
  await app.end()
  await world.close()
})

async function planOf(sql: string, values: readonly string[]): Promise<string> {
  const { rows } = await app.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, [...values])
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

test('a filter that few fabrics meet reads those and no others', async () => {
  const plan = await planOf(
    'SELECT * FROM fabrics WHERE tenant_id = $1 AND status = $2 ORDER BY id DESC LIMIT 51',
    [world.seeded.tenantId, 'draft']
  )
  expect(plan).toContain('fabrics_tenant_id_status_id_idx')
  expect(plan).not.toMatch(/Filter: .*status/)
})

test('who signs in by an app connection is counted from an index, and no grant is read', async () => {
  const plan = await planOf(
    `SELECT count(*)::int, count(DISTINCT user_id)::int FROM grants
      WHERE tenant_id = $1 AND app_connection_id = $2`,
    [world.seeded.tenantId, world.appConnectionId]
  )
  expect(plan).toContain('Index Only Scan using grants_tenant_id_app_connection_id_user_id_idx')
})
