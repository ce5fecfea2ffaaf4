/**
 * Owns: what one provider of workspaces is like – hosts, OAuth, calls, how its failures read.
 * May touch: `base/`. Never: opens a connection, holds a credential, keeps state; all of it is pure.
 */
import type { ProblemCode } from '../base/errors.ts'
import type { ProviderAccount } from './account.ts'
import type { ProviderFederation } from './federation.ts'
import type { ProviderJobs } from './jobs.ts'
import type { AnswerHeaders, ProviderCall } from './provider-call.ts'
import type { ResourceKind, ResourcePage, ResourcePermission } from './resources.ts'

export type { AnswerHeaders, Interpretation, ProviderCall } from './provider-call.ts'

/** What people paste, taken apart. Whether the origin may be called is for the host rule to say. */
export interface WorkspaceAddress {
  /** `https://host[:port]`, lower case; `http:` only if it was typed. */
  readonly origin: string
  /** Of the one workspace meant, where a host serves several or its name tells. */
  readonly workspaceId?: string
  /** Path of a SQL connection, as in a JDBC URL. */
  readonly httpPath?: string
}

/** The compute that a fabric uses. */
export type ComputeRef =
  | { readonly kind: 'warehouse'; readonly id: string }
  | { readonly kind: 'cluster'; readonly id: string }

export interface ProviderIdentity {
  readonly userName: string
  readonly id: string
  readonly kind: 'user' | 'service_principal'
}

export interface ComputeState {
  /** The provider's own word, for showing. */
  readonly state: string
  /** `stopped`: the first work that it is given starts it. */
  readonly condition: 'running' | 'starting' | 'stopped'
}

/** Of a statement that ended well, or that was ended because it took too long. */
export type StatementEnd = 'done' | 'late'

/** How little work is tried on compute: a statement on a warehouse, an execution context on a cluster. */
export interface ProviderTrials {
  /** Ends by itself within `statementSeconds`; starts the warehouse where it is stopped. */
  statementCall(warehouseId: string, sql: string): ProviderCall<StatementEnd>
  readonly statementSeconds: number
  /** Attaches to a running cluster; the value names the context. */
  attachCall(clusterId: string): ProviderCall<string>
  isAttachedCall(clusterId: string, context: string): ProviderCall<boolean>
  detachCall(clusterId: string, context: string): ProviderCall<null>
  /** Statements that fail where the identity does not see a catalog, and a schema. */
  seeCatalog(catalog: string): string
  seeSchema(catalog: string | null, schema: string): string
}

/** What a failed call of the token endpoint means for the grant, the app connection and the next try. */
export type OAuthFailureKind =
  /** The refresh token or code is no good any more: sign in again. */
  | 'dead_grant'
  /** The client itself was refused; every user's grant stays as it is. */
  | 'client_refused'
  | 'scope_missing'
  | 'redirect_uri_mismatch'
  | 'ip_not_allowed'
  /** No OAuth at this address: a web page, or no such path. */
  | 'oauth_not_enabled'
  | 'throttled'
  /** Worth the same call later; nothing is lost. */
  | 'transient'
  /** The identity has not the rights that were asked for in `authorization_details` (RFC 9396 §5). */
  | 'details_refused'
  /** Nothing at the account lets this JWT stand for the service principal. */
  | 'federation_policy_missing'
  /** What does is for another subject, audience or issuer. */
  | 'federation_policy_mismatch'
  /** The signature can't be checked: the issuer is out of the provider's reach, or the keys it was given are old. */
  | 'federation_keys_unavailable'
  /** Another refusal in OAuth's own form. */
  | 'refused'
  /** Not an answer of a token endpoint. */
  | 'malformed'

export interface OAuthFailure {
  readonly kind: OAuthFailureKind
  /** As the provider asked, at least 1 and at most 3600. */
  readonly retryAfterSeconds?: number
}

/** How an admin registers an OAuth client in one of the provider's clouds; data for pages, no markup. */
export interface RegistrationGuide {
  /** `aws`, `azure`, … */
  readonly cloud: string
  readonly cloudName: string
  /** Where an account admin of the provider does it, `https://host`. */
  readonly consoleUrl: string
  /** From there, one word of a menu after the other. */
  readonly consolePath: readonly string[]
  readonly steps: readonly RegistrationStep[]
  /** The same by command line, fit to be pasted into a POSIX shell. */
  readonly command: string
}

export interface RegistrationStep {
  readonly text: string
  /** To be copied as it is. */
  readonly values: readonly string[]
}

/** What is to be registered. */
export interface Registration {
  readonly name: string
  readonly redirectUri: string
  readonly scopes: readonly string[]
}

export interface ProviderRegistration {
  /** How long the provider may take to apply a change of a client. */
  readonly propagationMinutes: number
  guides(registration: Registration): readonly RegistrationGuide[]
  /** `RegistrationGuide.cloud` of a workspace's origin, null where its name does not tell. */
  cloudOf(origin: string): string | null
}

