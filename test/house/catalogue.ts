import type pg from 'pg'
import type { Fault } from './source.ts'

/** Tables whose rows belong to a tenant; a new one is listed here, and then held to every rule below. */
export const tenantTables = [
  'app_connections',
  'audit_events',
  'audit_streams',
  'call_records',
  'client_secrets',
  'connection_tests',
  'data_keys',
  'delegations',
  'deployments',
  'fabrics',
  'federated_identities',
  'grant_tokens',
  'grants',
  'group_mappings',
  'idempotency_keys',
  'incident_grants',
  'incident_revocations',
  'invitations',
  'login_attempts',
  'login_providers',
  'logout_tokens',
  'mapped_members',
  'memberships',
  'personal_tokens',
  'refresh_journal',
  'refresh_schedule',
  'scim_group_members',
  'scim_groups',
  'scim_links',
  'scim_tokens',
  'scim_users',
  'service_account_fabrics',
  'service_accounts',
  'service_keys',
  'service_principals',
  'sessions',
  'sign_in_attempts',
  'team_members',
  'teams',
  'tenant_settings',
  'token_mark_keys',
  'usage_days',
  'used_assertions',
  'webhook_deliveries',
  'webhook_secrets',
  'webhooks'
]

/** Tables that stand above the tenants. */
export const platformTables = [
  '_prisma_migrations',
  'key_encryption_keys',
  'platform_operators',
  'refresh_turns',
  'replicas',
  'retired_signing_keys',
  'signing_keys',
  'tenant_erasures',
  'tenants',
  'users'
]

/** Ways to a row beside its tenant: each reads only, and only by a hash, an identity or a domain that is presented. */
export const lookupPolicies = [
  'federated_identities: service_account_id',
  'invitations: token_hash',
  'login_attempts: state_hash',
  'login_providers: email_domains',
  'login_providers: id',
  'memberships: user_id',
  'personal_tokens: hash',
  'scim_tokens: hash',
  'service_keys: hash',
  'sessions: provider_session_hash',
  'sessions: provider_subject_hash',
  'sessions: token_hash',
  'sign_in_attempts: state_hash'
]

/** Who sees and writes the platform's rows: exactly these policies, nothing more. */
export const platformPolicies = [
  "key_encryption_keys_platform ALL (weft_lookup() = 'key_ring'::text)",
  "replicas_platform ALL (weft_lookup() = 'key_ring'::text)",
  "retired_signing_keys_platform ALL (weft_lookup() = 'signing_keys'::text)",
  "signing_keys_platform ALL (weft_lookup() = 'signing_keys'::text)",
  'tenants_tenant ALL (id = weft_tenant())',
  "tenants_lookup SELECT ((slug = weft_lookup()) OR (weft_lookup() = '*'::text))",
  'tenants_own SELECT (EXISTS ( SELECT 1 FROM memberships m ' +
    'WHERE ((m.tenant_id = tenants.id) AND (m.user_id = weft_user()))))',
  'users_identity ALL (identity_hash = weft_lookup())',
  'users_own SELECT (id = weft_user())',
  'users_fellow_members SELECT (EXISTS ( SELECT 1 FROM memberships m ' +
    'WHERE ((m.tenant_id = weft_tenant()) AND (m.user_id = users.id))))',
  "platform_operators_all ALL (weft_lookup() = '*'::text)",
  'platform_operators_own SELECT (user_id = weft_user())',
  'platform_operators_fellow_members SELECT (EXISTS ( SELECT 1 FROM memberships m ' +
    'WHERE ((m.tenant_id = weft_tenant()) AND (m.user_id = platform_operators.user_id))))',
  'tenant_erasures_tenant ALL (id = weft_tenant())',
  "tenant_erasures_lookup SELECT (weft_lookup() = '*'::text)",
  'refresh_turns_tenant ALL (id = weft_tenant())',
  "refresh_turns_lookup SELECT (weft_lookup() = '*'::text)"
]

/** Functions with their owner's rights; each serves the tenant of its transaction and no other. */
export const ownersFunctions = ['weft_begin_erasure', 'weft_erase_rows', 'weft_note_revocations']

const ownTenant = '(tenant_id = weft_tenant())'
const inSchema = `n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')`

