import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { OAuthClient } from '../oauth/token-endpoint.ts'
import type { Workload } from '../oauth/token-exchange.ts'
import { matchesHostPatterns } from '../providers/host-patterns.ts'
import type { Provider } from '../providers/provider.ts'
import { isProviderId, providers } from '../providers/registry.ts'
import { type AppConnectionRow, readAppConnection } from '../store/app-connections.ts'
import { type ClientSecretRow, touchClientSecret } from '../store/client-secrets.ts'
import type { Db } from '../store/db.ts'
import { readFabric } from '../store/fabrics.ts'
import type { GrantRow } from '../store/grants.ts'
import { clientSecretPlace } from './client-secrets.ts'
import type { Strongbox } from './strongbox.ts'
import type { WorkloadIdentity } from './workload-identity.ts'

/** One client with which a grant's token can be asked for; several while a secret is being replaced. */
export interface CredentialCandidate {
  /** Of the secret, to be told in the audit. */
  readonly secretId: string
  readonly client: OAuthClient
  /** Notes that the provider took this secret. */
  noteUse(now: Date): Promise<void>
}

export interface GrantCredentials {
  readonly provider: Provider
  /** Newest first; the next is tried only when the provider refuses the client. Empty for a workload alone. */
  readonly candidates: readonly CredentialCandidate[]
  /** A JWT in the place of any secret; null: there are secrets. */
  readonly workload: Workload | null
  /** Whether the provider is known to kill a refresh token with its first use; null: not known. */
  readonly hasSingleUseRefreshTokens: boolean | null
}

interface CredentialDeps {
  readonly db: Db
  readonly strongbox: Strongbox
  readonly clock: Clock
  readonly workload: WorkloadIdentity
}

/** Opens, or signs, what a grant's token is asked for with. */
export async function credentialsOf(
  deps: CredentialDeps,
  scope: TenantScope,
  grant: GrantRow
): Promise<GrantCredentials> {
  return grant.kind === 'user'
    ? await userCredentials(deps, scope, grant)
    : await servicePrincipalCredentials(deps, scope, grant)
}

async function userCredentials(
  deps: { db: Db; strongbox: Strongbox; clock: Clock },
  scope: TenantScope,
  grant: GrantRow
): Promise<GrantCredentials> {
  const { db, clock } = deps
  const id = grant.appConnectionId ?? ''
  const row = await readAppConnection(db, scope, id)
  if (row === null) throw new AppError('app_connection_missing')
  if (row.faultNextTryAt !== null && row.faultNextTryAt > clock.now()) {
    throw new AppError('app_connection_refused', { retryAt: row.faultNextTryAt })
  }
  refuseHost(row, grant.workspaceOrigin)
  return appConnectionCredentials(deps, scope, row)
}

/** @throws AppError `host_not_allowed`: the app connection does not serve this host, or no longer */
export function refuseHost(connection: AppConnectionRow, workspaceOrigin: string): void {
  if (matchesHostPatterns(connection.allowedHosts, workspaceOrigin)) return
  throw new AppError('host_not_allowed', {
    detail: 'The app connection does not serve this workspace host'
  })
}

/** @throws AppError `app_connection_missing`: disabled, or its client id or secret is not set yet */
export async function appConnectionCredentials(
  deps: { db: Db; strongbox: Strongbox },
  scope: TenantScope,
  row: AppConnectionRow
): Promise<GrantCredentials> {
  const candidates = row.isDisabled ? [] : await openClientSecrets(deps, scope, row)
  if (candidates.length === 0) throw new AppError('app_connection_missing')
  const { hasSingleUseRefreshTokens } = row
  const provider = providerOf(row.provider)
  return { provider, candidates, workload: null, hasSingleUseRefreshTokens }
}

/** The client with each of its secrets, newest first; none while its id or secret is not set. */
export async function openClientSecrets(
  deps: { db: Db; strongbox: Strongbox },
  scope: TenantScope,
  { clientId, clientSecrets, clientAuthMethod }: AppConnectionRow
): Promise<CredentialCandidate[]> {
  if (clientId === null) return []
  const authMethod = authMethodOf(clientAuthMethod)
  return await openCandidates(deps, scope, { clientId, authMethod }, clientSecrets)
}

function openCandidates(
  { db, strongbox }: { db: Db; strongbox: Strongbox },
  scope: TenantScope,
  client: Omit<OAuthClient, 'clientSecret'>,
  secrets: readonly ClientSecretRow[]
): Promise<CredentialCandidate[]> {
  return Promise.all(
    secrets.map(async (secret) => {
      const { id, sealed } = secret
      const clientSecret: Secret = await strongbox.open(scope, clientSecretPlace(secret), sealed)
      const noteUse = (now: Date) => db.inTenant(scope, (tx) => touchClientSecret(tx, id, now))
      return { secretId: id, client: { ...client, clientSecret }, noteUse }
    })
  )
}

async function servicePrincipalCredentials(
  deps: Omit<CredentialDeps, 'clock'>,
  scope: TenantScope,
  grant: GrantRow
): Promise<GrantCredentials> {
  const fabric = await readFabric(deps.db, scope, grant.fabricId ?? '')
  const principal = fabric?.servicePrincipal ?? null
  // A fabric that has moved took its new secret along; the grant of the old host must not be handed it.
  const hasMoved = fabric?.workspaceOrigin !== grant.workspaceOrigin
  if (fabric === null || principal === null || hasMoved) {
    throw new AppError('service_principal_missing')
  }
  const provider = providerOf(fabric.provider)
  const { clientId } = principal
  const own = { provider, hasSingleUseRefreshTokens: null }
  if (principal.isFederated) {
    const audience = provider.federation.audienceOf(fabric.workspaceOrigin)
    const subjectToken = await deps.workload.tokenFor(fabric, audience)
    return { ...own, candidates: [], workload: { clientId, subjectToken } }
  }
  const client = { clientId, authMethod: provider.oauth.clientAuthMethod }
  const candidates = await openCandidates(deps, scope, client, principal.clientSecrets)
  if (candidates.length === 0) throw new AppError('service_principal_missing')
  return { ...own, candidates, workload: null }
}

/** Whose answers a grant's are, whatever has become of its credentials. */
export async function providerOfGrant(
  { db }: { db: Db },
  scope: TenantScope,
  { appConnectionId, fabricId }: GrantRow
): Promise<Provider> {
  const owner =
    appConnectionId === null
      ? await readFabric(db, scope, fabricId ?? '')
      : await readAppConnection(db, scope, appConnectionId)
  if (owner === null) throw new AppError('not_found')
  return providerOf(owner.provider)
}

function authMethodOf(stored: string): OAuthClient['authMethod'] {
  return stored === 'client_secret_basic' ? 'client_secret_basic' : 'client_secret_post'
}

export function providerOf(id: string): Provider {
  if (!isProviderId(id))
    throw new AppError('internal', { note: 'a provider that is not registered' })
  return providers[id]
}
