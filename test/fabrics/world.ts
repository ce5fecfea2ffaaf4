import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type {
  AppConnections,
  AppConnectionView
} from '../../src/app-connections/app-connections.ts'
import { createAppConnections } from '../../src/app-connections/create-app-connections.ts'
import { createRegistrations } from '../../src/app-connections/create-registrations.ts'
import type { Registrations } from '../../src/app-connections/registrations.ts'
import { createAudit } from '../../src/audit/audit.ts'
import type { Clock } from '../../src/base/clock.ts'
import { AppError } from '../../src/base/errors.ts'
import { Secret } from '../../src/base/secret.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import { createFabrics } from '../../src/fabrics/create-fabrics.ts'
import { createDeployments } from '../../src/fabrics/deployments/create-deployments.ts'
import type { Deployments } from '../../src/fabrics/deployments/deployments.ts'
import type { FabricDeps, ReachLimits } from '../../src/fabrics/fabric-deps.ts'
import type { Fabrics, NewFabric } from '../../src/fabrics/fabrics.ts'
import {
  createFederationPolicies,
  type FederationPolicies
} from '../../src/fabrics/federation-policies.ts'
import {
  createCustomApps,
  createFederationPolicies as createSimulatedPolicies,
  type RunningDatabricks,
  startDatabricks
} from '../../src/local/databricks/workspace.ts'
import { createAuthorizationServers } from '../../src/oauth/authorization-server.ts'
import { createOutbound, type Lookup } from '../../src/outbound/outbound.ts'
import { createDb } from '../../src/store/db.ts'
import { createTenantVersions } from '../../src/store/tenant-versions.ts'
import { createSigningKeys, type SigningKeys } from '../../src/vault/signing-keys.ts'
import { createStrongbox } from '../../src/vault/strongbox.ts'
import { createVault } from '../../src/vault/vault.ts'
import { createWorkloadIdentity } from '../../src/vault/workload-identity.ts'
import { createTestDatabase } from '../support/database.ts'
import { startIssuer, type TestIssuer } from '../support/issuer.ts'
import { promoteKeys } from '../support/promoted-keys.ts'
import { as, red, settle } from './people.ts'

export { as, blue, green, red } from './people.ts'

export const publicUrl = 'http://weft.test'
export const client = { clientId: 'client-of-acme', clientSecret: 'canary-client-secret-c9f2' }
export const principal = {
  clientId: '5f0f6c9e-3a41-4f6e-9d2b-0c1a2b3c4d5e',
  clientSecret: 'canary-principal-secret-77aa'
}
export const narrow = {
  clientId: '9e9e6c9e-3a41-4f6e-9d2b-0c1a2b3c4d5e',
  clientSecret: 'canary-narrow-secret-1111'
}
export const accountAdmin = {
  clientId: '1a1a6c9e-3a41-4f6e-9d2b-0c1a2b3c4d5e',
  clientSecret: 'canary-account-admin-secret'
}
const people = ['dev@acme.test', 'other@acme.test'].map((email) => ({ email, name: email }))

export interface LogItem {
  readonly path: string
  readonly grantType: string | null
  readonly principal: string | null
}

