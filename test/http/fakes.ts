import { Writable } from 'node:stream'
import { pino } from 'pino'
import { type AppDeps, buildApp } from '../../src/app.ts'
import type {
  AppConnections,
  AppConnectionView
} from '../../src/app-connections/app-connections.ts'
import type { Registrations } from '../../src/app-connections/registrations.ts'
import { AppError } from '../../src/base/errors.ts'
import { asId, type IdKind, idPrefixes } from '../../src/base/ids.ts'
import { type Actor, type Authority, makeTenantScope } from '../../src/base/tenant-scope.ts'
import type { Deployments } from '../../src/fabrics/deployments/deployments.ts'
import type { FabricSlugs } from '../../src/fabrics/fabric-slugs.ts'
import type { Fabrics, FabricView } from '../../src/fabrics/fabrics.ts'
import type { FederationPolicies } from '../../src/fabrics/federation-policies.ts'
import type { Gateway } from '../../src/gateway/gateway.ts'
import type { AuditReader } from '../../src/http/schemas/audit.ts'
import type { OperationsReader } from '../../src/http/schemas/operations.ts'
import type {
  Caller,
  Identity,
  Login,
  LoginProviders,
  ServiceAccounts,
  ServiceTokens,
  Sessions,
  Tenants
} from '../../src/identity/identity.ts'
import type { Interchange } from '../../src/interchange/interchange.ts'
import type { Webhooks } from '../../src/webhooks/webhooks.ts'

export const publicUrl = 'http://weft.test'
export const now = new Date('2026-05-04T03:02:01.000Z')

/** An id of `kind` that holds its pattern; `letter` tells one from another. */
export function anId<K extends IdKind>(kind: K, letter = 'a') {
  return asId(kind, `${idPrefixes[kind]}_${letter.repeat(26)}`)
}

export const fabricId = anId('fabric')

/** Tokens that the fake identity knows, and who stands behind each. */
export const tokens = {
  admin: 'session-of-the-admin',
  member: 'session-of-a-member',
  service: 'wfts_a_service_key'
} as const

const ofService: Authority = { may: (operation) => operation.startsWith('endpoint.'), teams: [] }
const everything: Authority = { may: () => true, teams: 'all' }
const ofMember: Authority = {
  may: (operation) => /^(me|session|fabric|connection|sign_in|capability)/.test(operation),
  teams: [anId('team')]
}

function callerOf(token: string | null, requestId: string): Caller {
  const user: Actor = { kind: 'user', id: anId('user') }
  const service: Actor = { kind: 'service_account', id: anId('serviceAccount') }
  const scopeOf = (actor: Actor, authority: Authority) =>
    makeTenantScope(anId('tenant'), actor, authority, requestId)
  const sessionId = anId('session')
  if (token === tokens.admin) {
    return { scope: scopeOf(user, everything), via: 'session', sessionId, keyId: null }
  }
  if (token === tokens.member) {
    return { scope: scopeOf(user, ofMember), via: 'session', sessionId, keyId: null }
  }
  if (token === tokens.service) {
    const scope = scopeOf(service, ofService)
    return { scope, via: 'service_key', sessionId: null, keyId: anId('key') }
  }
  throw new AppError('unauthenticated')
}

/** A room of which only what a test needs is there; the rest fails the test that reaches it. */
export function room<T extends object>(parts: Partial<NoInfer<T>>, name: string): T {
  return new Proxy(parts, {
    get(target, member) {
      if (Reflect.has(target, member)) return Reflect.get(target, member)
      return () => Promise.reject(new Error(`${name}.${String(member)} was not expected`))
    }
  }) as T
}

export const me = {
  user: { id: anId('user'), email: 'admin@acme.test', name: 'Ada' },
  tenant: { id: anId('tenant'), slug: 'acme', name: 'Acme' },
  tenants: [],
  role: 'tenant_admin',
  isPlatformOperator: false,
  teams: []
} as const

export const fabric: FabricView = {
  id: fabricId,
  slug: 'lake',
  name: 'Lake',
  description: '',
  teamId: anId('team'),
  kind: 'sql',
  provider: 'databricks',
  workspaceUrl: 'https://adb-1.azuredatabricks.net',
  authMethod: 'oauth',
  appConnectionId: null,
  servicePrincipal: null,
  servicePrincipalUse: 'admins',
  compute: { warehouseId: 'w1' },
  jobSizes: [],
  production: false,
  endpointAllowList: null,
  deadlines: {},
  status: 'draft',
  warnings: [],
  health: { state: 'unknown', since: null },
  version: 3,
  createdAt: now,
  updatedAt: now
}

