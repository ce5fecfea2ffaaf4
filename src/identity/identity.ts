/**
 * Owns: who is calling (login, sessions, people, teams, service accounts, keys, roles); makes TenantScopes.
 * Touches: store, audit, the vault to seal and to forget, an identity provider through `login-client.ts`.
 * Never: a Databricks token, an HTTP request or response.
 */
import type { Audit } from '../audit/audit.ts'
import { createAuditReader } from '../audit/audit-reader.ts'
import type { Clock } from '../base/clock.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Db } from '../store/db.ts'
import type { TenantVersions } from '../store/tenant-versions.ts'
import type { SigningKeys } from '../vault/signing-keys.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import type { TokenMarks } from '../vault/token-marks.ts'
import type { Vault } from '../vault/vault.ts'
import { createAccessTokens } from './access-tokens.ts'
import { createAuthentication } from './authentication.ts'
import { type BackChannelLogout, createBackChannelLogout } from './back-channel-logout.ts'
import { createBootstrap } from './bootstrap.ts'
import type { Caller, Credentials } from './caller.ts'
import { createLoginProviders } from './create-login-providers.ts'
import { createDelegations, type Delegations } from './delegations.ts'
import { createDenials, type Denials } from './denials.ts'
import { createFederatedIdentities, type FederatedIdentities } from './federated-identities.ts'
import { createFederationTester } from './federation-tester.ts'
import { createIdempotency, type Idempotency } from './idempotency.ts'
import { createIncidents, type Incidents } from './incidents.ts'
import { createInvitations, type Invitations } from './invitations.ts'
import { createIssuerKeys } from './issuer-keys.ts'
import type { LastUses } from './last-uses.ts'
import { createLogin, type Login } from './login.ts'
import { type LoginDeps, loginTarget } from './login-attempt.ts'
import type { LoginClient } from './login-client.ts'
import type { LoginProviders } from './login-providers.ts'
import { createMembers, type Members } from './members.ts'
import { createMemberships, type MembershipDeps } from './memberships.ts'
import { createOpenCalls, type OpenCalls } from './open-calls.ts'
import { createOperators, type Operators } from './operators.ts'
import { createPersonalTokens, type PersonalTokens } from './personal-tokens.ts'
import { createScim } from './scim/create-scim.ts'
import type { Scim } from './scim/scim.ts'
import { createScimTokens, type ScimTokens } from './scim/tokens.ts'
import { createServiceAccounts, type ServiceAccounts } from './service-accounts.ts'
import { createServiceTokens, type ServiceTokens } from './service-tokens.ts'
import { createSessionEnding, type SessionEnding } from './session-ending.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createTeams, type Teams } from './teams.ts'
import { createTenantSettings, type TenantSettings } from './tenant-settings.ts'
import { createTenants, type Tenants } from './tenants.ts'
import { createTokenFinding, type TokenFinding } from './token-finding.ts'

export type {
  Bootstrap,
  BootstrapDeps,
  CreatedTenant
} from './bootstrap.ts'
export { createBootstrap } from './bootstrap.ts'
export type { Caller, Credentials } from './caller.ts'
export type { Delegations, DelegationView, NewDelegation } from './delegations.ts'
export type { FederatedIdentities, FederatedIdentityView } from './federated-identities.ts'
export type { Idempotency, IdempotentCall } from './idempotency.ts'
export type { IncidentView } from './incident-view.ts'
export type { IncidentInput, Incidents } from './incidents.ts'
export type { Invitations, InvitationView, NewInvitation } from './invitations.ts'
export type { Login, LoginStart, LoginStarted } from './login.ts'
export type { LoggedIn, LoginCallback } from './login-callback.ts'
export type { LoginChoice } from './login-choice.ts'
export type { LoginClient } from './login-client.ts'
export { createLoginClient } from './login-client.ts'
export type {
  LoginProviderCheck,
  LoginProviderPatch,
  LoginProviders,
  LoginProviderView,
  NewLoginProvider
} from './login-providers.ts'
export type { Members, MemberView } from './members.ts'
export type { MemberChange } from './memberships.ts'
export type { LoginProviderInput, NewTenant } from './new-tenant.ts'
export type { OpenCalls } from './open-calls.ts'
export { commandLineCall, type OperatorCall, operatorScope } from './operator-call.ts'
export type { OperatorChoice, Operators, OperatorView } from './operators.ts'
export type { NewPersonalToken, PersonalTokens, PersonalTokenView } from './personal-tokens.ts'
export { safeReturnTo } from './return-to.ts'
export type {
  Scim,
  ScimGroups,
  ScimGroupView,
  ScimKept,
  ScimPage,
  ScimQuery,
  ScimUsers,
  ScimUserView
} from './scim/scim.ts'
export { ScimFault } from './scim/scim-fault.ts'
export type { ScimTokens } from './scim/tokens.ts'
export type {
  FabricAccess,
  ServiceAccountPatch,
  ServiceAccounts,
  ServiceAccountView
} from './service-accounts.ts'
export type { KeyView } from './service-keys.ts'
export type { ServiceTokens, TokenRequest } from './service-tokens.ts'
export type { SessionEnding } from './session-ending.ts'
export type { Me, Sessions, SessionView } from './sessions.ts'
export type { Teams, TeamView } from './teams.ts'
export type { ErasureReceipt } from './tenant-erasure.ts'
export type { TenantSettings } from './tenant-settings.ts'
export type { TenantInput, Tenants, TenantView } from './tenants.ts'
export type { ExchangeRequest } from './token-exchange.ts'
export type { FoundToken, TokenFinding } from './token-finding.ts'
export type { IssuedToken, TokenTarget } from './token-issuing.ts'