export interface World {
  readonly workspace: RunningDatabricks
  /** Another workspace of the same account. */
  readonly elsewhere: RunningDatabricks
  readonly appConnections: AppConnections
  readonly registrations: Registrations
  readonly fabrics: Fabrics
  /** Those of another process on the same database, which shares nothing else. */
  replica(): Fabrics
  readonly federationPolicies: FederationPolicies
  /** Weft's own name in JWTs, and where its keys are. */
  readonly issuer: TestIssuer
  readonly signingKeys: SigningKeys
  readonly deployments: Deployments
  /** What both are made of. */
  readonly deps: FabricDeps
  readonly clock: Clock & { advance(ms: number): void }
  readonly appRole: string
  sql<T extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>
  /** A good app connection, the tenant's default, that the workspaces know. */
  connect(more?: Partial<Parameters<AppConnections['create']>[1]>): Promise<AppConnectionView>
  /** Tells the workspaces of the client, as its admin registers it. */
  register(redirectUrls: readonly string[], more?: Record<string, unknown>): Promise<void>
  /** A personal access token of a person of the workspaces; null: it is nobody's any more. */
  personalToken(token: string, email: string | null): Promise<void>
  newFabric(more?: Partial<NewFabric>): NewFabric
  faults(patch: Record<string, unknown> | null): Promise<void>
  /** Requests that the first workspace has seen, without those of its control. */
  log(): Promise<LogItem[]>
  audit(
    action: string
  ): Promise<{ outcome: string; code: string | null; actor_id: string; details: unknown }[]>
  /** Every row of every table of tenants, as text. */
  dump(): Promise<string>
  /** No fabric, app connection or grant of any tenant. */
  clear(): Promise<void>
  close(): Promise<void>
}

export interface WorldOptions {
  /** Named by the operator beside the two workspaces. */
  readonly extraOrigins?: readonly string[]
  readonly lookup?: Lookup
  readonly stepTimeoutMs?: number
  /** Of tests of connections; default: what cannot be reached is told at once. */
  readonly reach?: ReachLimits
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const database = await createTestDatabase()
  const keeper = new pg.Client({ connectionString: database.superuserUrl })
  await keeper.connect()
  const account = {
    customApps: createCustomApps(),
    federationPolicies: createSimulatedPolicies()
  }
  const start = (workspaceId: string) =>
    startDatabricks({
      ...account,
      port: 0,
      workspaceId,
      name: `Workspace ${workspaceId}`,
      people,
      servicePrincipals: [
        { ...principal, displayName: 'Night Worker' },
        { ...narrow, displayName: 'Sql Only', scopes: ['sql'] },
        { ...accountAdmin, displayName: 'Account Admin', isAccountAdmin: true }
      ]
    })
  const [workspace, elsewhere] = await Promise.all([start('100200300400'), start('500600700800')])
  let offsetMs = 0
  const clock = {
    now: () => new Date(Date.now() + offsetMs),
    monotonicMs: () => performance.now() + offsetMs,
    advance(ms: number) {
      offsetMs += ms
    }
  }
  const db = createDb({ url: new Secret(database.appUrl), poolMax: 8 })
  const extraOrigins = [workspace.url, elsewhere.url, ...(options.extraOrigins ?? [])]
  const { lookup } = options
  const known = { extraOrigins, clock, userAgent: 'weft-test' }
  const outbound = createOutbound(lookup === undefined ? known : { ...known, lookup })
  const keyWrap = createKeyRing([{ kid: 'test', key: new Secret(new Uint8Array(randomBytes(32))) }])
  await promoteKeys((text, values) => keeper.query(text, values), keyWrap)
  const audit = createAudit(db, clock)
  const strongbox = createStrongbox(db, keyWrap, clock)
  const signingKeys = createSigningKeys({ db, keyWrap, clock })
  const issuer = await startIssuer(() => signingKeys)
  const workload = createWorkloadIdentity({ signingKeys, clock, publicUrl: issuer.url })
  const servers = createAuthorizationServers(outbound, clock)
  const exchange = { outbound, clock }
  const versions = createTenantVersions(db, clock)
  const vault = createVault({ db, strongbox, audit, clock, servers, exchange, versions, workload })
  const kept = { db, audit, strongbox, clock, publicUrl }
  const { stepTimeoutMs, reach = { deadlineMs: 3_000, paceMs: 0 } } = options
  const deps = { ...kept, vault, outbound, servers, exchange, versions, reach }
  const appConnections = createAppConnections({
    ...kept,
    extraOrigins,
    outbound,
    servers,
    vault,
    stepTimeoutMs
  })
  const registrations = createRegistrations({ ...kept, extraOrigins, outbound, appConnections })
  const sql = async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
    (await keeper.query<T>(text, values)).rows
  await settle(sql)

