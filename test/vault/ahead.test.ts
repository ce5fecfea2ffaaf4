import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { dueGrants } from '../../src/jobs/jobs.ts'
import { createRefreshAhead } from '../../src/jobs/refresh-ahead.ts'
import { refusals } from '../support/hostile-authorization-server.ts'
import { createVaultWorld, type Replica, type VaultWorld } from '../support/vault-world.ts'

let world: VaultWorld

beforeEach(async () => {
  world = await createVaultWorld()
})
afterEach(() => world.close())

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs

/** Due now, and used `ago` milliseconds before. */
async function plan(grantId: string, usedAgoMs: number): Promise<void> {
  const now = world.clock.now()
  const used = new Date(now.getTime() - usedAgoMs)
  await world.sql(
    `INSERT INTO refresh_schedule SELECT tenant_id, id, workspace_origin, $2, $3 FROM grants WHERE id = $1`,
    [grantId, now, used]
  )
  await world.sql(
    `INSERT INTO refresh_turns VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET due_at = $2`,
    [world.scope.tenantId, now]
  )
}
const dueAt = async (grantId: string) =>
  (
    await world.sql<{ due_at: Date | null }>(
      'SELECT due_at FROM refresh_schedule WHERE grant_id = $1',
      [grantId]
    )
  )[0]?.due_at?.getTime() ?? null
const schedulerOf = ({ db, vault, clock }: Replica) =>
  createRefreshAhead(dueGrants(db, clock, vault), { clock, jitter: () => 0.5 })

describe('a look at a grant that is due', () => {
  test('renews the token of one in use, which comes due again before its end', async () => {
    const { grantId, family } = await world.seedGrant({ lifeMs: 4 * minuteMs })
    await plan(grantId, 10 * minuteMs)
    expect(await world.own.vault.renewAhead(world.scope, grantId)).toBe('renewed')
    expect(family.redemptions).toBe(1)
    const leftMs = ((await dueAt(grantId)) ?? 0) - world.clock.now().getTime()
    expect(leftMs).toBeGreaterThanOrEqual(30 * minuteMs)
    expect(leftMs).toBeLessThanOrEqual(55 * minuteMs)
  })

  test('puts off one that nobody uses until its sign-in would run out, and lets it go after 30 days', async () => {
    const { grantId, family } = await world.seedGrant({ lifeMs: 4 * minuteMs })
    const issuedAt = world.clock.now()
    await world.sql('UPDATE grants SET signed_in_at = $2 WHERE id = $1', [grantId, issuedAt])
    await world.sql('UPDATE grant_tokens SET refresh_issued_at = $2 WHERE grant_id = $1', [
      grantId,
      issuedAt
    ])
    await plan(grantId, dayMs)
    expect(await world.own.vault.renewAhead(world.scope, grantId)).toBe('put_off')
    expect(await dueAt(grantId)).toBeGreaterThan(world.clock.now().getTime())
    world.clock.advance(5.5 * dayMs)
    expect(await world.own.vault.renewAhead(world.scope, grantId)).toBe('renewed')
    expect(family.redemptions).toBe(1)
    world.clock.advance(30 * dayMs)
    expect(await world.own.vault.renewAhead(world.scope, grantId)).toBe('put_off')
    expect(await dueAt(grantId)).toBeNull()
    expect(family.redemptions).toBe(1)
  })

  test('G7 of a provider that is away disconnects nobody, and comes again', async () => {
    const { grantId } = await world.seedGrant({ lifeMs: 4 * minuteMs })
    await plan(grantId, 0)
    world.server.always({ instead: refusals.unavailable() })
    expect(await world.own.vault.renewAhead(world.scope, grantId)).toBe('provider_away')
    expect(await world.stateOf(grantId)).toMatchObject({ state: 'degraded' })
    expect(await dueAt(grantId)).toBeGreaterThan(world.clock.now().getTime())
    world.server.reset()
    world.clock.advance(minuteMs)
    expect(await world.own.vault.renewAhead(world.scope, grantId)).toBe('renewed')
  })

  test('G12 of one whose sign-in has ended, or which does not open, stops no other', async () => {
    const broken = await world.seedGrant({ lifeMs: 4 * minuteMs })
    const ended = await world.seedGrant({ lifeMs: 4 * minuteMs })
    const good = await world.seedGrant({ lifeMs: 4 * minuteMs })
    await world.sql(`UPDATE grant_tokens SET refresh_token_sealed = 'x' WHERE grant_id = $1`, [
      broken.grantId
    ])
    ended.family.isRevoked = true
    for (const { grantId } of [broken, ended, good]) await plan(grantId, 0)
    const ahead = schedulerOf(world.own)
    for (let turn = 0; turn < 6; turn += 1) {
      await ahead.turn()
      await expect.poll(() => ahead.status().inFlight, { timeout: 20_000 }).toBe(0)
      world.clock.advance(1_000)
    }
    expect(ahead.status().outcomes).toMatchObject({ renewed: 1, refused: 1 })
    expect(good.family.redemptions).toBe(1)
    expect(await world.stateOf(ended.grantId)).toMatchObject({ state: 'needs_sign_in' })
    expect(await dueAt(ended.grantId)).toBeNull()
  })

  test('what is handed out counts as used', async () => {
    const { grantId } = await world.seedGrant({ lifeMs: 50 * minuteMs })
    await plan(grantId, dayMs)
    await world.own.vault.accessToken(world.scope, grantId, minuteMs)
    await world.own.vault.flushUses()
    const [row] = await world.sql<{ used_at: Date }>('SELECT used_at FROM refresh_schedule')
    expect(row?.used_at.getTime()).toBeGreaterThan(world.clock.now().getTime() - minuteMs)
  })
})

