/**
 * Owns: who is calling – login, sessions, service accounts, keys, roles – and the making of TenantScopes.
 * Touches: store, audit, the vault's strongbox, and an identity provider through `login-client.ts`.
 * Never: a Databricks token, an HTTP request or response.
 */
import type {
  FabricId,
  KeyId,
  LoginProviderId,
  ServiceAccountId,
  SessionId,
  TeamId,
  TenantId,
  UserId
} from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'

/** Whom a request comes from, once known. */
export interface Caller {
  readonly scope: TenantScope
  /** `session` is a person in a browser, `service_key` a service account. */
  readonly via: 'session' | 'service_key'
  readonly sessionId: SessionId | null
  readonly keyId: KeyId | null
}

export interface Credentials {
  /** Value of the session cookie. */
  readonly sessionToken: string | null
  /** What stands after `Bearer `. */
  readonly bearer: string | null
  readonly requestId: string
}

export interface Page<T> {
  readonly items: readonly T[]
  readonly nextCursor: string | null
}
export interface PageQuery {
  readonly limit: number
  readonly cursor: string | null
}

export interface LoginStart {
  readonly tenantSlug: string | null
  /** Only ever used as a same-origin path; anything else becomes `/`. */
  readonly returnTo: string | null
  /** Value of the cookie that binds attempts to this browser, when it has one. */
  readonly browserToken: string | null
}

export interface LoginCallback {
  readonly loginProviderId: LoginProviderId
  /** The query string of the callback as it came, without `?`. */
  readonly query: string
  readonly browserToken: string | null
  /** A session that the browser holds already; it ends. */
  readonly sessionToken: string | null
  readonly userAgent: string
  readonly requestId: string
}

export interface Login {
  /** @throws AppError `not_found`: no such tenant or it has no login provider; `upstream_unavailable`: the identity provider is away */
  start(input: LoginStart): Promise<{ redirectUrl: string; browserToken: string }>
  /** @throws AppError `attempt_expired`, `attempt_not_yours`, `forbidden` (not a member and may not join), `unauthenticated` (the identity provider's answer does not hold) */
  finish(input: LoginCallback): Promise<{ sessionToken: string; expiresAt: Date; returnTo: string }>
}

export interface Me {
  readonly user: { readonly id: UserId; readonly email: string; readonly name: string }
  readonly tenant: { readonly id: TenantId; readonly slug: string; readonly name: string }
  readonly tenants: readonly {
    readonly id: TenantId
    readonly slug: string
    readonly name: string
  }[]
  readonly role: 'tenant_admin' | 'member'
  readonly teams: readonly {
    readonly id: TeamId
    readonly name: string
    readonly role: 'admin' | 'member'
  }[]
}

export interface SessionView {
  readonly id: SessionId
  readonly isCurrent: boolean
  readonly userAgent: string
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
}

export interface Sessions {
  me(caller: Caller): Promise<Me>
  /** Moves this session to another tenant of the same person. @throws AppError `not_found` */
  switchTenant(caller: Caller, tenantId: TenantId): Promise<Me>
  list(caller: Caller): Promise<readonly SessionView[]>
  end(caller: Caller, sessionId: SessionId): Promise<void>
  /** @returns where to end the session at the identity provider too, when it offers that */
  logout(sessionToken: string | null, requestId: string): Promise<{ endSessionUrl: string | null }>
}

export interface ServiceAccountView {
  readonly id: ServiceAccountId
  readonly name: string
  readonly version: number
  readonly createdAt: Date
  readonly fabrics: readonly FabricAccess[]
}

/** A fabric that a service account may reach; `endpoints` undefined: all that the fabric allows. */
export interface FabricAccess {
  readonly fabricId: FabricId
  readonly endpoints?: readonly string[] | undefined
  readonly requestsPerMinute?: number | undefined
}

export interface KeyView {
  readonly id: KeyId
  readonly name: string
  readonly hint: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
}

export interface ServiceAccounts {
  list(scope: TenantScope, page: PageQuery): Promise<Page<ServiceAccountView>>
  get(scope: TenantScope, id: ServiceAccountId): Promise<ServiceAccountView>
  create(scope: TenantScope, input: { name: string }): Promise<ServiceAccountView>
  remove(scope: TenantScope, id: ServiceAccountId): Promise<void>
  /** Replaces the whole list. @throws AppError `not_found`: a fabric that is not in this tenant */
  setFabrics(
    scope: TenantScope,
    id: ServiceAccountId,
    fabrics: readonly FabricAccess[]
  ): Promise<ServiceAccountView>
  listKeys(scope: TenantScope, id: ServiceAccountId): Promise<readonly KeyView[]>
  /** @returns the key in clear, this one time */
  createKey(
    scope: TenantScope,
    id: ServiceAccountId,
    input: { name: string; expiresAt?: Date | undefined }
  ): Promise<KeyView & { readonly key: string }>
  revokeKey(scope: TenantScope, id: ServiceAccountId, keyId: KeyId): Promise<void>
}

export interface Idempotency {
  /**
   * Runs `work` once per (principal, key) in 24 hours and gives every repetition the first answer.
   * A call that failed had no effect and frees the key.
   * @throws AppError `idempotency_conflict`: the key was used with another operation or body, or its first call is under way
   */
  once<T>(
    scope: TenantScope,
    call: { readonly key: string; readonly operation: string; readonly body: unknown },
    work: () => Promise<T>
  ): Promise<T>
}

export interface Identity {
  readonly login: Login
  readonly sessions: Sessions
  readonly serviceAccounts: ServiceAccounts
  readonly idempotency: Idempotency
  /** @throws AppError `unauthenticated`: nothing, or nothing valid, was presented */
  authenticate(credentials: Credentials): Promise<Caller>
}