async function rows<Row extends pg.QueryResultRow>(
  client: pg.Client,
  sql: string,
  values: unknown[] = []
): Promise<Row[]> {
  return (await client.query<Row>(sql, values)).rows
}

/** Tables that no list knows, and listed ones that are not there. */
export async function tableFaults(client: pg.Client): Promise<Fault[]> {
  const found = await rows<{ name: string; has_tenant: boolean }>(
    client,
    `SELECT c.relname AS name, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid
        AND a.attname = 'tenant_id' AND a.attnotnull AND NOT a.attisdropped) AS has_tenant
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'f') AND ${inSchema}`
  )
  const names = found.map(({ name }) => name)
  const known = [...tenantTables, ...platformTables]
  return [
    ...names.filter((name) => !known.includes(name)).map((name) => `${name} is on no list`),
    ...known.filter((name) => !names.includes(name)).map((name) => `${name} is not there`),
    ...found
      .filter(({ name, has_tenant }) => tenantTables.includes(name) && !has_tenant)
      .map(({ name }) => `${name} has no tenant_id that is never null`),
    ...found
      .filter(({ name, has_tenant }) => platformTables.includes(name) && has_tenant)
      .map(({ name }) => `${name} has a tenant_id and stands with the platform's tables`)
  ]
}

interface Policy {
  readonly name: string
  readonly table: string
  readonly cmd: string
  readonly qual: string
  readonly check: string | null
}

function isOwnTenant({ cmd, qual, check }: Policy): boolean {
  return cmd === 'ALL' && qual === ownTenant && check === ownTenant
}

function isKnownLookup({ table, cmd, qual }: Policy): boolean {
  const [, column] = /^\((\w+) = weft_(?:lookup|user)\(\)\)$/.exec(qual) ?? []
  const [, list] = /^\(weft_lookup\(\) = ANY \((\w+)\)\)$/.exec(qual) ?? []
  return cmd === 'SELECT' && lookupPolicies.includes(`${table}: ${column ?? list}`)
}

function isKnownPlatform({ name, table, cmd, qual, check }: Policy): boolean {
  const isListed = platformPolicies.includes(`${name} ${cmd} ${qual.replaceAll(/\s+/g, ' ')}`)
  return platformTables.includes(table) && isListed && (cmd === 'SELECT' || check === qual)
}

/** Tables without row-level security, enabled and forced, or with a policy that lets more through. */
export async function policyFaults(client: pg.Client): Promise<Fault[]> {
  const tables = await rows<{ name: string; enabled: boolean; forced: boolean }>(
    client,
    `SELECT c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND c.relname <> '_prisma_migrations' AND ${inSchema}`
  )
  const policies = await rows<Policy & pg.QueryResultRow>(
    client,
    `SELECT policyname AS name, tablename AS table, cmd, qual, with_check AS check
       FROM pg_policies WHERE permissive = 'PERMISSIVE'` // any other only narrows
  )
  const more = policies.filter(
    (policy) => !isOwnTenant(policy) && !isKnownLookup(policy) && !isKnownPlatform(policy)
  )
  const own = policies.filter(isOwnTenant).map(({ table }) => table)
  return [
    ...tables.filter((table) => !table.enabled).map(({ name }) => `${name} has no RLS`),
    ...tables.filter((table) => !table.forced).map(({ name }) => `${name} does not force RLS`),
    ...tenantTables
      .filter((name) => !own.includes(name))
      .map((name) => `${name} has no policy by tenant, USING and WITH CHECK`),
    ...more.map(({ table, cmd, qual }) => `${table} lets ${cmd} through by ${qual}`)
  ]
}

