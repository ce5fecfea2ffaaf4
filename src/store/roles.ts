import type pg from 'pg'

/** The app role as WEFT_DATABASE_URL names it. */
export interface RoleCredentials {
  readonly user: string
  readonly password: string
}

/**
 * What the app role may do beyond reading, per table; a table that is not listed gets all four.
 * The audit trail is insert-only: what happened cannot be made unhappened by the app. Records of calls are
 * never changed, and a policy of theirs keeps what is younger than a day from being deleted.
 */
const narrowRights: Readonly<Record<string, string>> = {
  audit_events: 'SELECT, INSERT',
  call_records: 'SELECT, INSERT, DELETE',
  retired_signing_keys: 'SELECT, INSERT',
  tenants: 'SELECT, INSERT, UPDATE',
  tenant_erasures: 'SELECT',
  users: 'SELECT, INSERT, UPDATE',
  platform_operators: 'SELECT, INSERT, UPDATE',
  _prisma_migrations: 'SELECT'
}

/** What the app role may do with its owner's rights; each looks at the transaction's own tenant only. */
const grantedFunctions = [
  'weft_begin_erasure(text, text)',
  'weft_note_revocations(int, int)',
  'weft_erase_rows(int)'
]

/** As the owner role: creates or updates the least-privileged role that Weft runs as. */
export async function grantAppRole(client: pg.Client, app: RoleCredentials): Promise<void> {
  const role = client.escapeIdentifier(app.user)
  const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [app.user])
  if (rowCount === 0) {
    await client.query(`CREATE ROLE ${role} LOGIN PASSWORD ${client.escapeLiteral(app.password)}`)
  }
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'`
  )
  const { rows: database } = await client.query<{ name: string }>(
    'SELECT current_database() AS name'
  )
  await client.query('REVOKE CREATE ON SCHEMA public FROM PUBLIC')
  await client.query(`GRANT USAGE ON SCHEMA public TO ${role}`)
  await client.query(
    `GRANT CONNECT ON DATABASE ${client.escapeIdentifier(database[0]?.name ?? '')} TO ${role}`
  )
  for (const { name } of tables) {
    const table = client.escapeIdentifier(name)
    const rights = narrowRights[name] ?? 'SELECT, INSERT, UPDATE, DELETE'
    await client.query(`REVOKE ALL ON ${table} FROM ${role}`)
    await client.query(`GRANT ${rights} ON ${table} TO ${role}`)
  }
  const functions = grantedFunctions.join(', ')
  // As the migration did, once more: a backup is restored without rights.
  await client.query(`REVOKE ALL ON FUNCTION ${functions} FROM PUBLIC`)
  await client.query(`GRANT EXECUTE ON FUNCTION ${functions} TO ${role}`)
}

/** Why the role that is logged in must not run Weft, empty when it may. */
export async function roleFaults(
  query: (sql: string) => Promise<readonly Record<string, unknown>[]>
): Promise<string[]> {
  const [role] = await query(
    `SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,
            has_schema_privilege(current_user, 'public', 'CREATE') AS can_create,
            (SELECT count(*)::int FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
                AND pg_has_role(current_user, c.relowner, 'USAGE')) AS owned
       FROM pg_roles WHERE rolname = current_user`
  )
  const faults: string[] = []
  if (role?.rolsuper) faults.push('is a superuser')
  if (role?.rolbypassrls) faults.push('may bypass row-level security')
  if (role?.rolcreaterole) faults.push('may create roles')
  if (role?.can_create) faults.push('may create tables')
  if (Number(role?.owned ?? 0) > 0) faults.push('owns tables')
  return faults
}
