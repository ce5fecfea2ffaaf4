import { createHash, randomUUID } from 'node:crypto'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { buildApp } from '../../src/app.ts'
import {
  type AppConnectionId,
  type FabricId,
  newId,
  type ServiceAccountId,
  type TeamId,
  type TenantId,
  type UserId
} from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority } from '../../src/base/tenant-scope.ts'
import type { Tracer } from '../../src/base/trace.ts'
import { newBearer } from '../../src/crypto/bearer.ts'
import { createRequestMeasures } from '../../src/http/metrics/requests.ts'
import { clientSecretPlace } from '../../src/vault/client-secrets.ts'
import { accessTokenPlace, refreshTokenPlace } from '../../src/vault/refresh-projection.ts'
import { listen } from '../http/sockets.ts'
import { createTestGateway } from './vault-world/gateway.ts'
import { createVaultWorld } from './vault-world.ts'

export const platformHost = 'weft.test'
export const fabricDomain = 'fabrics.test'

export interface Place {
  readonly tenantId: TenantId
  readonly teamId: TeamId
}

/**
 * The app as the process builds it, listening, over real rooms and a real database, with as many tenants as a
 * test wants, put there as rows. Only the clockwork stands still: what it would write is written when told to.
 */
export async function createPlatform({ tracer = null }: { tracer?: Tracer | null } = {}) {
  const world = await createVaultWorld()
  const gateway = createTestGateway(world)
  const { clock, rows, server } = world
  const { insert } = rows
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    }
  })
  const requests = createRequestMeasures()
  const app = await buildApp({
    ...gateway.rooms,
    slowClients: { bodies: 0, readers: 0 },
    publicUrl: `https://${platformHost}`,
    fabricDomain,
    trustedProxies: [],
    readiness: async () => [],
    logger: pino({ level: 'trace' }, stream),
    clock,
    requests,
    tracer,
    newRequestId: randomUUID
  })
  const port = await listen(app)
  const at = () => ({ created_at: clock.now() })
  const changed = () => ({ ...at(), updated_at: clock.now() })

  async function seal(tenantId: TenantId, place: Parameters<typeof world.own.strongbox.seal>[1]) {
    const scope = makeTenantScope(tenantId, { kind: 'system', id: 'test' }, systemAuthority)
    return (text: string) => world.own.strongbox.seal(scope, place, new Secret(text))
  }

  return {
    world,
    rooms: gateway.rooms,
    app,
    requests,
    port,
    /** What the app has logged. */
    lines,

    async team(tenantId: TenantId, kind: 'shared' | 'personal' = 'shared'): Promise<TeamId> {
      const id = newId('team', clock)
      await insert('teams', { id, tenant_id: tenantId, name: id, kind, ...at() })
      return id
    },

    /** A member of the tenant with a place in these teams, beside the personal one that everybody has. */
    async person(
      tenantId: TenantId,
      teams: readonly (readonly [id: TeamId, role: 'admin' | 'member'])[],
      role: 'tenant_admin' | 'member' = 'member'
    ): Promise<UserId> {
      const id = newId('user', clock)
      const member = { tenant_id: tenantId, user_id: id }
      await insert('users', {
        id,
        identity_hash: createHash('sha256').update(id).digest('hex'),
        issuer: server.origin,
        subject: id,
        email: `${id}@people.test`,
        is_email_verified: true,
        name: id,
        last_login_at: clock.now(),
        ...at()
      })
      await insert('memberships', { ...member, role, ...at() })
      const personal = await this.team(tenantId, 'personal')
      for (const [teamId, teamRole] of [...teams, [personal, 'admin'] as const]) {
        await insert('team_members', { ...member, team_id: teamId, role: teamRole })
      }
      return id
    },

    /** @param clientSecret null: a draft */
    async appConnection(
      tenantId: TenantId,
      clientSecret: string | null = null
    ): Promise<{ id: AppConnectionId; clientId: string }> {
      const id = newId('appConnection', clock)
      const clientId = randomUUID()
      await insert('app_connections', {
        id,
        tenant_id: tenantId,
        name: id,
        provider: 'databricks',
        client_id: clientId,
        scopes: ['all-apis', 'offline_access'],
        client_auth_method: 'client_secret_post',
        is_default: clientSecret !== null,
        allowed_hosts: [],
        ...changed()
      })
      if (clientSecret !== null) await this.clientSecret(tenantId, id, clientSecret)
      if (clientSecret !== null) server.clients.set(clientId, new Set([clientSecret]))
      return { id, clientId }
    },

    /** @param ownerId an app connection, or a fabric: of its service principal */
    async clientSecret(
      tenantId: TenantId,
      ownerId: AppConnectionId | FabricId,
      value: string,
      state: 'current' | 'previous' = 'current'
    ) {
      const id = newId('clientSecret', clock)
      const place = clientSecretPlace({ id, fabricId: null })
      const sealed = await (await seal(tenantId, place))(value)
      await insert('client_secrets', {
        id,
        tenant_id: tenantId,
        [ownerId.startsWith('fab_') ? 'fabric_id' : 'app_connection_id']: ownerId,
        state,
        sealed,
        hint: '…',
        set_at: clock.now()
      })
      return id
    },

    /** A complete fabric, with a service principal where one is wanted, which its whole team may use. */
    async fabric(
      { tenantId, teamId }: Place,
      appConnectionId: AppConnectionId,
      principal: { clientId: string; clientSecret: string } | null = null
    ): Promise<FabricId> {
      const id = await rows.fabric({ tenantId, teamId }, server.origin, appConnectionId)
      if (principal === null) return id
      const { clientId, clientSecret } = principal
      server.clients.set(clientId, new Set([clientSecret]))
      const row = { tenant_id: tenantId, fabric_id: id, client_id: clientId }
      await insert('service_principals', row)
      await this.clientSecret(tenantId, id, clientSecret)
      return id
    },

    /** The person has signed in, and the workspace knows them by their id. */
    async grant(
      tenantId: TenantId,
      userId: UserId,
      app: { id: AppConnectionId; clientId: string }
    ) {
      const issued = server.books.signIn(app.clientId, userId)
      const grantId = newId('grant', clock)
      const nowMs = clock.now().getTime()
      await rows.userGrant(
        tenantId,
        { userId, workspaceOrigin: server.origin, appConnectionId: app.id },
        {
          grantId,
          refreshTokenSealed: await (await seal(tenantId, refreshTokenPlace(grantId)))(
            issued.refreshToken ?? ''
          ),
          accessTokenSealed: await (await seal(tenantId, accessTokenPlace(grantId)))(
            issued.accessToken
          ),
          accessIssuedAt: new Date(nowMs - 600_000),
          accessExpiresAt: new Date(nowMs + 3_000_000)
        }
      )
      return grantId
    },

    async serviceAccount(tenantId: TenantId, fabricIds: readonly FabricId[] = []) {
      const id = newId('serviceAccount', clock)
      await insert('service_accounts', { id, tenant_id: tenantId, name: id, ...at() })
      for (const fabricId of fabricIds) {
        await insert('service_account_fabrics', {
          tenant_id: tenantId,
          service_account_id: id,
          fabric_id: fabricId,
          has_endpoint_list: false,
          endpoints: []
        })
      }
      return id
    },

    /** @returns its id, and the key in clear */
    async serviceKey(tenantId: TenantId, serviceAccountId: ServiceAccountId) {
      const { bearer, hash, hint } = newBearer('wfts_')
      const id = newId('key', clock)
      const owner = { tenant_id: tenantId, service_account_id: serviceAccountId }
      await insert('service_keys', { id, ...owner, name: id, hash, hint, ...at() })
      return { id, key: bearer.reveal() }
    },

    /** A person's token that reads everything and queries, in clear. */
    async personalToken(tenantId: TenantId, userId: UserId | null) {
      const { bearer, hash, hint } = newBearer('wftp_')
      const id = newId('personalToken', clock)
      await insert('personal_tokens', {
        id,
        tenant_id: tenantId,
        user_id: userId,
        name: id,
        hash,
        hint,
        access: 'query',
        has_fabric_list: false,
        fabric_ids: [],
        expires_at: new Date(clock.now().getTime() + 3_600_000),
        ...at()
      })
      return { id, token: bearer.reveal() }
    },

    async scimToken(tenantId: TenantId) {
      const { bearer, hash, hint } = newBearer('wftc_')
      const id = newId('scimToken', clock)
      await insert('scim_tokens', { id, tenant_id: tenantId, name: id, hash, hint, ...at() })
      return { id, token: bearer.reveal() }
    },

    async close() {
      app.server.closeAllConnections()
      await app.close()
      await gateway.close()
      await world.close()
    }
  }
}

export type Platform = Awaited<ReturnType<typeof createPlatform>>