export interface Identity {
  readonly login: Login
  readonly loginProviders: LoginProviders
  readonly sessions: Sessions
  readonly sessionEnding: SessionEnding
  readonly tenantSettings: TenantSettings
  /** @throws AppError `invalid_request`, `not_found` */
  backChannelLogout(input: BackChannelLogout): Promise<void>
  readonly members: Members
  readonly invitations: Invitations
  readonly teams: Teams
  readonly personalTokens: PersonalTokens
  readonly delegations: Delegations
  readonly scim: Scim
  readonly scimTokens: ScimTokens
  readonly serviceAccounts: ServiceAccounts
  readonly serviceTokens: ServiceTokens
  readonly federatedIdentities: FederatedIdentities
  readonly testFederation: ReturnType<typeof createFederationTester>
  /** The keys by which anybody can check our tokens (RFC 7517 §5). */
  readonly signingKeys: Pick<SigningKeys, 'published'>
  readonly idempotency: Idempotency
  readonly openCalls: OpenCalls
  readonly tenants: Tenants
  readonly operators: Operators
  readonly incidents: Incidents
  readonly tokenFinding: TokenFinding
  readonly denials: Denials
  /** @throws AppError `unauthenticated`: nothing, or nothing valid, was presented */
  authenticate(credentials: Credentials): Promise<Caller>
}

export interface IdentityDeps {
  readonly db: Db
  readonly audit: Audit
  readonly strongbox: Strongbox
  readonly clock: Clock
  readonly versions: TenantVersions
  readonly lastUses: LastUses
  readonly loginClient: LoginClient
  readonly signingKeys: SigningKeys
  readonly tokenMarks: TokenMarks
  /** To the issuers of federated identities. */
  readonly issuerOutbound: Pick<Outbound, 'request' | 'checkUrl'>
  /** Origin and optional path prefix, no trailing slash. */
  readonly publicUrl: string
  readonly bootstrap: LoginDeps['bootstrap']
  /** For what people hold there when they go. */
  readonly vault: MembershipDeps['vault'] & Pick<Vault, 'prepareRevocations' | 'revokeEnded'>
}

export function createIdentity(deps: IdentityDeps): Identity {
  const { loginClient: client, publicUrl, signingKeys, issuerOutbound } = deps
  const accessTokens = createAccessTokens(deps)
  const issuerKeys = createIssuerKeys({ ...deps, outbound: issuerOutbound })
  const operators = createOperators(deps)
  const { openTenant } = createBootstrap(deps)
  const memberships = createMemberships(deps)
  return {
    login: createLogin({ ...deps, client, claimFirstOperator: operators.claimFirst }),
    loginProviders: createLoginProviders({ ...deps, client }),
    sessions: createSessions({
      ...deps,
      endSessionUrl: (provider, idToken) =>
        client.endSessionUrl(loginTarget(publicUrl, provider), idToken)
    }),
    sessionEnding: createSessionEnding(deps),
    tenantSettings: createTenantSettings(deps),
    backChannelLogout: createBackChannelLogout({ ...deps, client }),
    members: createMembers({ ...deps, memberships }),
    scim: createScim({ ...deps, memberships }),
    scimTokens: createScimTokens(deps),
    invitations: createInvitations(deps),
    teams: createTeams(deps),
    personalTokens: createPersonalTokens(deps),
    delegations: createDelegations(deps),
    serviceAccounts: createServiceAccounts(deps),
    serviceTokens: createServiceTokens({ ...deps, accessTokens, issuerKeys }),
    federatedIdentities: createFederatedIdentities({ ...deps, outbound: issuerOutbound }),
    testFederation: createFederationTester({ ...deps, issuerKeys }),
    signingKeys,
    idempotency: createIdempotency(deps),
    openCalls: createOpenCalls(deps),
    tenants: createTenants({ ...deps, openTenant }),
    operators,
    incidents: createIncidents(deps),
    tokenFinding: createTokenFinding({ ...deps, reader: createAuditReader(deps.db) }),
    denials: createDenials(deps),
    authenticate: createAuthentication({ ...deps, accessTokens })
  }
}
