import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from '../../src/base/secret.ts'
import { createDb } from '../../src/store/db.ts'
import { createStoreWorld, query, type StoreWorld, scopeOf } from './world.ts'

let world: StoreWorld
let app: pg.Client
beforeAll(async () => {
  world = await createStoreWorld()
  await world.seed('ten_a')
  app = new pg.Client({ connectionString: world.database.appUrl })
  await app.connect()
  await app.query(`SELECT set_config('weft.tenant', 'ten_a', false)`)
})
afterAll(async () => {
  await app.end()
  await world.close()
})

describe('I6 the app role and the audit trail', () => {
  test.each([
    `UPDATE audit_events SET action = 'x'`,
    'UPDATE audit_events SET hash = hash',
    'DELETE FROM audit_events',
    'TRUNCATE audit_events',
    'TRUNCATE tenants CASCADE',
    'TRUNCATE teams CASCADE',
    'INSERT INTO audit_events SELECT * FROM audit_events ON CONFLICT (id) DO UPDATE SET hash = $$x$$',
    'MERGE INTO audit_events a USING tenants t ON a.tenant_id = t.id WHEN MATCHED THEN DELETE',
    'SELECT FROM audit_events FOR UPDATE',
    `COPY audit_events FROM PROGRAM 'true'`,
    `COPY audit_events TO '/tmp/audit'`,
    'WITH gone AS (DELETE FROM audit_events RETURNING 1) SELECT count(*) FROM gone',
    'UPDATE ONLY audit_events SET seq = seq + 1',
    'ALTER TABLE audit_events RENAME TO earlier',
    'ALTER TABLE audit_events DISABLE TRIGGER ALL',
    'CREATE TABLE audit_part PARTITION OF audit_events DEFAULT',
    'CREATE RULE forget AS ON INSERT TO audit_events DO INSTEAD NOTHING',
    'CREATE POLICY all_of_it ON audit_events USING (true)',
    'DROP TABLE audit_events CASCADE',
    'UPDATE tenants SET id = $$ten_b$$',
    'UPDATE retired_signing_keys SET public_jwk = $$x$$',
    'DELETE FROM retired_signing_keys',
    'TRUNCATE retired_signing_keys',
    'DELETE FROM tenants',
    'SELECT weft_erase_rows(1)',
    `SELECT weft_forget_person('users.id.ten_a')`,
    'INSERT INTO tenant_erasures SELECT * FROM tenant_erasures',
    `UPDATE tenant_erasures SET row_counts = '{}'`,
    'DELETE FROM tenant_erasures'
  ])('%s is refused', async (sql) => {
    await expect(app.query(sql)).rejects.toMatchObject({ code: '42501' })
  })

  test('what happened stays, also when the tenant’s other rows go', async () => {
    await app.query('BEGIN')
    await app.query('DELETE FROM fabrics')
    await app.query('DELETE FROM grants')
    expect((await app.query('SELECT FROM audit_events')).rowCount).toBe(1)
    await app.query('ROLLBACK')
  })
})

describe('I6 no function that the app role may call changes the trail', () => {
  test('each is harmless, or serves the erasure of the transaction’s own tenant', async () => {
    const { rows } = await app.query<{ name: string; body: string }>(
      `SELECT p.proname AS name, p.prosrc AS body FROM pg_proc p
        WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
          AND has_function_privilege(p.oid, 'EXECUTE')`
    )
    const touching = rows.filter(({ body }) => body.includes('audit_events'))
    expect(touching.map(({ name }) => name)).toEqual(['weft_erase_rows'])
    expect(rows.map(({ name }) => name).toSorted()).toEqual([
      'weft_begin_erasure',
      'weft_erase_rows',
      'weft_note_revocations'
    ])
  })
})

describe('I6 the app role and the records of calls', () => {
  test.each(['UPDATE call_records SET status = 200', 'TRUNCATE call_records'])(
    '%s is refused',
    async (sql) => {
      await expect(app.query(sql)).rejects.toMatchObject({ code: '42501' })
    }
  )

  test('what is younger than a day cannot be deleted, what is older can', async () => {
    const count = async () => (await app.query('DELETE FROM call_records')).rowCount
    const age = (ago: string) =>
      world.keeper.query(`UPDATE call_records SET at = now() - interval '${ago}'`)
    await age('23 hours')
    expect(await count()).toBe(0)
    await age('25 hours')
    expect(await count()).toBe(1)
  })
})

describe('D7 the app role and the schema', () => {
  test.each([
    'CREATE TABLE notes (id text)',
    'CREATE TEMP VIEW v AS SELECT 1; DROP TABLE teams',
    'ALTER TABLE teams DISABLE ROW LEVEL SECURITY',
    'ALTER TABLE teams NO FORCE ROW LEVEL SECURITY',
    'DROP POLICY teams_tenant ON teams',
    'CREATE OR REPLACE FUNCTION weft_tenant() RETURNS text LANGUAGE sql AS $$ SELECT $x$ten_b$x$ $$',
    'DELETE FROM users',
    'DELETE FROM platform_operators',
    `UPDATE _prisma_migrations SET finished_at = NULL`,
    'CREATE ROLE more LOGIN',
    `SET ROLE postgres`
  ])('%s is refused', async (sql) => {
    await expect(app.query(sql)).rejects.toMatchObject({ code: '42501' })
  })

  test('switching row security off gives an error and no rows', async () => {
    await app.query('SET row_security = off')
    await expect(app.query('SELECT FROM teams')).rejects.toMatchObject({ code: '42501' })
    await app.query('RESET row_security')
  })

  test('a role that must not run Weft is told why; the app role has no fault', async () => {
    const faultsOf = async (url: string) => {
      const db = createDb({ url: new Secret(url) })
      return await db.roleFaults().finally(() => db.close())
    }
    expect(await faultsOf(world.database.appUrl)).toEqual([])
    expect(await faultsOf(world.database.ownerUrl)).toEqual(
      expect.arrayContaining(['owns tables', 'may create roles'])
    )
    expect(await faultsOf(world.database.superuserUrl)).toEqual(
      expect.arrayContaining(['is a superuser', 'may bypass row-level security'])
    )
  })

  test('a tenant’s own transaction may not touch the trail either', async () => {
    const work = world.db.inTenant(scopeOf('ten_a'), (tx) =>
      query(tx, `UPDATE audit_events SET action = 'x'`)
    )
    await expect(work).rejects.toMatchObject({ code: 'internal', note: 'database: 42501' })
  })
})