  const tell = async <T>(url: string, method: string, body?: unknown): Promise<T> => {
    const text = body === undefined ? {} : { body: JSON.stringify(body) }
    const answer = await fetch(url, { method, ...text })
    if (!answer.ok) throw new TypeError(await answer.text())
    return (await answer.json()) as T // its own documented shape
  }
  const register: World['register'] = async (redirectUrls, more = {}) => {
    const scopes = ['all-apis', 'sql', 'offline_access']
    const app = { ...client, redirectUrls, scopes, ...more }
    for (const { url } of [workspace, elsewhere]) await tell(`${url}/_sim/apps`, 'POST', app)
  }

  return {
    workspace,
    elsewhere,
    appConnections,
    registrations,
    issuer,
    signingKeys,
    federationPolicies: createFederationPolicies({
      db,
      audit,
      clock,
      outbound,
      extraOrigins,
      workload
    }),
    fabrics: createFabrics(deps),
    deployments: createDeployments(deps, { pollMs: 20 }),
    deps,
    replica() {
      const cold = {
        ...deps,
        strongbox: createStrongbox(db, keyWrap, clock),
        servers: createAuthorizationServers(outbound, clock),
        versions: createTenantVersions(db, clock)
      }
      return createFabrics({ ...cold, vault: createVault({ ...cold, workload }) })
    },
    clock,
    appRole: decodeURIComponent(new URL(database.appUrl).username),
    sql,
    register,
    async connect(more = {}) {
      const { clientId, clientSecret } = client
      const secret = new Secret(clientSecret)
      const input = {
        name: 'Main',
        provider: 'databricks',
        clientId,
        clientSecret: secret
      } as const
      const connection = await appConnections.create(as.admin, { ...input, ...more })
      await register([connection.redirectUri])
      return connection
    },
    async personalToken(token, email) {
      for (const { url } of [workspace, elsewhere]) {
        await tell(`${url}/_sim/personal-access-tokens`, 'POST', { token, email })
      }
    },
    newFabric: (more = {}) => ({
      name: 'Sales',
      teamId: red,
      kind: 'sql',
      provider: 'databricks',
      authMethod: 'oauth',
      workspaceUrl: workspace.url,
      compute: { warehouseId: workspace.compute.runningWarehouseId },
      ...more
    }),
    faults: async (patch) => {
      const url = `${workspace.url}/_sim/faults`
      await tell(url, patch === null ? 'DELETE' : 'PATCH', patch ?? undefined)
    },
    log: async () => (await tell<{ items: LogItem[] }>(`${workspace.url}/_sim/log`, 'GET')).items,
    audit: (action) =>
      sql(
        'SELECT outcome, code, actor_id, details FROM audit_events WHERE action = $1 ORDER BY at, seq',
        [action]
      ),
    async dump() {
      const tables = await sql<{ name: string }>(
        `SELECT table_name AS name FROM information_schema.columns
          WHERE table_schema = 'public' AND column_name = 'tenant_id' ORDER BY name`
      )
      const texts: unknown[] = []
      for (const { name } of tables) texts.push(await sql(`SELECT to_jsonb(t) FROM ${name} t`))
      return JSON.stringify(texts)
    },
    async clear() {
      for (const table of ['fabrics', 'grants', 'app_connections', 'audit_events'])
        await sql(`DELETE FROM ${table}`)
      await tell(`${workspace.url}/_sim/faults`, 'DELETE')
    },
    async close() {
      await vault.settle()
      await outbound.destroy()
      await issuer.close()
      await Promise.all([workspace.stop(), elsewhere.stop()])
      await db.close()
      await keeper.end()
      await database.drop()
    }
  }
}

/** The AppError that the work ends in; anything else is a fault of its own. */
export async function faultOf(work: Promise<unknown>): Promise<AppError> {
  const end: unknown = await work.then(
    () => new TypeError('it did not fail'),
    (error: unknown) => error
  )
  if (end instanceof AppError) return end
  throw end
}
