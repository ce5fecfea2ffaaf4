import { asId, type FabricId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { newBearer } from '../../src/crypto/bearer.ts'
import { accessTokenPlace } from '../../src/vault/refresh-projection.ts'
import type { VaultWorld } from '../support/vault-world.ts'

export interface ScaleSize {
  readonly fabrics: number
  readonly grants: number
  readonly keys: number
  /** Of the audit. */
  readonly events: number
  /** Fabrics that are real enough to be called; at all sizes alike, so that only what lies about them differs. */
  readonly callable: number
}

/** What is asked of a full database: the rest is only in the way. */
export interface ScaleSeed {
  /** Through which calls go, and the key of each. */
  readonly callable: readonly { readonly fabricId: FabricId; readonly serviceKey: string }[]
  /** Of the tenant's admin, and of a member of one team. */
  readonly sessions: { readonly admin: string; readonly member: string }
  readonly teamId: string
  readonly userId: string
  readonly appConnectionId: string
  readonly serviceAccountId: string
  /** In the midst of all fabrics, people and service accounts. */
  readonly middle: { readonly fabric: string; readonly user: string; readonly account: string }
}

/** Callable ones: of each key the first is one whose key nobody knows yet. */
export const fabricsPerKey = 10
const fabricsPerTeam = 1_000
const grantsPerPerson = 10
const workspaces = 200
const hour = 3_600_000
const filledTables = [
  'users',
  'memberships',
  'team_members',
  'fabrics',
  'service_principals',
  'client_secrets',
  'grants',
  'grant_tokens',
  'refresh_schedule',
  'service_accounts',
  'service_account_fabrics',
  'audit_events'
]

/** As a ULID would be, in the order of `n`. */
const idOf = (prefix: string, n: number) => `${prefix}_01kascake0${String(n).padStart(16, '0')}`
const sqlId = (prefix: string, n: string) => `'${prefix}_01kascake0' || lpad((${n})::text, 16, '0')`

/** One tenant that holds everything: the most that a page or a plan of one tenant can meet. */
export async function seedScale(
  world: VaultWorld,
  { fabrics, grants, keys, events, callable }: ScaleSize,
  origin: string
): Promise<ScaleSeed> {
  const { sql, seeded, appConnectionId, rows } = world
  const { tenantId } = seeded
  const people = Math.round(grants / grantsPerPerson)
  const teams = Math.max(1, Math.round(fabrics / fabricsPerTeam))
  const each = (count: number) => `generate_series(0, ${count - 1}) n`
  const host = (n: string) => `'https://dbc-' || (${n}) % ${workspaces} || '.cloud.databricks.com'`
  const sealed = `repeat(md5(n::text), 10)`
  const hasPrincipal = `n < ${callable} OR n % 10 <> 9`
  const statements = [
    `INSERT INTO teams (id, tenant_id, name, kind, created_at)
       SELECT ${sqlId('team', 'n')}, '${tenantId}', 'Team ' || n, 'shared', now() FROM ${each(teams)}`,
    `INSERT INTO users (id, identity_hash, issuer, subject, email, is_email_verified, name, created_at, last_login_at)
       SELECT ${sqlId('usr', 'n')}, md5('u' || n) || md5('v' || n), 'https://idp.test', n::text,
              'person' || n || '@acme.test', true, 'Person ' || n, now(), now() FROM ${each(people)}`,
    `INSERT INTO memberships (tenant_id, user_id, role, created_at)
       SELECT '${tenantId}', ${sqlId('usr', 'n')}, 'member', now() FROM ${each(people)}`,
    `INSERT INTO team_members (tenant_id, team_id, user_id, role)
       SELECT '${tenantId}', ${sqlId('team', `n % ${teams}`)}, ${sqlId('usr', 'n')}, 'member' FROM ${each(people)}`,
    `INSERT INTO fabrics (id, tenant_id, team_id, name, slug, description, kind, provider, workspace_origin,
         auth_method, app_connection_id, service_principal_use, has_endpoint_list, endpoint_allow_list, status,
         created_at, updated_at)
       SELECT ${sqlId('fab', 'n')}, '${tenantId}', ${sqlId('team', `n / ${fabricsPerTeam}`)}, 'Fabric ' || n,
              'fabric-' || n, '', CASE WHEN n % 2 = 0 THEN 'sql' ELSE 'spark' END, 'databricks',
              CASE WHEN n < ${callable} THEN '${origin}' ELSE ${host('n')} END, 'oauth',
              '${appConnectionId}', 'team', false, '{}', CASE WHEN n >= ${callable} AND n % 1000 = 999 THEN 'draft' ELSE 'complete' END,
              now(), now() FROM ${each(fabrics)}`,
    `INSERT INTO service_principals (tenant_id, fabric_id, client_id)
       SELECT '${tenantId}', ${sqlId('fab', 'n')}, 'principal-' || n FROM ${each(fabrics)} WHERE ${hasPrincipal}`,
    `INSERT INTO client_secrets (id, tenant_id, fabric_id, state, sealed, hint, set_at)
       SELECT ${sqlId('sec', 'n')}, '${tenantId}', ${sqlId('fab', 'n')}, 'current', ${sealed}, '…', now()
         FROM ${each(fabrics)} WHERE ${hasPrincipal}`,
    `INSERT INTO grants (id, tenant_id, kind, fabric_id, workspace_origin, state, since, created_at)
       SELECT ${sqlId('grt', 'n')}, '${tenantId}', 'service_principal', ${sqlId('fab', 'n')},
              CASE WHEN n < ${callable} THEN '${origin}' ELSE ${host('n')} END, 'active', now(), now()
         FROM ${each(fabrics)}`,
    `INSERT INTO grants (id, tenant_id, kind, user_id, workspace_origin, app_connection_id, state, since,
         workspace_user_name, workspace_user_id, signed_in_at, created_at)
       SELECT ${sqlId('grt', 'n')}, '${tenantId}', 'user', ${sqlId('usr', `n % ${people}`)},
              ${host(`n / ${people}`)}, '${appConnectionId}', 'active', now(), 'person' || n, n::text,
              now() - n % 90 * interval '1 day', now() FROM generate_series(${fabrics}, ${grants - 1}) n`,
    `INSERT INTO grant_tokens (tenant_id, grant_id, generation, refresh_token_sealed, access_token_sealed,
         access_issued_at, access_expires_at)
       SELECT '${tenantId}', ${sqlId('grt', 'n')}, 1, CASE WHEN n < ${fabrics} THEN NULL ELSE ${sealed} END,
              ${sealed}, now(), now() + interval '1 hour' FROM ${each(grants)}`,
    `INSERT INTO refresh_schedule (tenant_id, grant_id, workspace_origin, due_at, used_at)
       SELECT tenant_id, id, workspace_origin, now() - random() * interval '1 hour', now()
         FROM grants WHERE tenant_id = '${tenantId}'`,
    // All of it is due, and nobody's turn until it is measured.
    `INSERT INTO refresh_turns (id, due_at) VALUES ('${tenantId}', now() + interval '1 year')`,
    `INSERT INTO service_accounts (id, tenant_id, name, created_at)
       SELECT ${sqlId('sva', 'n')}, '${tenantId}', 'Account ' || n, now() FROM ${each(keys)}`,
    `INSERT INTO service_account_fabrics (tenant_id, service_account_id, fabric_id, has_endpoint_list, endpoints)
       SELECT '${tenantId}', ${sqlId('sva', `n / ${fabricsPerKey}`)}, ${sqlId('fab', 'n')}, false, '{}'
         FROM ${each(Math.min(fabrics, keys * fabricsPerKey))}`,
    `INSERT INTO audit_events (tenant_id, seq, id, at, actor_kind, actor_id, action, object_kind, object_id, fabric_id,
         outcome, request_id, details, previous_hash, hash)
       SELECT '${tenantId}', n, ${sqlId('aud', 'n')}, now() - (${events} - n) * interval '1 second', 'user',
              ${sqlId('usr', `n % ${people}`)}, CASE WHEN n % 10000 = 7 THEN 'fabric.delete' ELSE 'fabric.update' END,
              'fabric', ${sqlId('fab', `n % ${fabrics}`)}, ${sqlId('fab', `n % ${fabrics}`)}, 'succeeded',
              'request-' || n, '{}', md5(n::text), md5((n + 1)::text) FROM generate_series(1, ${events}) n`,
    `UPDATE tenants SET audit_seq = ${events} WHERE id = '${tenantId}'`
  ]
  await sql('SET session_replication_role = replica')
  // Built once, when the rows are there: kept up row by row they take longer than all the rest.
  await setIndexesAside(world)
  for (const statement of statements) await sql(statement)
  const serviceKeys = await seedKeys(world, keys)
  await sealTokens(world, callable)
  for (const table of filledTables) await sql(`REINDEX TABLE ${table}`)
  await sql('SET session_replication_role = DEFAULT')
  await sql('VACUUM ANALYZE')
  await sql('CHECKPOINT')

  const [member, admin] = [idOf('usr', 1), idOf('usr', 2)]
  await sql("UPDATE memberships SET role = 'tenant_admin' WHERE user_id = $1", [admin])
  return {
    callable: Array.from({ length: callable }, (_, n) => ({
      fabricId: asId('fabric', idOf('fab', n)),
      serviceKey: serviceKeys[Math.floor(n / fabricsPerKey)] ?? ''
    })),
    sessions: {
      admin: await rows.session(tenantId, asId('user', admin)),
      member: await rows.session(tenantId, asId('user', member))
    },
    teamId: idOf('team', 1 % teams),
    userId: member,
    appConnectionId,
    serviceAccountId: idOf('sva', 1),
    middle: {
      fabric: idOf('fab', fabrics / 2),
      user: idOf('usr', people / 2),
      account: idOf('sva', keys / 2)
    }
  }
}

/** Of the tables that are filled: nothing is written to them, or looked up by them, until they are built anew. */
async function setIndexesAside({ sql }: VaultWorld): Promise<void> {
  const filled = `ARRAY[${filledTables.map((name) => `'${name}'::regclass`).join()}]`
  await sql(
    `UPDATE pg_index SET indisready = false, indisvalid = false WHERE indrelid = ANY (${filled})`
  )
}

/** One for each service account. @returns those in clear */
async function seedKeys({ sql, seeded }: VaultWorld, count: number): Promise<string[]> {
  const made = Array.from({ length: count }, () => newBearer('wfts_'))
  const hashes = made.map(({ hash }) => hash)
  await sql(
    `INSERT INTO service_keys (id, tenant_id, service_account_id, name, hash, hint, created_at)
       SELECT ${sqlId('key', 'n - 1')}, $1, ${sqlId('sva', 'n - 1')}, 'test', hash, '…', now()
         FROM unnest($2::text[]) WITH ORDINALITY k(hash, n)`,
    [seeded.tenantId, hashes]
  )
  return made.map(({ bearer }) => bearer.reveal())
}

/** Of the service principals that calls go by: these tokens are opened, and must be what they seem. */
async function sealTokens(
  { sql, own, scope, seeded, clock }: VaultWorld,
  callable: number
): Promise<void> {
  const ids = Array.from({ length: callable }, (_, n) => idOf('grt', n))
  const sealed: string[] = []
  for (const id of ids) {
    const token = new Secret('a'.repeat(800))
    sealed.push(await own.strongbox.seal(scope, accessTokenPlace(id), token))
  }
  await sql(
    `UPDATE grant_tokens t SET access_token_sealed = k.sealed, access_expires_at = $4
       FROM unnest($2::text[], $3::text[]) k(id, sealed) WHERE t.tenant_id = $1 AND t.grant_id = k.id`,
    [seeded.tenantId, ids, sealed, new Date(clock.now().getTime() + hour)]
  )
}
