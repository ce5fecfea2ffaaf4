import type { VaultWorld } from '../support/vault-world.ts'

/** What is written about a refused call is meant to be. */
const records = ['audit_events', 'call_records', 'usage_days']

/** A digest of each table's rows, records left out. */
export async function fingerprint({ sql }: VaultWorld): Promise<Readonly<Record<string, string>>> {
  const tables = await sql<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
  )
  const digests: Record<string, string> = {}
  for (const { name } of tables.filter((one) => !records.includes(one.name))) {
    const [row] = await sql<{ digest: string }>(
      `SELECT count(*) || '/' || coalesce(sum(hashtextextended(${rowOf(name)}, 0)), 0) AS digest
         FROM ${name} t`
    )
    digests[name] = row?.digest ?? ''
  }
  return digests
}

/** A tenant's row tells how long its record is; whatever else is written makes any row another. */
function rowOf(table: string): string {
  return table === 'tenants' ? `(to_jsonb(t) - 'audit_seq')::text` : 't::text || t.xmin'
}

/** Whose each id is, of all tables that have tenants. */
export async function tenantOfIds({ sql }: VaultWorld): Promise<ReadonlyMap<string, string>> {
  const tables = await sql<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.columns
      WHERE table_schema = 'public' AND column_name IN ('id', 'tenant_id')
      GROUP BY table_name HAVING count(*) = 2`
  )
  const selects = [
    'SELECT id, id AS tenant_id FROM tenants',
    'SELECT user_id AS id, tenant_id FROM memberships',
    ...tables.map(({ name }) => `SELECT id, tenant_id FROM ${name}`)
  ]
  const rows = await sql<{ id: string; tenant_id: string }>(selects.join(' UNION ALL '))
  return new Map(rows.map((row) => [row.id, row.tenant_id]))
}
