import assert from 'node:assert'
import { randomBytes, randomUUID } from 'node:crypto'
import type { JWTPayload } from 'jose'
import pg from 'pg'
import { type Anchors, createAnchors } from '../../src/audit/anchors.ts'
import { createAudit } from '../../src/audit/audit.ts'
import type { Clock } from '../../src/base/clock.ts'
import { AppError, type ProblemCode } from '../../src/base/errors.ts'
import type { TenantId } from '../../src/base/ids.ts'
import { Secret } from '../../src/base/secret.ts'
import { createKeyRing } from '../../src/crypto/key-ring.ts'
import {
  type Bootstrap,
  type Caller,
  type CreatedTenant,
  createBootstrap,
  createIdentity,
  createLoginClient,
  type Identity,
  type LoggedIn,
  type LoginStarted
} from '../../src/identity/identity.ts'
import { createLastUses, type LastUses } from '../../src/identity/last-uses.ts'
import { createAuthorizationServers } from '../../src/oauth/authorization-server.ts'
import { createOutbound } from '../../src/outbound/outbound.ts'
import { createDb, type Db } from '../../src/store/db.ts'
import { createTenantVersions } from '../../src/store/tenant-versions.ts'
import { createSigningKeys, type SigningKeys } from '../../src/vault/signing-keys.ts'
import { createStrongbox, type Strongbox } from '../../src/vault/strongbox.ts'
import { createTokenMarks } from '../../src/vault/token-marks.ts'
import { createVault } from '../../src/vault/vault.ts'
import { createWorkloadIdentity } from '../../src/vault/workload-identity.ts'
import { createTestDatabase } from '../support/database.ts'
import { type HostileOidc, startHostileOidc } from '../support/hostile-oidc.ts'
import { promoteKeys } from '../support/promoted-keys.ts'

export const publicUrl = 'https://weft.test'
export const clientSecret = 'client-secret'
export const adminEmail = 'admin@acme.test'
export const browser = 'b'.repeat(43)

export interface TestClock extends Clock {
  advance(ms: number): void
}

/** The machine's time, so that real tokens hold, moved forward at will. */
export function testClock(): TestClock {
  let offsetMs = 0
  return {
    now: () => new Date(Date.now() + offsetMs),
    monotonicMs: () => performance.now() + offsetMs,
    advance(ms) {
      offsetMs += ms
    }
  }
}

export interface Replica {
  readonly db: Db
  readonly strongbox: Strongbox
  readonly signingKeys: SigningKeys
  readonly identity: Identity
  readonly bootstrap: Bootstrap
  readonly lastUses: LastUses
  readonly anchors: Anchors
  /** What the clockwork does every second: learns what other replicas have changed. */
  noticeChanges(): Promise<void>
}

export interface World extends Replica {
  readonly clock: TestClock
  readonly oidc: HostileOidc
  /** Tenant `acme`, whose identity provider is `oidc`, open to whomever it authenticates. */
  readonly acme: CreatedTenant
  /** Another process on the same database. @param via the way to it, such as by a proxy */
  replica(via?: (url: string) => string): Replica
  createTenant(slug: string, emailDomains?: readonly string[]): Promise<CreatedTenant>
  start(input?: Starting): Promise<string>
  /** The whole way through the identity provider. */
  login(person: JWTPayload, options?: LoginOptions): Promise<LoggedIn>
  callerOf(sessionToken: string): Promise<Caller>
  /** As another process changes acme: what it writes, and that it did. */
  change(text: string, values?: readonly unknown[]): Promise<void>
  /** As the superuser, who sees what lies in the database. */
  sql<T extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<T[]>
  close(): Promise<void>
}

interface Starting {
  readonly tenantSlug?: string | null
  readonly loginProviderId?: string | null
  readonly email?: string | null
  readonly returnTo?: string
  readonly browserToken?: string
}

export interface LoginOptions {
  readonly tenantSlug?: string
  readonly loginProviderId?: string | null
  readonly sessionToken?: string | null
  readonly invitationToken?: string | null
  readonly userAgent?: string
}

export function personNamed(name: string, claims: JWTPayload = {}): JWTPayload {
  const email = `${name}@acme.test`
  return { sub: `sub-${name}`, name, email, email_verified: true, ...claims }
}

