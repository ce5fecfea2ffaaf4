import type { LoginProviderId, TeamId } from '../base/ids.ts'
import type { Page, PageQuery } from '../base/page.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'

export type LoginProviderKind = 'entra' | 'oidc'

/** Whoever has the group in the `groups` claim of their ID token has the role: in the team, or in the tenant. */
export interface GroupRole {
  readonly groupId: string
  /** Absent or null: the tenant itself, and the role is `tenant_admin`. */
  readonly teamId?: TeamId | null | undefined
  /** `member` where it is absent and there is a team. */
  readonly role?: 'admin' | 'member' | 'tenant_admin' | undefined
}

export interface NewLoginProvider {
  readonly name: string
  readonly kind: LoginProviderKind
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly allowedTenantIds?: readonly string[] | undefined
  readonly emailDomains?: readonly string[] | undefined
  readonly groupMappings?: readonly GroupRole[] | undefined
  readonly isEnabled?: boolean | undefined
}

/** JSON merge patch (RFC 7396): absent keeps, a list is replaced as a whole. */
export type LoginProviderPatch = Partial<NewLoginProvider> & { readonly version: number }

export interface LoginProviderWarning {
  readonly code: 'groups_overage'
  readonly message: string
  readonly owner: 'tenant_admin'
}

export interface LoginProviderView {
  readonly id: LoginProviderId
  readonly name: string
  readonly kind: LoginProviderKind
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: {
    readonly isSet: boolean
    readonly hint: string
    readonly setAt: Date
    readonly lastUsedAt: Date | null
  }
  readonly allowedTenantIds: readonly string[]
  readonly emailDomains: readonly string[]
  readonly groupMappings: readonly {
    readonly groupId: string
    readonly teamId: TeamId | null
    readonly role: 'admin' | 'member' | 'tenant_admin'
  }[]
  readonly isEnabled: boolean
  /** `verified`: these very settings were seen to work, by `verify` or by a login. */
  readonly status: 'ready' | 'verified' | 'disabled'
  /** To be registered at the identity provider. */
  readonly redirectUri: string
  /** Likewise, where the provider has OpenID Connect Back-Channel Logout. */
  readonly backchannelLogoutUri: string
  /** Of the last login through it. */
  readonly lastUsedAt: Date | null
  readonly warnings: readonly LoginProviderWarning[]
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

export interface LoginProviderCheck {
  readonly ok: boolean
  readonly steps: readonly {
    /** `issuer`: a place where Weft may ask; `discovery`: its metadata; `keys`: its signing keys. */
    readonly step: 'issuer' | 'discovery' | 'keys'
    readonly status: 'passed' | 'failed' | 'skipped'
    readonly code?: string
    readonly detail?: string
  }[]
}

/** A tenant's own ways to log in. Nobody locks themselves out: one stays by which an admin can come in. */
export interface LoginProviders {
  list(scope: TenantScope, page: PageQuery): Promise<Page<LoginProviderView>>
  get(scope: TenantScope, id: LoginProviderId): Promise<LoginProviderView>
  /** @throws AppError `invalid_request`, `host_not_allowed`, `not_found` (a team that is not there) */
  create(scope: TenantScope, input: NewLoginProvider): Promise<LoginProviderView>
  /** @throws AppError as `create`, `version_conflict`, and `conflict`: no admin could log in any more */
  update(
    scope: TenantScope,
    id: LoginProviderId,
    patch: LoginProviderPatch
  ): Promise<LoginProviderView>
  /** Logins that are under way through it end; whoever is logged in stays so. @throws AppError `conflict`: it is the last way in */
  remove(scope: TenantScope, id: LoginProviderId): Promise<void>
  /** Asks the identity provider anew, and tells what it found. */
  verify(scope: TenantScope, id: LoginProviderId): Promise<LoginProviderCheck>
}
