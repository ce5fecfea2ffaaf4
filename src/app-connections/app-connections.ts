/**
 * Owns: the OAuth clients that a tenant's admins registered at a provider, and their client secrets.
 * Touches: store, audit, the strongbox; oauth/ for what a verification asks a workspace.
 * Never: returns a secret, sends one anywhere but the token endpoint pinned to the workspace's own origin.
 */
import type { ProblemCode, ProblemOwner } from '../base/errors.ts'
import type { AppConnectionId, FabricId, TeamId } from '../base/ids.ts'
import type { Page, PageQuery } from '../base/page.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { RegistrationGuide } from '../providers/provider.ts'
import type {
  ClientSecretId,
  ClientSecretInput,
  ClientSecretView
} from '../vault/client-secrets.ts'

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

/** In their order; after the first that fails the rest are skipped. */
export const verificationSteps = [
  'settings',
  'host',
  'dns',
  'tls',
  'discovery',
  'client_id',
  'redirect_uri',
  'scopes',
  'offline_access',
  'client_secret'
] as const
export type VerificationStep = (typeof verificationSteps)[number]

/** What to do about a failed step, and where. */
export interface VerificationAction {
  readonly text: string
  /** The page to open. */
  readonly url?: string | undefined
  /** To be copied as it is. */
  readonly value?: string | undefined
}

export interface VerificationStepResult {
  readonly step: VerificationStep
  readonly status: 'passed' | 'failed' | 'skipped'
  readonly code?: ProblemCode | undefined
  readonly detail?: string | undefined
  readonly owner?: ProblemOwner | undefined
  readonly action?: VerificationAction | undefined
  readonly durationMs: number
}

export interface Verification {
  readonly ok: boolean
  readonly workspaceHost: string
  readonly checkedAt: Date
  readonly steps: readonly VerificationStepResult[]
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
  /** Of what Weft registered at the account; null: nothing. */
  readonly registrationId: string | null
  readonly status: 'draft' | 'ready' | 'verified' | 'disabled'
  /** Of these very settings; null: none since they last changed. */
  readonly lastVerification: Verification | null
  readonly warnings: readonly {
    readonly code: 'secret_expiring'
    readonly message: string
    readonly owner: ProblemOwner
  }[]
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

/** What to do at the provider, cloud by cloud, so that this app connection can be used. */
export interface AppConnectionSetup {
  readonly redirectUri: string
  readonly scopes: readonly string[]
  /** How long the provider may take to apply a change. */
  readonly propagationMinutes: number
  readonly clouds: readonly RegistrationGuide[]
}

export interface AppConnectionUsage {
  /** Newest first, 500 at most. */
  readonly fabrics: readonly {
    readonly id: FabricId
    readonly name: string
    readonly teamId: TeamId
    /** It names no app connection, and so uses the default. */
    readonly isByDefault: boolean
  }[]
  readonly signIns: number
  readonly people: number
  /** In sentences; empty: nothing follows. */
  readonly whatFollows: {
    readonly disabled: readonly string[]
    readonly deleted: readonly string[]
  }
}

export interface UnservedFabric {
  readonly id: FabricId
  readonly name: string
  readonly code: 'app_connection_missing' | 'host_not_allowed'
}

export interface TeamCapability {
  readonly id: TeamId
  readonly name: string
  readonly available: boolean
  readonly reason: string | null
  /** The team's fabrics at which nobody can sign in. */
  readonly unserved: readonly UnservedFabric[]
}

export interface Capability {
  readonly provider: 'databricks'
  readonly authMethod: 'oauth' | 'pat'
  readonly available: boolean
  /** Why not, and whom to ask; null when it is. */
  readonly reason: string | null
  readonly owner: ProblemOwner | null
  /** Whom to ask: some of the tenant's admins, while something is missing. */
  readonly contacts: readonly { readonly name: string; readonly email: string }[]
  /** Those that the caller sees. */
  readonly teams: readonly TeamCapability[]
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
  setup(scope: TenantScope, id: AppConnectionId): Promise<AppConnectionSetup>
  usage(scope: TenantScope, id: AppConnectionId): Promise<AppConnectionUsage>
  /**
   * @param endSignIns agrees to what would end; it is told to the provider where that can be done
   * @throws AppError `conflict`: fabrics name it, or sign-ins would end and nobody agreed to that
   */
  remove(
    scope: TenantScope,
    id: AppConnectionId,
    options: { readonly endSignIns: boolean }
  ): Promise<void>
  /** Adds a new current secret; what was current becomes previous and is tried next. */
  addSecret(
    scope: TenantScope,
    id: AppConnectionId,
    input: ClientSecretInput
  ): Promise<AppConnectionView>
  removeSecret(scope: TenantScope, id: AppConnectionId, secretId: ClientSecretId): Promise<void>
  /**
   * Asks one workspace what it makes of the client, telling each step as it ends. A failed verification is an
   * answer, not a throw; it is kept unless the settings changed meanwhile.
   * @param workspaceUrl default: of a fabric that uses the app connection
   * @throws AppError `invalid_request`: no workspace to ask
   */
  verify(
    scope: TenantScope,
    id: AppConnectionId,
    input: { workspaceUrl?: string | undefined },
    onStep: (result: VerificationStepResult) => void,
    signal: AbortSignal
  ): Promise<Verification>
  capabilities(scope: TenantScope): Promise<readonly Capability[]>
}
