import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import {
  policyFaults,
  referenceFaults,
  roleFaults,
  tableFaults,
  tenantTables,
  tunnelFaults
} from './catalogue.ts'
import type { Fault } from './source.ts'

let database: TestDatabase
let keeper: pg.Client
let app: pg.Client
let appRole: string

beforeAll(async () => {
  database = await createTestDatabase()
  appRole = decodeURIComponent(new URL(database.appUrl).username)
  keeper = new pg.Client({ connectionString: database.superuserUrl })
  app = new pg.Client({ connectionString: database.appUrl })
  await keeper.connect()
  await app.connect()
})

afterAll(async () => {
  await app?.end()
  await keeper?.end()
  await database?.drop()
})

describe('D7 the database as the migrations leave it', () => {
  test('every table is known: a tenant’s, with its tenant_id, or the platform’s', async () => {
    expect(await tableFaults(keeper)).toEqual([])
  })

  test('every table forces row-level security, a tenant’s by tenant, for reading and writing', async () => {
    expect(await policyFaults(keeper)).toEqual([])
  })

  test('the app role owns nothing, bypasses nothing and cannot rewrite the audit trail', async () => {
    expect(await roleFaults(keeper, appRole)).toEqual([])
  })

  test('no foreign key can point into another tenant', async () => {
    expect(await referenceFaults(keeper)).toEqual([])
  })

  test('no view, function or materialised view goes around row-level security', async () => {
    expect(await tunnelFaults(keeper)).toEqual([])
  })
})

describe('D7 rows as the app role sees them', () => {
  async function inTransaction(tenant: string | null, work: () => Promise<void>): Promise<void> {
    await app.query('BEGIN')
    if (tenant !== null) await app.query(`SELECT set_config('weft.tenant', $1, true)`, [tenant])
    await work().finally(() => app.query('ROLLBACK'))
  }
  const countTeams = async () => (await app.query('SELECT id FROM teams')).rowCount
  const addTeam = (tenant: string) =>
    app.query(`INSERT INTO teams SELECT (jsonb_populate_record(NULL::teams, $1)).*`, [
      { ...shared, id: `team_of_${tenant}_2`, tenant_id: tenant, name: 'n' }
    ])
  const now = '2026-01-01T00:00:00Z'
  const shared = { kind: 'shared', created_at: now, version: 1, is_default: false }

  beforeAll(async () => {
    for (const id of ['ten_a', 'ten_b']) {
      const counts = { version: 1, revision: 1, audit_seq: 0 }
      const tenant = { id, slug: id, name: id, status: 'active', ...counts, created_at: now }
      const team = { ...shared, id: `team_of_${id}`, tenant_id: id, name: id }
      for (const [table, row] of Object.entries({ tenants: tenant, teams: team })) {
        const sql = `INSERT INTO ${table} SELECT (jsonb_populate_record(NULL::${table}, $1)).*`
        await keeper.query(sql, [row])
      }
    }
  })

  test('a transaction that serves no tenant sees no row, in any tenant table', async () => {
    for (const tenant of [null, '']) {
      await inTransaction(tenant, async () => {
        for (const table of tenantTables) {
          expect((await app.query(`SELECT FROM ${table}`)).rowCount, table).toBe(0)
        }
      })
    }
  })

  test('a transaction sees its own tenant’s rows, and the next one on the connection does not', async () => {
    await inTransaction('ten_a', async () => expect(await countTeams()).toBe(1))
    expect(await countTeams()).toBe(0)
  })

  test('a row of another tenant is neither written, changed nor deleted', async () => {
    await inTransaction('ten_a', async () => {
      expect((await addTeam('ten_a')).rowCount).toBe(1)
      const change = await app.query(`UPDATE teams SET name = 'x' WHERE tenant_id = 'ten_b'`)
      const removal = await app.query(`DELETE FROM teams WHERE tenant_id = 'ten_b'`)
      expect([change.rowCount, removal.rowCount]).toEqual([0, 0])
      await expect(addTeam('ten_b')).rejects.toThrow(/row-level security/)
    })
  })
})

