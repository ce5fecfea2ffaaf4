/**
 * Owns: fabrics – create, complete, open, test the connection, sign in and out.
 * Touches: store, audit, the vault, oauth and providers, outbound's probes.
 * Never: an answer with a secret or a token in it; a packet to a host that its tenant may not use.
 */
import type { ProblemCode, ProblemOwner } from '../base/errors.ts'
import type {
  AppConnectionId,
  FabricId,
  ServiceAccountId,
  SignInAttemptId,
  TeamId
} from '../base/ids.ts'
import type { Page, PageQuery } from '../base/page.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Resource, ResourceKind } from '../providers/resources.ts'
import type { ClientSecretId, ClientSecretInput } from '../vault/client-secrets.ts'
import type { JobSize } from './job-sizes.ts'
import type { ServicePrincipalInput, ServicePrincipalView } from './service-principal.ts'
import type { TestAs, TestListener, TestResult, TestResults } from './test-results.ts'
import type { UsageQuery, UsageView } from './usage-view.ts'

/** SQL: a warehouse, catalog and schema. Spark: a cluster, or `serverless`. */
export interface Compute {
  readonly warehouseId?: string | undefined
  readonly clusterId?: string | undefined
  readonly serverless?: boolean | undefined
  readonly httpPath?: string | undefined
  readonly catalog?: string | undefined
  readonly schema?: string | undefined
}

/** Of the data plane, each in milliseconds and counted apart; what is not set is Weft's own. */
export interface Deadlines {
  readonly connectMs?: number | undefined
  readonly firstByteMs?: number | undefined
  readonly idleMs?: number | undefined
  readonly totalMs?: number | undefined
}

export interface FabricWarning {
  readonly code:
    | 'service_principal_missing'
    | 'deployment_orphaned'
    | 'app_connection_missing'
    | 'secret_expiring'
    | 'sign_in_expiring'
  readonly message: string
  readonly owner: ProblemOwner
}

export type GrantState =
  | 'pending'
  | 'active'
  | 'degraded'
  | 'needs_sign_in'
  | 'misconfigured'
  | 'paused'
  | 'revoked'

