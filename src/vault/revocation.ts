import { AppError } from '../base/errors.ts'
import type { GrantId } from '../base/ids.ts'
import { asId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { revokeRefreshToken } from '../oauth/revocation.ts'
import type { GrantRow } from '../store/grants.ts'
import { credentialsOf } from './credentials.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { refreshTokenPlace } from './refresh-projection.ts'

/** What is still held of a grant that has just been forgotten. */
export interface Forgotten {
  readonly grant: GrantRow
  readonly refreshTokenSealed: string | null
}

/**
 * Tells the provider that a refresh token is no longer wanted (RFC 7009), as well as it can: the grant is
 * gone here whatever comes of it, and what came of it is an event.
 */
export async function revokeAtProvider(
  deps: RefreshDeps,
  scope: TenantScope,
  { grant, refreshTokenSealed }: Forgotten
): Promise<void> {
  if (grant.kind !== 'user' || refreshTokenSealed === null) return
  const grantId: GrantId = asId('grant', grant.id)
  const place = refreshTokenPlace(grantId)
  const fault = await deps.strongbox
    .open(scope, place, refreshTokenSealed)
    .then((token) => revoke(deps, scope, grant, token))
    .then(
      () => null,
      (error: unknown) => (error instanceof AppError ? error.code : 'internal')
    )
  const outcome = fault === null ? ('succeeded' as const) : ('failed' as const)
  await deps.audit.record(scope, [
    {
      action: 'grant.revoke',
      object: ['grant', grantId],
      outcome,
      ...(fault === null ? {} : { code: fault })
    }
  ])
}

async function revoke(
  deps: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow,
  token: Secret
): Promise<void> {
  const { provider, candidates } = await credentialsOf(deps, scope, grant)
  const { workspaceOrigin } = grant
  const server = await deps.servers.discover(provider, workspaceOrigin)
  const [newest] = candidates
  if (newest === undefined) throw new AppError('app_connection_missing')
  await revokeRefreshToken(
    deps.exchange,
    { provider, workspaceOrigin, server, client: newest.client },
    token
  )
}
