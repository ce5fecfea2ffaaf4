import { randomBytes, randomUUID } from 'node:crypto'
import type pg from 'pg'
import {
  type AppConnectionId,
  type FabricId,
  type GrantId,
  newId,
  type UserId
} from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../../src/base/tenant-scope.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import { clientSecretPlace } from '../../src/vault/client-secrets.ts'
import { accessTokenPlace, refreshTokenPlace } from '../../src/vault/refresh-projection.ts'
import type { TestDatabase } from './database.ts'
import {
  type Family,
  type HostileServer,
  startHostileServer
} from './hostile-authorization-server.ts'
import { promoteKeys } from './promoted-keys.ts'
import { takeGround } from './vault-world/ground.ts'
import { createReplica, type Replica, type ReplicaOptions } from './vault-world/replica.ts'
import { createRows, type Rows, type SeededTenant } from './vault-world/rows.ts'
import { type TestClock, testClock } from './vault-world/test-clock.ts'

export { codeOf, failureOf, tally } from './vault-world/outcomes.ts'
export type { Replica, ReplicaOptions } from './vault-world/replica.ts'
export type { TestClock } from './vault-world/test-clock.ts'

export interface SeededGrant {
  readonly grantId: GrantId
  readonly userId: UserId
  readonly family: Family
  readonly refreshToken: string
  readonly accessToken: string
}

export interface GrantSeed {
  /** Life that the stored access token has left, milliseconds; default: expired for a minute. */
  readonly lifeMs?: number
  readonly workspaceOrigin?: string
  /** Default: a new person. */
  readonly userId?: UserId
}

export interface VaultWorld {
  readonly clock: TestClock
  readonly server: HostileServer
  readonly database: TestDatabase
  readonly seeded: SeededTenant
  readonly scope: TenantScope
  readonly appConnectionId: AppConnectionId
  readonly clientId: string
  readonly clientSecret: string
  /** As `WEFT_KEY_RING` takes it. */
  readonly keyRing: string
  readonly rows: Rows
  /** The first replica. */
  readonly own: Replica
  replica(options?: ReplicaOptions): Replica
  seedGrant(seed?: GrantSeed): Promise<SeededGrant>
  /** A fabric of the team; with a service principal where one is wanted. Default: at `server`. */
  seedFabric(
    principal?: { clientId: string; clientSecret: string },
    workspaceOrigin?: string
  ): Promise<FabricId>
  /** Of the app connection, or of a fabric's service principal. */
  seedClientSecret(
    clientSecret: string,
    state: 'current' | 'previous',
    fabricId?: FabricId
  ): Promise<string>
  sql<T extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<T[]>
  /** The claim's lease has run out: the database's clock cannot be moved. */
  expireLease(grantId: GrantId): Promise<void>
  stateOf(grantId: GrantId): Promise<GrantFacts | null>
  /** The stored refresh token in clear. */
  refreshTokenOf(grantId: GrantId): Promise<string | null>
  /** Everything that must turn up nowhere. */
  canaries(): string[]
  close(): Promise<void>
}

export interface GrantFacts extends pg.QueryResultRow {
  readonly state: string
  readonly cause: string | null
  readonly failures: number
  readonly next_try_at: Date | null
  readonly generation: number
  readonly claim_owner: string | null
  readonly refresh_token_sealed: string | null
  readonly access_token_sealed: string | null
  readonly access_expires_at: Date | null
}

