import { afterAll, beforeAll, expect, test } from 'vitest'
import { asId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { recoverySweep } from '../../src/jobs/jobs.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { listTenantsWithIncidents } from '../../src/store/incidents.ts'
import { listAbandonedGrants } from '../../src/store/refresh-journal.ts'
import { type StatementCounter, startStatementCounter } from '../bench/statement-counter.ts'
import { createStoreWorld, type StoreWorld, scopeOf } from '../store/world.ts'

let world: StoreWorld
let counter: StatementCounter
let db: Db
const tenants = ['ten_a', 'ten_b', 'ten_c', 'ten_d']

beforeAll(async () => {
  world = await createStoreWorld()
  for (const tenant of tenants) await world.seed(tenant)
  counter = await startStatementCounter(world.database.appUrl)
  db = createDb({ url: new Secret(counter.url) })
  await db.ping()
})
afterAll(async () => {
  await db?.close()
  await counter?.close()
  await world?.close()
})

const set = (table: string, assignment: string, ...of: string[]) =>
  world.keeper.query(`UPDATE ${table} SET ${assignment} WHERE tenant_id = ANY ($1)`, [of])
const setStatus = (status: string) =>
  world.keeper.query(`UPDATE tenants SET status = $1 WHERE id = 'ten_d'`, [status])

/** @returns whom the sweep served, after one look at all of them */
async function sweep(): Promise<string[]> {
  const served: string[] = []
  const vault = { recover: async ({ tenantId }: { tenantId: string }) => served.push(tenantId) }
  const before = counter.roundTrips.length
  await recoverySweep(db, vault).run()
  expect(counter.roundTrips.length - before).toBe(1)
  return served
}

test('F8 the sweep asks once, and serves exactly the tenants that have a refresh which nobody will finish', async () => {
  await set('refresh_journal', `outcome = 'projected'`, ...tenants)
  expect(await sweep()).toEqual([])
  await set('refresh_journal', 'outcome = NULL', 'ten_b', 'ten_c', 'ten_d')
  await set('grant_tokens', `claim_expires_at = now() + interval '1 hour'`, ...tenants)
  expect(await sweep()).toEqual([])
  await set('grant_tokens', `claim_expires_at = now() - interval '1 second'`, 'ten_a', 'ten_b')
  await set('grant_tokens', 'claim_expires_at = NULL', 'ten_d')
  expect(await sweep()).toEqual(['ten_b', 'ten_d'])
  const each = await Promise.all(
    tenants.map((tenant) => world.db.inTenant(scopeOf(tenant), listAbandonedGrants))
  )
  expect(each.map(({ length }) => length)).toEqual([0, 1, 0, 1])
  await setStatus('erasing')
  expect(await sweep()).toEqual(['ten_b'])
  await setStatus('active')
})

test('tenants have work on incidents while one is not finished, or tokens are kept for one that ended long ago', async () => {
  const before = new Date('2026-06-01T00:00:00Z')
  const found = () => listTenantsWithIncidents(world.db, before)
  await set('incident_revocations', 'finished_at = NULL', 'ten_a', 'ten_d')
  await set('incident_revocations', `finished_at = '2026-06-02T00:00:00Z'`, 'ten_b')
  await set('incident_revocations', `finished_at = '2026-05-31T00:00:00Z'`, 'ten_c')
  await set('incident_grants', `refresh_token_sealed = 'sealed'`, ...tenants)
  expect(await found()).toEqual(['ten_a', 'ten_c', 'ten_d'])
  await set('incident_grants', 'refresh_token_sealed = NULL', ...tenants)
  expect(await found()).toEqual(['ten_a', 'ten_d'])
  await setStatus('erasing')
  expect(await found()).toEqual(['ten_a'])
  await setStatus('active')
})

test('D7 what asks for all tenants shows nothing to a transaction that serves one, and serves nobody afterwards', async () => {
  await set('refresh_journal', 'outcome = NULL', ...tenants)
  await set('grant_tokens', 'claim_expires_at = NULL', ...tenants)
  const id = asId('tenant', 'ten_b')
  const asOne = await world.db.inTenant(scopeOf(id), async ({ rows }) => {
    return await rows.$queryRaw`SELECT id FROM weft_tenants_with_abandoned_refreshes()`
  })
  expect(asOne).toEqual([{ id }])
  const after = await world.db.inLookup({ key: '*' }, async ({ rows }) => {
    await rows.$queryRaw`SELECT id FROM weft_tenants_with_abandoned_refreshes()`
    return await rows.grant.count()
  })
  expect(after).toBe(0)
})