describe('D7 a planted fault is seen', () => {
  /** Plants it in a transaction that never ends well. */
  async function faultsAfter(
    sql: string,
    find: (client: pg.Client, role: string) => Promise<Fault[]>
  ): Promise<Fault[]> {
    await keeper.query('BEGIN')
    try {
      await keeper.query(sql.replaceAll('weft_app', appRole))
      return await find(keeper, appRole)
    } finally {
      await keeper.query('ROLLBACK')
    }
  }

  test.each<[string, typeof roleFaults]>([
    ['CREATE TABLE notes (id text, tenant_id text NOT NULL)', tableFaults],
    ['ALTER TABLE grants ALTER tenant_id DROP NOT NULL', tableFaults],
    ['ALTER TABLE users ADD tenant_id text NOT NULL', tableFaults],
    ['ALTER TABLE grants DISABLE ROW LEVEL SECURITY', policyFaults],
    ['ALTER TABLE grants NO FORCE ROW LEVEL SECURITY', policyFaults],
    ['DROP POLICY grants_tenant ON grants', policyFaults],
    ['ALTER POLICY grants_tenant ON grants WITH CHECK (true)', policyFaults],
    ['ALTER POLICY grants_tenant ON grants USING (true)', policyFaults],
    ['CREATE POLICY more ON grants USING (true)', policyFaults],
    ['CREATE POLICY more ON sessions FOR UPDATE USING (token_hash = weft_lookup())', policyFaults],
    ['CREATE POLICY more ON grants FOR SELECT USING (user_id = weft_user())', policyFaults],
    ['ALTER TABLE users NO FORCE ROW LEVEL SECURITY', policyFaults],
    ['ALTER POLICY users_identity ON users WITH CHECK (true)', policyFaults],
    ['ALTER POLICY tenants_own ON tenants USING (true)', policyFaults],
    ['ALTER ROLE weft_app BYPASSRLS', roleFaults],
    ['ALTER ROLE weft_app SUPERUSER', roleFaults],
    ['ALTER ROLE weft_app CREATEROLE', roleFaults],
    ['GRANT CREATE ON SCHEMA public TO weft_app', roleFaults],
    ['ALTER TABLE idempotency_keys OWNER TO weft_app', roleFaults],
    ['GRANT TRUNCATE ON grants TO weft_app', roleFaults],
    ['GRANT UPDATE (action) ON audit_events TO weft_app', roleFaults],
    ['GRANT DELETE ON audit_events TO PUBLIC', roleFaults],
    ['GRANT UPDATE (status) ON call_records TO weft_app', roleFaults],
    ['GRANT pg_read_all_data TO weft_app', roleFaults],
    ['GRANT INSERT ON tenant_erasures TO weft_app', roleFaults],
    ['GRANT DELETE ON tenants TO weft_app', roleFaults],
    ['GRANT DELETE ON _prisma_migrations TO weft_app', roleFaults],
    ['ALTER TABLE grants ADD FOREIGN KEY (fabric_id) REFERENCES fabrics (id)', referenceFaults],
    ['ALTER TABLE grants ADD FOREIGN KEY (fabric_id) REFERENCES tenants (id)', referenceFaults],
    ['CREATE MATERIALIZED VIEW all_grants AS SELECT * FROM grants', tunnelFaults],
    ['CREATE VIEW all_grants AS SELECT * FROM grants', tunnelFaults],
    ["CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'", tunnelFaults],
    ['ALTER FUNCTION weft_erase_rows(int) SET search_path = public', tunnelFaults],
    ['ALTER FUNCTION weft_forget_person(text) SECURITY DEFINER', tunnelFaults],
    ['GRANT EXECUTE ON FUNCTION weft_erase_rows(int) TO PUBLIC', tunnelFaults]
  ])('%s', async (sql, find) => {
    expect((await faultsAfter(sql, find)).length).toBeGreaterThan(0)
  })
})
