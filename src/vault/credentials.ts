import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { OAuthClient } from '../oauth/token-endpoint.ts'
import { matchesHostPatterns } from '../providers/host-patterns.ts'
import type { Provider } from '../providers/provider.ts'
import { isProviderId, providers } from '../providers/registry.ts'
import {
  type AppConnectionRow,
  findAppConnection,
  touchClientSecret
} from '../store/app-connections.ts'
import type { Db } from '../store/db.ts'
import { findFabric, touchServicePrincipal } from '../store/fabrics.ts'
import type { GrantRow } from '../store/grants.ts'
import type { Place, Strongbox } from './strongbox.ts'

/** One client with which a grant's token can be asked for; several while a secret is being replaced. */
export interface CredentialCandidate {
  readonly client: OAuthClient
  /** Notes that the provider took this secret. */
  noteUse(now: Date): Promise<void>
}

export interface GrantCredentials {
  readonly provider: Provider
  /** Newest first; the next is tried only when the provider refuses the client. Never empty. */
  readonly candidates: readonly CredentialCandidate[]
  /** Whether the provider is known to kill a refresh token with its first use; null: not known. */
  readonly hasSingleUseRefreshTokens: boolean | null
}

export const clientSecretPlace = (id: string): Place => ['client_secrets', id, 'sealed']
export const servicePrincipalPlace = (fabricId: string): Place => [
  'service_principals',
  fabricId,
  'secret_sealed'
]

/** Opens what a grant's token is asked for with. */
export async function credentialsOf(
  deps: { db: Db; strongbox: Strongbox; clock: Clock },
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
  const row = await db.inTenant(scope, (tx) => findAppConnection(tx, id))
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
  return { provider: providerOf(row.provider), candidates, hasSingleUseRefreshTokens }
}

/** The client with each of its secrets, newest first; none while its id or secret is not set. */
export async function openClientSecrets(
  { db, strongbox }: { db: Db; strongbox: Strongbox },
  scope: TenantScope,
  { clientId, clientSecrets, clientAuthMethod }: AppConnectionRow
): Promise<CredentialCandidate[]> {
  if (clientId === null) return []
  return await Promise.all(
    clientSecrets.map(async ({ id, sealed }) => {
      const clientSecret: Secret = await strongbox.open(scope, clientSecretPlace(id), sealed)
      const authMethod = authMethodOf(clientAuthMethod)
      const noteUse = (now: Date) => db.inTenant(scope, (tx) => touchClientSecret(tx, id, now))
      return { client: { clientId, clientSecret, authMethod }, noteUse }
    })
  )
}

async function servicePrincipalCredentials(
  { db, strongbox }: { db: Db; strongbox: Strongbox },
  scope: TenantScope,
  grant: GrantRow
): Promise<GrantCredentials> {
  const fabricId = grant.fabricId ?? ''
  const fabric = await db.inTenant(scope, (tx) => findFabric(tx, fabricId))
  const principal = fabric?.servicePrincipal ?? null
  if (fabric === null || principal === null) throw new AppError('service_principal_missing')
  const clientSecret = await strongbox.open(
    scope,
    servicePrincipalPlace(fabricId),
    principal.secretSealed
  )
  const provider = providerOf(fabric.provider)
  const { clientId } = principal
  const noteUse = (now: Date) =>
    db.inTenant(scope, (tx) => touchServicePrincipal(tx, fabricId, now))
  return {
    provider,
    candidates: [
      { client: { clientId, clientSecret, authMethod: provider.oauth.clientAuthMethod }, noteUse }
    ],
    hasSingleUseRefreshTokens: null
  }
}

/** Whose answers a grant's are, whatever has become of its credentials. */
export async function providerOfGrant(
  { db }: { db: Db },
  scope: TenantScope,
  { appConnectionId, fabricId }: GrantRow
): Promise<Provider> {
  const provider = await db.inTenant(scope, async (tx) => {
    if (appConnectionId === null) return (await findFabric(tx, fabricId ?? ''))?.provider
    return (await findAppConnection(tx, appConnectionId))?.provider
  })
  if (provider === undefined) throw new AppError('not_found')
  return providerOf(provider)
}

function authMethodOf(stored: string): OAuthClient['authMethod'] {
  return stored === 'client_secret_basic' ? 'client_secret_basic' : 'client_secret_post'
}

export function providerOf(id: string): Provider {
  if (!isProviderId(id))
    throw new AppError('internal', { note: 'a provider that is not registered' })
  return providers[id]
}