/** @param origins of identity providers beside the hostile one */
export async function createWorld(origins: readonly string[] = []): Promise<World> {
  const database = await createTestDatabase()
  const clock = testClock()
  const oidc = await startHostileOidc(clock.now)
  const keyWrap = createKeyRing([{ kid: 'test', key: new Secret(new Uint8Array(randomBytes(32))) }])
  const superuser = new pg.Client({ connectionString: database.superuserUrl })
  await superuser.connect()
  await promoteKeys((text, values) => superuser.query(text, values), keyWrap)
  const closing: (() => Promise<void>)[] = []

  function replica(via = (url: string) => url): Replica {
    const db = createDb({ url: new Secret(via(database.appUrl)), poolMax: 5 })
    const audit = createAudit(db, clock)
    const strongbox = createStrongbox(db, keyWrap, clock)
    const outbound = createOutbound({
      extraOrigins: [oidc.issuer, ...origins],
      clock,
      userAgent: 'weft-test'
    })
    const versions = createTenantVersions(db, clock)
    const lastUses = createLastUses(db)
    const servers = createAuthorizationServers(outbound, clock)
    const exchange = { outbound, clock }
    const signingKeys = createSigningKeys({ db, keyWrap, clock })
    const workload = createWorkloadIdentity({ signingKeys, clock, publicUrl })
    const vault = createVault({
      db,
      strongbox,
      audit,
      clock,
      servers,
      exchange,
      versions,
      workload
    })
    closing.push(async () => {
      await vault.close()
      await outbound.destroy()
      await db.close()
    })
    const tokenMarks = createTokenMarks({ db, strongbox, clock })
    const kept = {
      db,
      audit,
      strongbox,
      clock,
      publicUrl,
      versions,
      lastUses,
      signingKeys,
      tokenMarks
    }
    const deps = { ...kept, issuerOutbound: outbound }
    const loginClient = createLoginClient({ outbound, clock })
    const first = { tenantSlug: 'acme', adminEmail }
    const identity = createIdentity({ ...deps, vault, loginClient, bootstrap: first })
    const noticeChanges = () => versions.poll()
    const bootstrap = createBootstrap(deps)
    const anchors = createAnchors({ db, clock, signer: signingKeys, publicUrl })
    return { db, strongbox, signingKeys, identity, bootstrap, lastUses, anchors, noticeChanges }
  }

  const own = replica()
  const createTenant = (slug: string, emailDomains: readonly string[] = []) =>
    own.bootstrap.createTenant({
      slug,
      name: slug,
      login: {
        issuer: oidc.issuer,
        clientId: `client-of-${slug}`,
        clientSecret: new Secret(clientSecret),
        emailDomains
      }
    })
  const acme = await createTenant('acme')

  async function start({
    tenantSlug = 'acme',
    loginProviderId = null,
    email = null,
    returnTo = '/console',
    browserToken = browser
  }: Starting = {}): Promise<string> {
    const wish = { tenantSlug, loginProviderId, email, returnTo, browserToken }
    return redirectOf(await own.identity.login.start(wish))
  }

  return {
    ...own,
    clock,
    oidc,
    acme,
    replica,
    createTenant,
    start,
    async login(person, { tenantSlug = 'acme', loginProviderId = null, ...presented } = {}) {
      const redirectUrl = await start({ tenantSlug, loginProviderId })
      return await own.identity.login.finish({
        ...callbackOf(redirectUrl, oidc.authorize(redirectUrl, person)),
        ...presented
      })
    },
    callerOf: (sessionToken) =>
      own.identity.authenticate({
        sessionToken,
        bearer: null,
        source: '192.0.2.9',
        requestId: randomUUID()
      }),
    async change(text, values = []) {
      await superuser.query('BEGIN')
      await superuser.query(text, [...values])
      await superuser.query(`UPDATE tenants SET version = version + 1 WHERE slug = 'acme'`)
      await superuser.query('COMMIT')
    },
    async sql<T extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) {
      const { rows } = await superuser.query<T>(text, [...values])
      return rows
    },
    async close() {
      await Promise.all(closing.map((end) => end()))
      await superuser.end()
      await oidc.stop()
      await database.drop()
    }
  }
}

/** Where a login goes on that left nothing to choose. */
export function redirectOf(started: LoginStarted): string {
  assert('redirectUrl' in started, 'there was something to choose')
  return started.redirectUrl
}

/** The callback of the browser that started the login. */
export function callbackOf(redirectUrl: string, query: string) {
  const redirectUri = new URL(redirectUrl).searchParams.get('redirect_uri') ?? ''
  const loginProviderId = redirectUri.split('/').at(-1) as CreatedTenant['loginProviderId']
  const browserToken: string | null = browser
  return {
    loginProviderId,
    query,
    browserToken,
    sessionToken: null,
    invitationToken: null,
    userAgent: 'test',
    requestId: randomUUID()
  }
}

/** The code of the AppError that the work ends in. */
export async function codeOf(work: Promise<unknown>): Promise<ProblemCode | 'no error'> {
  return (await errorOf(work))?.code ?? 'no error'
}

export async function errorOf(work: Promise<unknown>): Promise<AppError | null> {
  try {
    await work
    return null
  } catch (err) {
    if (err instanceof AppError) return err
    throw err
  }
}

export async function auditOf(
  world: World,
  tenantId: TenantId,
  action: string
): Promise<{ outcome: string; code: string | null; actor_kind: string; details: unknown }[]> {
  return await world.sql(
    `SELECT outcome, code, actor_kind, details FROM audit_events
      WHERE tenant_id = $1 AND action = $2 ORDER BY seq`,
    [tenantId, action]
  )
}
