/**
 * Owns: the OAuth clients that a tenant's admins registered at a provider, and their client secrets.
 * Touches: store, audit, the strongbox.
 * Never: returns a secret, sends one anywhere.
 */
import type { AppConnectionId, IdOf } from '../base/ids.ts'
import type { Page, PageQuery } from '../base/page.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'

export type ClientSecretId = IdOf<'clientSecret'>
export type ClientAuthMethod = 'client_secret_post' | 'client_secret_basic'

/** The provider's token access policy of this client, as far as the admin knows it. */
export interface TokenPolicy {
  /** Null: the provider's default. */
  readonly refreshTokenTtlMinutes: number | null
  /** Null: a sign-in has no end but the refresh token's own. */
  readonly absoluteSessionLifetimeMinutes: number | null
  /** Null: not known. */
  readonly hasSingleUseRefreshTokens: boolean | null
}

export interface ClientSecretView {
  readonly id: ClientSecretId
  readonly state: 'current' | 'previous'
  readonly hint: string
  readonly setAt: Date
  readonly lastUsedAt: Date | null
  readonly isSafeToDelete: boolean
}

export interface AppConnectionView {
  readonly id: AppConnectionId
  readonly name: string
  readonly provider: 'databricks'
  readonly accountHost: string | null
  readonly accountId: string | null
  readonly clientId: string | null
  readonly clientSecrets: readonly ClientSecretView[]
  readonly clientAuthMethod: ClientAuthMethod
  readonly scopes: readonly string[]
  readonly isDefault: boolean
  readonly isDisabled: boolean
  readonly allowedHosts: readonly string[]
  readonly tokenPolicy: TokenPolicy
  readonly status: 'draft' | 'ready' | 'verified' | 'disabled'
  readonly redirectUri: string
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface NewAppConnection {
  readonly name: string
  readonly provider: 'databricks'
  readonly accountHost?: string | undefined
  readonly accountId?: string | undefined
  readonly clientId?: string | undefined
  readonly clientSecret?: Secret | undefined
  readonly clientAuthMethod?: ClientAuthMethod | undefined
  readonly scopes?: readonly string[] | undefined
  readonly isDefault?: boolean | undefined
  readonly allowedHosts?: readonly string[] | undefined
  readonly tokenPolicy?: Partial<TokenPolicy> | undefined
}

/** JSON merge patch (RFC 7396): null removes, absent keeps. */
export interface AppConnectionPatch {
  readonly version: number
  readonly name?: string | undefined
  readonly accountHost?: string | null | undefined
  readonly accountId?: string | null | undefined
  readonly clientId?: string | null | undefined
  readonly clientSecret?: Secret | undefined
  readonly clientAuthMethod?: ClientAuthMethod | undefined
  readonly scopes?: readonly string[] | undefined
  readonly isDefault?: boolean | undefined
  readonly isDisabled?: boolean | undefined
  readonly allowedHosts?: readonly string[] | undefined
  readonly tokenPolicy?: Partial<TokenPolicy> | undefined
}

export interface Capability {
  readonly provider: 'databricks'
  readonly authMethod: 'oauth' | 'pat'
  readonly available: boolean
  /** Why not, and whom to ask; null when it is. */
  readonly reason: string | null
}

export interface AppConnections {
  list(scope: TenantScope, page: PageQuery): Promise<Page<AppConnectionView>>
  get(scope: TenantScope, id: AppConnectionId): Promise<AppConnectionView>
  create(scope: TenantScope, input: NewAppConnection): Promise<AppConnectionView>
  /** @throws AppError `version_conflict` */
  update(
    scope: TenantScope,
    id: AppConnectionId,
    patch: AppConnectionPatch
  ): Promise<AppConnectionView>
  /** @throws AppError `invalid_request` while fabrics use it */
  remove(scope: TenantScope, id: AppConnectionId): Promise<void>
  /** Adds a new current secret; what was current becomes previous and is tried next. */
  addSecret(
    scope: TenantScope,
    id: AppConnectionId,
    input: { clientSecret: Secret }
  ): Promise<AppConnectionView>
  removeSecret(scope: TenantScope, id: AppConnectionId, secretId: ClientSecretId): Promise<void>
  capabilities(scope: TenantScope): Promise<readonly Capability[]>
}