export interface ProviderOAuth {
  /** Asked first; tells where the OAuth root is. */
  readonly hostConfigPath: string
  /**
   * Paths of the authorization server's metadata, in the order to try, all on the workspace's own origin.
   * @param hostConfig body of the answer at `hostConfigPath`, null when there was none
   */
  metadataPaths(origin: string, hostConfig: string | null): readonly string[]
  /** Where a token may be revoked (RFC 7009) when the metadata does not say, on the workspace's own origin. */
  readonly revocationPath: string
  /** How long a refresh token lives unless the app connection's policy says otherwise, minutes. */
  readonly refreshTokenTtlMinutes: number
  /** Asked for when a person signs in, unless the app connection says otherwise. */
  readonly defaultScopes: readonly string[]
  /** Without them a sign-in cannot last (RFC 6749 §6). */
  readonly requiredScopes: readonly string[]
  /** Asked for as a service principal. */
  readonly unattendedScopes: readonly string[]
  /** Sent as `prompt` so that a person can sign in as somebody else (OpenID Connect Core §3.1.2.1); null: none helps. */
  readonly promptForAnotherUser: string | null
  readonly clientAuthMethod: 'client_secret_post' | 'client_secret_basic'
  /**
   * What the authorization endpoint's answer to a request without a session tells of the client.
   * @param location of a redirect, absolute
   * @returns null: the request was taken, the person would be asked to sign in
   */
  readAuthorizationAnswer(
    answer: { status: number; headers: AnswerHeaders; body: string; location: URL | null },
    redirectUri: string
  ): OAuthFailure | null
}

/**
 * What a path of the data plane is about, which says how it is read and what an endpoint list does to it:
 * `serving` and `openai` ask one serving endpoint, named in the path or as the body's `model`; `statement`
 * is SQL whose body may leave the warehouse to the fabric; `workspace` is anything else of the workspace;
 * `identity` tells only whom the token stands for.
 */
export type DataPlaneKind = 'serving' | 'openai' | 'statement' | 'workspace' | 'identity'

/** One path that is passed through to the workspace. */
export interface DataPlanePath {
  /** As the record and the log name it, `noun.verb`. */
  readonly operation: string
  readonly kind: DataPlaneKind
  /** HEAD goes wherever GET does. */
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Whole, from the workspace's root; `{name}` stands for one segment that fits `pathParameters`. */
  readonly path: string
  /** `long`: may think for minutes, and its body may be as large as any. */
  readonly pace: 'short' | 'long'
  /** Whether it only tells what there is, and nothing of what was computed. */
  readonly isDiscovery?: boolean
  /** Whether an endpoint with a data plane of its own is asked there instead. */
  readonly isRoutable?: boolean
}

/** Where an endpoint with a data plane of its own is asked, and with which rights alone (RFC 9396). */
export interface ServingRoute {
  /** Whole, with its path; the host is still to be held against `servingZones`. */
  readonly url: string
  /** JSON, as it is asked for. */
  readonly authorizationDetails: string
}

export interface ServicePrincipalRules {
  /** How many secrets one may have at once. */
  readonly secretsMax: number
  /** How long one lives at the longest, days. */
  readonly secretLifeDaysMax: number
}

export interface Provider {
  readonly id: string
  readonly displayName: string
  /** Suffixes, each led by a dot, under which every host is the provider's own and none a user's. */
  readonly zones: readonly string[]
  /** Where its signing keys may be fetched (`jwks_uri`). */
  readonly jwksZones: readonly string[]
  readonly oauth: ProviderOAuth
  readonly servicePrincipals: ServicePrincipalRules
  readonly account: ProviderAccount
  readonly federation: ProviderFederation
  readonly registration: ProviderRegistration
  readonly jobs: ProviderJobs
  /**
   * Credentials in the text are dropped, and no part of it is ever quoted in the error.
   * @param pointer of the input's member, for the error
   * @throws AppError `invalid_request`
   */
  parseWorkspaceUrl(text: string, pointer?: string): WorkspaceAddress
  /** The compute that a SQL connection's path names, null if it names none. */
  computeOfHttpPath(httpPath: string): ComputeRef | null
  /** Who the token stands for. */
  readonly identityCall: ProviderCall<ProviderIdentity>
  /** @throws AppError `invalid_request`: not an id that may stand in a path */
  computeCall(compute: ComputeRef): ProviderCall<ComputeState>
  readonly trials: ProviderTrials
  /** @param pageToken of the page before, null for the first */
  resourceListCall(kind: ResourceKind, pageToken: string | null): ProviderCall<ResourcePage>
  /** Where the list does not tell the permission and the thing itself does; null: it does not either. */
  resourcePermissionCall(
    kind: ResourceKind,
    name: string
  ): ProviderCall<ResourcePermission | null> | null
  /**
   * Whether the workspace says that the token itself is dead, so that one refresh and one retry may help.
   * @param headers where the answer has no body, its headers must tell
   */
  isDeadTokenAnswer(status: number, body: string, headers?: AnswerHeaders): boolean
  /** Of a failed API call. A refused credential reads `sign_in_needed`, whoever's it is. */
  classifyApiFailure(status: number, headers: AnswerHeaders, body: string): ProblemCode
  classifyOAuthFailure(status: number, body: string, headers?: AnswerHeaders): OAuthFailure
  /** Names of serving endpoints, as the source of a regular expression. */
  readonly servingEndpointNamePattern: string
  /** Everything that is passed through to a workspace; what is not here is not served. */
  readonly dataPlane: readonly DataPlanePath[]
  /** Of the parameters in `dataPlane`, by name: sources of regular expressions for a whole segment. */
  readonly pathParameters: Readonly<Record<string, string>>
  /** Suffixes, each led by a dot, of the hosts where endpoints have a data plane of their own. */
  readonly servingZones: readonly string[]
  /**
   * Null: the endpoint is asked at the workspace.
   * @throws AppError `invalid_request`: not the name of an endpoint
   */
  servingRouteCall(endpoint: string): ProviderCall<ServingRoute | null>
}
