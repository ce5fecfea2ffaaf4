import { randomBytes, randomUUID } from 'node:crypto'
import pg from 'pg'
import { createAudit } from '../../src/audit/audit.ts'
import type { Clock } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
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
import { createAuthorizationServers } from '../../src/oauth/authorization-server.ts'
import { createOutbound, type Outbound } from '../../src/outbound/outbound.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { clientSecretPlace, servicePrincipalPlace } from '../../src/vault/credentials.ts'
import { accessTokenPlace, refreshTokenPlace } from '../../src/vault/refresh-projection.ts'
import { createStrongbox, type Strongbox } from '../../src/vault/strongbox.ts'
import { createVault, type Vault } from '../../src/vault/vault.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import {
  type Family,
  type HostileServer,
  startHostileServer
} from './hostile-authorization-server.ts'
import { createRows, type Rows, type SeededTenant } from './vault-world/rows.ts'

export interface TestClock extends Clock {
  /** Wall clock and monotonic clock alike. */
  advance(ms: number): void
  /** The wall clock alone, as when somebody sets it. */
  skew(ms: number): void
  /** From now on it moves only when it is moved. */
  freeze(): void
}

export function testClock(): TestClock {
  let offsetMs = 0
  let skewMs = 0
  let frozen: { wallMs: number; monotonicMs: number } | null = null
  return {
    now: () => new Date((frozen?.wallMs ?? Date.now()) + offsetMs + skewMs),
    monotonicMs: () => (frozen?.monotonicMs ?? performance.now()) + offsetMs,
    advance(ms) {
      offsetMs += ms
    },
    skew(ms) {
      skewMs += ms
    },
    freeze() {
      frozen ??= { wallMs: Date.now(), monotonicMs: performance.now() }
    }
  }
}

/** One process's worth of Weft, as far as tokens go. */
export interface Replica {
  readonly db: Db
  readonly strongbox: Strongbox
  readonly outbound: Outbound
  readonly vault: Vault
  readonly clock: Clock
  /** Transactions begun. */
  readonly transactions: number
}

export interface ReplicaOptions {
  /** The way to the database, such as by a proxy. */
  readonly via?: (url: string) => string
  readonly clock?: Clock
  readonly poolMax?: number
  /** Origins beside the hostile server's. */
  readonly extraOrigins?: readonly string[]
}

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
  /** A fabric of the team; with a service principal where one is wanted. */
  seedFabric(principal?: { clientId: string; clientSecret: string }): Promise<FabricId>
  seedClientSecret(clientSecret: string, state: 'current' | 'previous'): Promise<string>
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

export async function createVaultWorld(options: ReplicaOptions = {}): Promise<VaultWorld> {
  const database = await createTestDatabase()
  const clock = testClock()
  const server = await startHostileServer(() => clock.now().getTime())
  const key = randomBytes(32)
  const keyWrap = createKeyRing([{ kid: 'test', key: new Secret(new Uint8Array(key)) }])
  const superuser = new pg.Client({ connectionString: database.superuserUrl })
  await superuser.connect()
  const query = (text: string, values: readonly unknown[]) => superuser.query(text, [...values])
  const closing: (() => Promise<void>)[] = []

  function replica(wanted: ReplicaOptions = {}): Replica {
    const { via, poolMax, extraOrigins = [], ...rest } = { ...options, ...wanted }
    const own = rest.clock ?? clock
    const url = via === undefined ? database.appUrl : via(database.appUrl)
    const real = createDb({ url: new Secret(url), poolMax: poolMax ?? 8 })
    let transactions = 0
    const db: Db = {
      ...real,
      inTenant(scope, work) {
        transactions += 1
        return real.inTenant(scope, work)
      }
    }
    const outbound = createOutbound({
      extraOrigins: [server.origin, ...extraOrigins],
      clock: own,
      userAgent: 'weft-test'
    })
    closing.push(() => outbound.destroy().then(() => real.close()))
    const audit = createAudit(db, own)
    const strongbox = createStrongbox(db, keyWrap, own)
    const servers = createAuthorizationServers(outbound, own)
    const exchange = { outbound, clock: own }
    const vault = createVault({ db, strongbox, audit, clock: own, servers, exchange })
    return {
      db,
      strongbox,
      outbound,
      vault,
      clock: own,
      get transactions() {
        return transactions
      }
    }
  }

  const rows = createRows(query, clock)
  const seeded = await rows.tenant(`t${randomBytes(4).toString('hex')}`)
  const { tenantId } = seeded
  const scope = makeTenantScope(tenantId, { kind: 'system', id: 'test' }, systemAuthority)
  const direct = replica({ via: (url) => url })
  const { strongbox } = direct
  const own = options.via === undefined ? direct : replica()
  const clientId = randomUUID()
  const clientSecret = `canary-cs-${randomBytes(18).toString('base64url')}`
  const secrets = [clientSecret]
  server.clients.set(clientId, new Set([clientSecret]))
  const appConnectionId = await rows.appConnection(tenantId, clientId)

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

    async seedFabric(principal) {
      const fabricId = await rows.fabric(seeded, server.origin, appConnectionId)
      if (principal === undefined) return fabricId
      secrets.push(principal.clientSecret)
      const secret = new Secret(principal.clientSecret)
      await rows.insert('service_principals', {
        tenant_id: tenantId,
        fabric_id: fabricId,
        client_id: principal.clientId,
        secret_sealed: await strongbox.seal(scope, servicePrincipalPlace(fabricId), secret),
        hint: '…',
        set_at: clock.now()
      })
      return fabricId
    },

    async seedClientSecret(value, state) {
      const id = newId('clientSecret', clock)
      secrets.push(value)
      await rows.insert('client_secrets', {
        id,
        tenant_id: tenantId,
        app_connection_id: appConnectionId,
        state,
        sealed: await strongbox.seal(scope, clientSecretPlace(id), new Secret(value)),
        hint: '…',
        set_at: clock.now()
      })
      return id
    },

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
      await superuser.end()
      await server.stop()
      await database.drop()
    }
  }
  await world.seedClientSecret(clientSecret, 'current')
  return world
}

/** The AppError that the work ends in; anything else is a fault of Weft's. */
export async function failureOf(work: Promise<unknown>): Promise<AppError | null> {
  try {
    await work
    return null
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return (await failureOf(work))?.code ?? 'no error'
}

/** How many of each outcome: a problem code, or `token`. */
export async function tally(works: readonly Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const code of await Promise.all(works.map(codeOf))) {
    const name = code === 'no error' ? 'token' : code
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}