test('H9 G2 several replicas share thousands of due grants, each taken once, by an index', async () => {
  const { grantId: sample } = await world.seedGrant()
  const { tenantId } = world.scope
  const now = world.clock.now()
  await world.sql(
    `INSERT INTO grants (id, tenant_id, kind, user_id, workspace_origin, app_connection_id, state, since, created_at)
     SELECT 'grt_' || n, tenant_id, kind, user_id, 'https://w' || n % 7 || '-' || n || '.test', app_connection_id,
            'active', since, created_at
       FROM grants, generate_series(1, 6000) n WHERE id = $1`,
    [sample]
  )
  await world.sql(
    `INSERT INTO refresh_schedule SELECT tenant_id, id, 'https://w' || substr(id, 5)::int % 7 || '.test',
            $1::timestamptz + (substr(id, 5)::int % 4000 - 3000) * interval '1 second', $1 FROM grants WHERE id <> $2`,
    [now, sample]
  )
  await world.sql('INSERT INTO refresh_turns VALUES ($1, $2)', [tenantId, now])
  await world.sql('ANALYZE')
  const replicas = [world.own, world.replica(), world.replica()]
  const wish = { limit: 8, perHost: 8, exceptOrigins: ['https://w3.test'] }
  const taken: string[] = []
  for (let round = 0; round < 30; round += 1) {
    const portions = await Promise.all(
      replicas.map(({ vault }) => vault.takeDue(world.scope, wish))
    )
    for (const { grantId, workspaceOrigin, dueAt: at } of portions.flat()) {
      expect(workspaceOrigin).not.toBe('https://w3.test')
      expect(at.getTime()).toBeLessThanOrEqual(now.getTime())
      taken.push(grantId)
    }
  }
  expect(taken.length).toBeGreaterThanOrEqual(30 * 8)
  expect(new Set(taken).size).toBe(taken.length)

  const app = new pg.Client({ connectionString: world.database.appUrl })
  await app.connect()
  await app.query(`SELECT set_config('weft.tenant', $1, false)`, [tenantId])
  const planOf = async (sql: string) => {
    const { rows } = await app.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  }
  const first = await planOf(
    `SELECT h.origin, one.due_at FROM weft_refresh_hosts() h CROSS JOIN LATERAL (
       SELECT grant_id, due_at FROM refresh_schedule WHERE tenant_id = '${tenantId}'
          AND workspace_origin = h.origin AND due_at <= now() ORDER BY due_at LIMIT 8) one`
  )
  expect(first).toContain('refresh_schedule_due_idx')
  expect(first).not.toMatch(/Seq Scan on refresh_schedule/)
  const step = await planOf(
    `SELECT workspace_origin FROM refresh_schedule WHERE tenant_id = weft_tenant() AND due_at IS NOT NULL
        AND workspace_origin > 'https://w2.test' ORDER BY workspace_origin LIMIT 1`
  )
  expect(step).toContain('refresh_schedule_due_idx')
  await app.end()
})