/** @param superuserUrl default: of the Postgres that all tests share */
export async function createVaultWorld(
  options: ReplicaOptions = {},
  superuserUrl?: string
): Promise<VaultWorld> {
  const ground = await takeGround(superuserUrl)
  const { database, superuser } = ground
  const clock = testClock()
  const server = await startHostileServer(() => clock.now().getTime())
  const key = randomBytes(32)
  const keyWrap = createKeyRing([{ kid: 'test', key: new Secret(new Uint8Array(key)) }])
  const surroundings = { url: database.appUrl, keyWrap, clock, workspaceOrigin: server.origin }
  const query = (text: string, values: readonly unknown[]) => superuser.query(text, [...values])
  await promoteKeys(query, keyWrap)
  const closing: (() => Promise<void>)[] = []

  function replica(wanted: ReplicaOptions = {}): Replica {
    return keepOpen(createReplica(surroundings, { ...options, ...wanted }))
  }

  function keepOpen(made: ReturnType<typeof createReplica>): Replica {
    closing.push(made.close)
    return made.replica
  }

  const rows = createRows(query, clock)
  const seeded = await rows.tenant(`t${randomBytes(4).toString('hex')}`)
  const { tenantId } = seeded
  const scope = makeTenantScope(tenantId, { kind: 'system', id: 'test' }, systemAuthority)
  const direct = keepOpen(createReplica({ ...surroundings, pool: ground.db }, options))
  const { strongbox } = direct
  const own = options.via === undefined ? direct : replica()
  const clientId = randomUUID()
  const clientSecret = `canary-cs-${randomBytes(18).toString('base64url')}`
  const secrets = [clientSecret]
  server.clients.set(clientId, new Set([clientSecret]))
  const appConnectionId = await rows.appConnection(tenantId, clientId)

  async function seedSecret(value: string, state: string, owner: Readonly<Record<string, string>>) {
    const id = newId('clientSecret', clock)
    secrets.push(value)
    const place = clientSecretPlace({ id, fabricId: null })
    const sealed = await strongbox.seal(scope, place, new Secret(value))
    const row = { id, tenant_id: tenantId, ...owner, state, sealed }
    await rows.insert('client_secrets', { ...row, hint: '…', set_at: clock.now() })
    return id
  }

  const world: VaultWorld = {
    clock,
    server,
    database,
    seeded,
    scope,
    appConnectionId,
    clientId,
    clientSecret,
    keyRing: `test:${key.toString('base64')}`,
    rows,
    own,
    replica,

    async seedGrant({ lifeMs = -60_000, workspaceOrigin = server.origin, ...seed } = {}) {
      const userId = seed.userId ?? (await rows.user(seeded))
      const issued = server.books.signIn(clientId, `${userId}@workspace.test`)
      const refreshToken = issued.refreshToken ?? ''
      const grantId = newId('grant', clock)
      const seal = (place: ReturnType<typeof accessTokenPlace>, token: string) =>
        strongbox.seal(scope, place, new Secret(token))
      await rows.userGrant(
        tenantId,
        { userId, workspaceOrigin, appConnectionId },
        {
          grantId,
          refreshTokenSealed: await seal(refreshTokenPlace(grantId), refreshToken),
          accessTokenSealed: await seal(accessTokenPlace(grantId), issued.accessToken),
          accessIssuedAt: new Date(clock.now().getTime() + lifeMs - 3_600_000),
          accessExpiresAt: new Date(clock.now().getTime() + lifeMs)
        }
      )
      return { ...issued, grantId, userId, refreshToken }
    },

    async seedFabric(principal, workspaceOrigin = server.origin) {
      const fabricId = await rows.fabric(seeded, workspaceOrigin, appConnectionId)
      if (principal === undefined) return fabricId
      const { clientId, clientSecret } = principal
      const owner = { tenant_id: tenantId, fabric_id: fabricId }
      await rows.insert('service_principals', { ...owner, client_id: clientId })
      await seedSecret(clientSecret, 'current', { fabric_id: fabricId })
      return fabricId
    },

    seedClientSecret: (value, state, fabricId) =>
      seedSecret(
        value,
        state,
        fabricId === undefined ? { app_connection_id: appConnectionId } : { fabric_id: fabricId }
      ),

    async sql<T extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      return (await superuser.query<T>(text, [...values])).rows
    },

    async expireLease(grantId) {
      await query(
        `UPDATE grant_tokens SET claim_expires_at = now() - interval '1 second'
          WHERE grant_id = $1 AND claim_owner IS NOT NULL`,
        [grantId]
      )
    },

    async stateOf(grantId) {
      const found = await world.sql<GrantFacts>(
        `SELECT state, cause, failures, next_try_at, generation, claim_owner,
                refresh_token_sealed, access_token_sealed, access_expires_at
           FROM grants JOIN grant_tokens ON grant_tokens.grant_id = grants.id WHERE id = $1`,
        [grantId]
      )
      return found[0] ?? null
    },

    async refreshTokenOf(grantId) {
      const sealed = (await world.stateOf(grantId))?.refresh_token_sealed ?? null
      if (sealed === null) return null
      return (await strongbox.open(scope, refreshTokenPlace(grantId), sealed)).reveal()
    },

    canaries: () => [...server.books.everIssued(), ...secrets],

    async close() {
      await Promise.all(closing.map((end) => end()))
      await server.stop()
      await ground.leave()
    }
  }
  await world.seedClientSecret(clientSecret, 'current')
  return world
}