export interface FabricView {
  readonly id: FabricId
  readonly slug: string
  readonly name: string
  readonly description: string
  readonly teamId: TeamId
  readonly kind: 'spark' | 'sql'
  readonly provider: 'databricks'
  readonly workspaceUrl: string
  readonly authMethod: 'oauth' | 'pat'
  readonly appConnectionId: AppConnectionId | null
  readonly servicePrincipal: ServicePrincipalView | null
  readonly servicePrincipalUse: 'admins' | 'team'
  readonly compute: Compute
  readonly jobSizes: readonly JobSize[]
  /** Depended upon: needs a service principal. */
  readonly production: boolean
  readonly endpointAllowList: readonly string[] | null
  readonly deadlines: Deadlines
  readonly status: 'draft' | 'complete'
  readonly warnings: readonly FabricWarning[]
  readonly health: { readonly state: GrantState | 'unknown'; readonly since: Date | null }
  readonly version: number
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** Exactly one of `workspaceUrl` and `jdbcUrl`. */
export interface NewFabric {
  readonly name: string
  readonly description?: string | undefined
  readonly teamId: TeamId
  readonly kind: 'spark' | 'sql'
  readonly provider: 'databricks'
  readonly workspaceUrl?: string | undefined
  readonly jdbcUrl?: string | undefined
  readonly authMethod: 'oauth' | 'pat'
  readonly appConnectionId?: AppConnectionId | undefined
  readonly servicePrincipal?: ServicePrincipalInput | undefined
  readonly servicePrincipalUse?: 'admins' | 'team' | undefined
  readonly compute?: Compute | undefined
  readonly jobSizes?: readonly JobSize[] | undefined
  readonly production?: boolean | undefined
  readonly endpointAllowList?: readonly string[] | undefined
  readonly deadlines?: Deadlines | undefined
}

/** JSON merge patch (RFC 7396): null removes, absent keeps; members of `compute` and `deadlines` likewise. */
export interface FabricPatch {
  readonly version: number
  readonly name?: string | undefined
  readonly description?: string | null | undefined
  readonly workspaceUrl?: string | undefined
  readonly jdbcUrl?: string | undefined
  readonly appConnectionId?: AppConnectionId | null | undefined
  readonly servicePrincipal?: ServicePrincipalInput | null | undefined
  readonly servicePrincipalUse?: 'admins' | 'team' | undefined
  readonly compute?: { readonly [K in keyof Compute]?: Compute[K] | null } | null | undefined
  readonly jobSizes?: readonly JobSize[] | null | undefined
  readonly production?: boolean | undefined
  readonly endpointAllowList?: readonly string[] | null | undefined
  readonly deadlines?:
    | { readonly [K in keyof Deadlines]?: number | null | undefined }
    | null
    | undefined
}

export interface FabricTransfer {
  readonly fabric: FabricView
  readonly dropped: {
    /** Its client id; null: there was none. */
    readonly servicePrincipal: string | null
    readonly serviceAccountIds: readonly ServiceAccountId[]
  }
}

export interface ConnectionView {
  readonly state: GrantState
  readonly since: Date | null
  readonly cause: string | null
  readonly workspaceUser: { readonly userName: string; readonly id: string } | null
  readonly accessTokenExpiresAt: Date | null
  readonly predictedSignInAt: Date | null
  readonly nextTryAt: Date | null
  readonly warnings: readonly FabricWarning[]
}

export interface SignInStarted {
  readonly attemptId: SignInAttemptId
  readonly authorizationUrl: string
  readonly expiresAt: Date
}

export type SignInDisplay = 'page' | 'popup'

export interface SignInStart {
  readonly sessionId: string
  readonly returnTo: string | null
  /** Where the person reaches Weft, and where the workspace sends them back to; default: the first public URL. */
  readonly publicUrl?: string | undefined
  /** Default: `page`. */
  readonly display?: SignInDisplay | undefined
  /** Whether the connection may become another workspace user's; default: it may not. */
  readonly switchUser?: boolean | undefined
  /** Asks the workspace to let the person choose who they are, where it can. */
  readonly asksWho?: boolean | undefined
}

export interface SignInAttemptView {
  readonly id: SignInAttemptId
  readonly fabricId: FabricId
  readonly status: 'pending' | 'succeeded' | 'failed' | 'expired'
  readonly code: ProblemCode | null
  readonly detail: string | null
  readonly owner: ProblemOwner | null
  /** Who signed in at the workspace, as far as it came to that. */
  readonly workspaceUser: { readonly userName: string; readonly id: string } | null
  /**
   * `another_user`: the connection stands for somebody else, and still does. `another_email`: it was kept, but the
   * person has another address here.
   */
  readonly mismatch: 'another_user' | 'another_email' | null
  /** Whom it was expected to be. */
  readonly expectedUserName: string | null
  readonly display: SignInDisplay
  readonly returnTo: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly finishedAt: Date | null
}

export interface SignInCallback {
  readonly appConnectionId: AppConnectionId
  /** The query string of the callback as it came, without `?`. */
  readonly query: string
  /** The session of the browser that came back. */
  readonly sessionId: string
}

export interface DiscoveryQuery extends PageQuery {
  readonly kind: ResourceKind
  /** Null: a person as themself, a service account as the service principal. */
  readonly as: TestAs | null
  /** What the name or the id holds, whatever the case; null: anything. */
  readonly text: string | null
}

/** By name. */
export interface DiscoveryPage extends Page<Resource> {
  /** As whom it was looked up. */
  readonly identity: TestAs
  /** The workspace has more than is read; `text` finds nothing beyond. */
  readonly isCut: boolean
}

export interface FabricQuery extends PageQuery {
  readonly kind?: 'spark' | 'sql' | undefined
  readonly teamId?: TeamId | undefined
  readonly status?: 'draft' | 'complete' | undefined
  /** What the name holds, whatever the case. */
  readonly q?: string | undefined
}

export interface Fabrics {
  /** Those that the actor sees, with how they do. */
  list(scope: TenantScope, query: FabricQuery): Promise<Page<FabricView>>
  get(scope: TenantScope, id: FabricId): Promise<FabricView>
  create(scope: TenantScope, input: NewFabric): Promise<FabricView>
  update(scope: TenantScope, id: FabricId, patch: FabricPatch): Promise<FabricView>
  remove(scope: TenantScope, id: FabricId): Promise<void>
  /** @throws AppError `fabric_incomplete`, with all that is missing */
  complete(scope: TenantScope, id: FabricId): Promise<FabricView>
  /**
   * Adds a new current secret of the service principal; what was current becomes previous and is tried next.
   * @throws AppError `service_principal_missing`; `conflict`: it has as many as the provider allows
   */
  addPrincipalSecret(
    scope: TenantScope,
    id: FabricId,
    input: ClientSecretInput
  ): Promise<FabricView>
  /** @throws AppError `not_found`; `conflict`: it is the only one */
  removePrincipalSecret(scope: TenantScope, id: FabricId, secretId: ClientSecretId): Promise<void>
  /**
   * Gives the fabric to another team, without its service principal and without the service accounts that
   * were allowed to use it. People's own sign-ins are theirs and stay.
   * @throws AppError `not_found`, `forbidden`: not an admin of both teams; `version_conflict`
   */
  transfer(
    scope: TenantScope,
    id: FabricId,
    input: { teamId: TeamId; version: number }
  ): Promise<FabricTransfer>
  /**
   * A test that fails is a good answer; of a saved fabric it is kept as the latest.
   * @throws AppError `not_found`, `forbidden`; `rate_limited`: this person tests too often
   */
  testConnection(
    scope: TenantScope,
    id: FabricId,
    as: TestAs,
    listener: TestListener,
    signal: AbortSignal
  ): Promise<TestResult>
  /** The same before saving. */
  testUnsaved(
    scope: TenantScope,
    input: NewFabric,
    as: TestAs,
    listener: TestListener,
    signal: AbortSignal
  ): Promise<TestResult>
  testResults(scope: TenantScope, id: FabricId): Promise<TestResults>
  /** @throws AppError `conflict` with where to go instead: the fabric takes personal access tokens */
  startSignIn(scope: TenantScope, id: FabricId, input: SignInStart): Promise<SignInStarted>
  /**
   * @throws AppError `attempt_expired`, `attempt_not_yours`; `SignInFault` with the problem that the provider's answer
   *   stands for, or `conflict`: signed in as another user than the connection's
   */
  finishSignIn(scope: TenantScope, input: SignInCallback): Promise<SignInAttemptView>
  signInAttempt(scope: TenantScope, id: SignInAttemptId): Promise<SignInAttemptView>
  connection(scope: TenantScope, id: FabricId): Promise<ConnectionView>
  /**
   * Keeps a person's own personal access token for the workspace of the fabric, once it is known whose it is.
   * @throws AppError `conflict`: the fabric takes none; `invalid_request`: the workspace refuses it; `forbidden`:
   *   another workspace user's than the one before; whatever reaching the workspace throws
   */
  putPersonalToken(
    scope: TenantScope,
    id: FabricId,
    input: { readonly token: Secret; readonly expiresAt: Date | null }
  ): Promise<ConnectionView>
  /**
   * What the workspace shows to the identity, of a draft too; endpoints as far as the lists of the fabric and
   * the caller allow. Compute is not for whom a list limits to endpoints, other than the fabric's admins.
   * @throws AppError `sign_in_needed` with its link, `service_principal_missing`, `endpoint_not_allowed`,
   *   `invalid_request`: a cursor of nothing; or what the workspace's answer stands for
   */
  discover(scope: TenantScope, id: FabricId, query: DiscoveryQuery): Promise<DiscoveryPage>
  /**
   * Whose calls they were is for the fabric's admins; anybody else's items are their own calls.
   * @throws AppError `invalid_request`: a range that is none, or over 366 days
   */
  usage(scope: TenantScope, id: FabricId, query: UsageQuery): Promise<UsageView>
  signOut(scope: TenantScope, id: FabricId): Promise<void>
}