export const appConnection: AppConnectionView = {
  id: anId('appConnection'),
  name: 'Main',
  provider: 'databricks',
  accountHost: null,
  accountId: null,
  clientId: 'client',
  clientSecrets: [],
  clientAuthMethod: 'client_secret_post',
  scopes: ['all-apis'],
  isDefault: true,
  isDisabled: false,
  allowedHosts: [],
  tokenPolicy: {
    refreshTokenTtlMinutes: null,
    absoluteSessionLifetimeMinutes: null,
    hasSingleUseRefreshTokens: null
  },
  registrationId: null,
  status: 'ready',
  lastVerification: null,
  warnings: [],
  redirectUri: `${publicUrl}/oauth/callback/x`,
  version: 1,
  createdAt: now,
  updatedAt: now
}

export interface Fakes {
  identity?: Partial<Identity>
  appConnections?: Partial<AppConnections>
  registrations?: Partial<Registrations>
  fabrics?: Partial<Fabrics>
  federationPolicies?: Partial<FederationPolicies>
  deployments?: Partial<Deployments>
  fabricSlugs?: Partial<FabricSlugs>
  gateway?: Partial<Gateway>
  interchange?: Partial<Interchange>
  audit?: Partial<AuditReader>
  webhooks?: Partial<Webhooks>
  operations?: Partial<OperationsReader>
  deps?: Partial<AppDeps>
}

/** The app on fakes that fail unless a test says otherwise, and the lines that it logs. */
export async function appWith(fakes: Fakes = {}) {
  const lines: Record<string, unknown>[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(JSON.parse(chunk.toString()))
      done()
    }
  })
  const identity = room<Identity>(
    {
      authenticate: async ({ sessionToken, bearer, requestId }) =>
        callerOf(sessionToken ?? bearer, requestId),
      sessions: room<Sessions>({ me: async () => me }, 'sessions'),
      login: room<Login>({}, 'login'),
      loginProviders: room<LoginProviders>({}, 'loginProviders'),
      serviceTokens: room<ServiceTokens>({}, 'serviceTokens'),
      serviceAccounts: room<ServiceAccounts>({}, 'serviceAccounts'),
      idempotency: { once: (_scope, _call, work) => work() },
      tenants: room<Tenants>({}, 'tenants'),
      denials: { note: async () => {} },
      openCalls: { open: () => () => undefined, review: async () => {} },
      ...fakes.identity
    },
    'identity'
  )
  let count = 0
  const app = await buildApp({
    publicUrl,
    fabricDomain: null,
    trustedProxies: [],
    identity,
    appConnections: room(fakes.appConnections ?? {}, 'appConnections'),
    registrations: room(fakes.registrations ?? {}, 'registrations'),
    fabrics: room(fakes.fabrics ?? {}, 'fabrics'),
    federationPolicies: room(fakes.federationPolicies ?? {}, 'federationPolicies'),
    deployments: room(fakes.deployments ?? {}, 'deployments'),
    fabricSlugs: room(fakes.fabricSlugs ?? {}, 'fabricSlugs'),
    gateway: room({ enter: () => () => undefined, ...fakes.gateway }, 'gateway'),
    interchange: room(fakes.interchange ?? {}, 'interchange'),
    audit: room(fakes.audit ?? {}, 'audit'),
    operations: room(fakes.operations ?? {}, 'operations'),
    readiness: async () => [],
    webhooks: room(fakes.webhooks ?? {}, 'webhooks'),
    slowClients: { bodies: 0, readers: 0 },
    logger: pino({ level: 'trace' }, stream),
    clock: { now: () => now, monotonicMs: () => performance.now() },
    newRequestId: () => `req-${String(++count).padStart(8, '0')}`,
    ...fakes.deps
  })
  return { app, lines }
}

export const host = new URL(publicUrl).host
const cookieOf = (token: string) => `__Host-weft_session=${token}`

/** Headers of a call by the pages of Weft itself, in the browser of `token`. */
export function browser(token: string): Record<string, string> {
  return {
    host,
    cookie: cookieOf(token),
    'x-weft-csrf': '1',
    'sec-fetch-site': 'same-origin'
  }
}

export function service(token: string = tokens.service): Record<string, string> {
  return { host, authorization: `Bearer ${token}` }
}

export const anonymous = { host }
