import { createHash, randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Clock } from '../../../src/base/clock.ts'
import {
  type AppConnectionId,
  type FabricId,
  type GrantId,
  newId,
  type TeamId,
  type TenantId,
  type UserId
} from '../../../src/base/ids.ts'
import { newBearer } from '../../../src/crypto/bearer.ts'
import type { TestDatabase } from '../database.ts'

/** Runs as the superuser, who sees and may do everything. */
export async function asSuperuserOf<T>(
  database: TestDatabase,
  work: (client: pg.Client) => Promise<T>
): Promise<T> {
  const client = new pg.Client({ connectionString: database.superuserUrl })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export interface SeededTenant {
  readonly tenantId: TenantId
  readonly teamId: TeamId
}

export interface SealedGrant {
  readonly grantId: GrantId
  readonly refreshTokenSealed: string | null
  readonly accessTokenSealed: string | null
  readonly accessIssuedAt: Date
  readonly accessExpiresAt: Date | null
}

type Query = (text: string, values: readonly unknown[]) => Promise<unknown>

/** Puts rows where they would be after the API calls that make them, without those calls. */
export function createRows(query: Query, clock: Clock) {
  async function insert(table: string, row: Readonly<Record<string, unknown>>): Promise<void> {
    const names = Object.keys(row)
    const places = names.map((_, index) => `$${index + 1}`)
    await query(
      `INSERT INTO ${table} (${names.join(', ')}) VALUES (${places.join(', ')})`,
      Object.values(row)
    )
  }

  return {
    insert,

    async tenant(slug: string): Promise<SeededTenant> {
      const tenantId = newId('tenant', clock)
      const teamId = newId('team', clock)
      const at = { created_at: clock.now() }
      await insert('tenants', { id: tenantId, slug, name: slug, ...at })
      await insert('teams', { id: teamId, tenant_id: tenantId, name: 'All', kind: 'shared', ...at })
      return { tenantId, teamId }
    },

    async user({ tenantId, teamId }: SeededTenant): Promise<UserId> {
      const id = newId('user', clock)
      const now = clock.now()
      await insert('users', {
        id,
        identity_hash: createHash('sha256').update(id).digest('hex'),
        issuer: 'https://idp.test',
        subject: id,
        email: `${id}@acme.test`,
        is_email_verified: true,
        name: id,
        created_at: now,
        last_login_at: now
      })
      const member = { tenant_id: tenantId, user_id: id }
      await insert('memberships', { ...member, role: 'member', created_at: now })
      await insert('team_members', { ...member, team_id: teamId, role: 'member' })
      return id
    },

    async appConnection(tenantId: TenantId, clientId: string): Promise<AppConnectionId> {
      const id = newId('appConnection', clock)
      const now = clock.now()
      await insert('app_connections', {
        id,
        tenant_id: tenantId,
        name: id,
        provider: 'databricks',
        client_id: clientId,
        scopes: ['all-apis', 'offline_access'],
        client_auth_method: 'client_secret_post',
        is_default: true,
        allowed_hosts: [],
        created_at: now,
        updated_at: now
      })
      return id
    },

    async fabric(
      { tenantId, teamId }: SeededTenant,
      workspaceOrigin: string,
      appConnectionId: AppConnectionId
    ): Promise<FabricId> {
      const id = newId('fabric', clock)
      const now = clock.now()
      await insert('fabrics', {
        id,
        tenant_id: tenantId,
        team_id: teamId,
        name: id,
        slug: id.replace('_', '-'),
        description: '',
        kind: 'sql',
        provider: 'databricks',
        workspace_origin: workspaceOrigin,
        auth_method: 'oauth',
        app_connection_id: appConnectionId,
        service_principal_use: 'team',
        has_endpoint_list: false,
        endpoint_allow_list: [],
        status: 'complete',
        created_at: now,
        updated_at: now
      })
      return id
    },

    async userGrant(
      tenantId: TenantId,
      key: { userId: UserId; workspaceOrigin: string; appConnectionId: AppConnectionId },
      { grantId, ...tokens }: SealedGrant
    ): Promise<void> {
      const now = clock.now()
      await insert('grants', {
        id: grantId,
        tenant_id: tenantId,
        kind: 'user',
        user_id: key.userId,
        workspace_origin: key.workspaceOrigin,
        app_connection_id: key.appConnectionId,
        state: 'active',
        since: now,
        workspace_user_name: `${key.userId}@workspace.test`,
        workspace_user_id: `id-of-${key.userId}@workspace.test`,
        created_at: now
      })
      await insert('grant_tokens', {
        tenant_id: tenantId,
        grant_id: grantId,
        generation: 1,
        refresh_token_sealed: tokens.refreshTokenSealed,
        access_token_sealed: tokens.accessTokenSealed,
        access_expires_at: tokens.accessExpiresAt,
        access_issued_at: tokens.accessIssuedAt
      })
    },

    /** A key that may use these fabrics. @returns the key in clear */
    async serviceKey(tenantId: TenantId, fabricIds: readonly FabricId[]): Promise<string> {
      const id = newId('serviceAccount', clock)
      const at = { created_at: clock.now() }
      await insert('service_accounts', { id, tenant_id: tenantId, name: id, ...at })
      for (const fabricId of fabricIds) {
        await insert('service_account_fabrics', {
          tenant_id: tenantId,
          service_account_id: id,
          fabric_id: fabricId,
          has_endpoint_list: false,
          endpoints: []
        })
      }
      const { bearer, hash, hint } = newBearer('wfts_')
      const key = { id: newId('key', clock), tenant_id: tenantId, service_account_id: id }
      await insert('service_keys', { ...key, name: 'test', hash, hint, ...at })
      return bearer.reveal()
    },

    /** A person's word that a service account may act as them. */
    async delegation(
      tenantId: TenantId,
      parties: { userId: UserId; serviceAccountId: string; fabricId: FabricId },
      { endpoints, lifeMs = 3_600_000 }: { endpoints?: readonly string[]; lifeMs?: number } = {}
    ): Promise<string> {
      const id = newId('delegation', clock)
      await insert('delegations', {
        id,
        tenant_id: tenantId,
        user_id: parties.userId,
        service_account_id: parties.serviceAccountId,
        fabric_id: parties.fabricId,
        has_endpoint_list: endpoints !== undefined,
        endpoints: endpoints ?? [],
        created_at: clock.now(),
        expires_at: new Date(clock.now().getTime() + lifeMs)
      })
      return id
    },

    /** @returns a person's token in clear, narrowed to `fabricIds` where they are given */
    async personalToken(
      tenantId: TenantId,
      userId: UserId,
      {
        access = 'query',
        fabricIds
      }: { access?: 'read' | 'query'; fabricIds?: readonly FabricId[] } = {}
    ): Promise<string> {
      const { bearer, hash, hint } = newBearer('wftp_')
      const now = clock.now()
      await insert('personal_tokens', {
        id: newId('personalToken', clock),
        tenant_id: tenantId,
        user_id: userId,
        name: 'test',
        hash,
        hint,
        access,
        has_fabric_list: fabricIds !== undefined,
        fabric_ids: fabricIds ?? [],
        created_at: now,
        expires_at: new Date(now.getTime() + 24 * 3_600_000)
      })
      return bearer.reveal()
    },

    /** @returns the value of the session cookie */
    async session(tenantId: TenantId, userId: UserId): Promise<string> {
      const token = randomBytes(32).toString('base64url')
      const now = clock.now()
      const later = new Date(now.getTime() + 24 * 3_600_000)
      await insert('sessions', {
        id: newId('session', clock),
        tenant_id: tenantId,
        user_id: userId,
        token_hash: createHash('sha256').update(token).digest('hex'),
        login_provider_id: `lgp_${randomUUID()}`,
        user_agent: 'test',
        created_at: now,
        last_seen_at: now,
        idle_expires_at: later,
        expires_at: later
      })
      return token
    }
  }
}

export type Rows = ReturnType<typeof createRows>