/** What the app role is or may do beyond reading and writing rows. */
export async function roleFaults(client: pg.Client, role: string): Promise<Fault[]> {
  const [found] = await rows<Record<string, boolean>>(
    client,
    `SELECT rolsuper AS "is a superuser", rolbypassrls AS "bypasses RLS",
            rolcreaterole AS "creates roles", rolcreatedb AS "creates databases",
            rolreplication AS "replicates",
            has_schema_privilege(oid, 'public', 'CREATE') AS "creates in the schema",
            has_database_privilege(oid, current_database(), 'CREATE') AS "creates schemas",
            EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid) AS "is a member of a role",
            EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) AS "owns a relation",
            EXISTS (SELECT FROM pg_proc p WHERE p.proowner = r.oid) AS "owns a function",
            EXISTS (SELECT FROM pg_database d WHERE d.datdba = r.oid) AS "owns a database"
       FROM pg_roles r WHERE rolname = $1`,
    [role]
  )
  if (!found) return [`there is no role ${role}`]
  const held = Object.entries(found).filter(([, holds]) => holds)
  const rights = await rows<{ fault: string }>(
    client,
    `SELECT c.relname || ': ' || p.name AS fault
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
            unnest(ARRAY['TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN']) AS p(name)
      WHERE c.relkind IN ('r', 'p') AND ${inSchema} AND has_table_privilege($1, c.oid, p.name)
      UNION ALL
     SELECT 'audit_events: ' || p.name FROM unnest(ARRAY['UPDATE', 'DELETE']) AS p(name)
      WHERE has_table_privilege($1, 'audit_events', p.name)
         OR (p.name = 'UPDATE' AND has_any_column_privilege($1, 'audit_events', 'UPDATE'))
      UNION ALL
     SELECT 'call_records: UPDATE' WHERE has_any_column_privilege($1, 'call_records', 'UPDATE')
      UNION ALL
     SELECT t.name || ': ' || t.right_
       FROM (VALUES ('tenant_erasures', 'INSERT'), ('tenant_erasures', 'UPDATE'), ('tenant_erasures', 'DELETE'),
                    ('tenants', 'DELETE'), ('users', 'DELETE'), ('platform_operators', 'DELETE')) AS t(name, right_)
      WHERE has_table_privilege($1, t.name, t.right_)
      UNION ALL
     SELECT '_prisma_migrations: ' || p.name FROM unnest(ARRAY['INSERT', 'UPDATE', 'DELETE']) AS p(name)
      WHERE has_table_privilege($1, '_prisma_migrations', p.name)`,
    [role]
  )
  return [...held.map(([what]) => `the app role ${what}`), ...rights.map(({ fault }) => fault)]
}

/** What tenants' rows may point at without a tenant: people are known to many, keys are the deployment's. */
const ofNobody = new Set(['users', 'key_encryption_keys'])

/** Foreign keys by which a row could point into another tenant. */
export async function referenceFaults(client: pg.Client): Promise<Fault[]> {
  const keys = await rows<{ name: string; to: string; pairs: string[] }>(
    client,
    `SELECT k.conrelid::regclass || '.' || k.conname AS name, t.relname AS to,
            array_agg(a.attname || '=' || b.attname) AS pairs
       FROM pg_constraint k
       JOIN pg_class f ON f.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
       CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u(own, other)
       JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.own
       JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.other
      WHERE k.contype = 'f' AND f.relname = ANY($1) GROUP BY 1, 2`,
    [tenantTables]
  )
  const wanted = (to: string) => (to === 'tenants' ? 'tenant_id=id' : 'tenant_id=tenant_id')
  return keys
    .filter(({ to, pairs }) => !ofNobody.has(to) && !pairs.includes(wanted(to)))
    .map(({ name, to }) => `${name} points at ${to} without its tenant`)
}

/** Things of the schema that row-level security does not reach. */
export async function tunnelFaults(client: pg.Client): Promise<Fault[]> {
  const found = await rows<{ fault: string }>(
    client,
    `SELECT c.relname || ' is a materialised view' AS fault
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'm' AND ${inSchema}
      UNION ALL
     SELECT c.relname || ' is a view with the rights of its owner'
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'v' AND ${inSchema} AND NOT EXISTS (
            SELECT FROM unnest(c.reloptions) o WHERE o IN ('security_invoker=true', 'security_invoker=on'))
      UNION ALL
     SELECT p.proname || ' is SECURITY DEFINER without a search_path'
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.prosecdef AND ${inSchema} AND NOT EXISTS (
            SELECT FROM unnest(p.proconfig) o WHERE o = 'search_path=pg_catalog, public, pg_temp')
      UNION ALL
     SELECT p.proname || ' is SECURITY DEFINER and on no list'
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.prosecdef AND ${inSchema} AND p.proname <> ALL ($1)
      UNION ALL
     SELECT p.proname || ' is SECURITY DEFINER and everybody’s'
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.prosecdef AND ${inSchema} AND has_function_privilege('public', p.oid, 'EXECUTE')`,
    [ownersFunctions]
  )
  return found.map(({ fault }) => fault)
}
