import { AppError } from '../base/errors.ts'
import { asId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { askForRevocation } from '../oauth/revocation.ts'
import type { OAuthClient } from '../oauth/token-endpoint.ts'
import type { Provider } from '../providers/provider.ts'
import { findAppConnection } from '../store/app-connections.ts'
import { appConnectionCredentials } from './credentials.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { refreshTokenPlace } from './refresh-projection.ts'

/** What is left of a grant that is gone. */
export interface EndedGrant {
  readonly grantId: string
  readonly kind: string
  readonly workspaceOrigin: string
  readonly appConnectionId: string | null
  readonly refreshTokenSealed: string | null
}

/** Why a grant lives on at the provider. */
export type RevocationCause =
  /** It was a personal access token: its person deletes it at the workspace. */
  | 'personal_access_token'
  /** There was none to revoke; its access token ends by itself. */
  | 'no_refresh_token'
  | 'app_connection_gone'
  /** It does not open. */
  | 'unreadable'
  | 'no_revocation_endpoint'
  | 'client_refused'
  | 'refused'
  | 'provider_away'

/**
 * Tells the provider of one grant after the other; what they share is read once.
 * @returns null: it is revoked
 */
export type RevokeEnded = (grant: EndedGrant) => Promise<RevocationCause | null>

interface Client {
  readonly provider: Provider
  readonly client: OAuthClient
}

/** Of one tenant, for as long as one run of revocations lasts. Never throws an AppError. */
export function createMassRevocation(deps: RefreshDeps, scope: TenantScope): RevokeEnded {
  const clients = new Map<string, Promise<Client | null>>()

  async function readClient(id: string): Promise<Client | null> {
    const row = await deps.db.inTenant(scope, (tx) => findAppConnection(tx, id))
    if (row === null) return null
    const { provider, candidates } = await appConnectionCredentials(deps, scope, {
      ...row,
      isDisabled: false
    })
    const [newest] = candidates
    return newest === undefined ? null : { provider, client: newest.client }
  }

  function clientOf(id: string): Promise<Client | null> {
    const known = clients.get(id) ?? readClient(id).catch(() => null)
    clients.set(id, known)
    return known
  }

  return async ({ grantId, kind, workspaceOrigin, appConnectionId, refreshTokenSealed }) => {
    if (kind === 'pat') return 'personal_access_token'
    if (refreshTokenSealed === null) return 'no_refresh_token'
    const client = await clientOf(appConnectionId ?? '')
    if (client === null) return 'app_connection_gone'
    const place = refreshTokenPlace(asId('grant', grantId))
    const token = await deps.strongbox.open(scope, place, refreshTokenSealed).catch(() => null)
    if (token === null) return 'unreadable'
    const server = await deps.servers.discover(client.provider, workspaceOrigin).catch(ifKnown)
    if (server === null) return 'provider_away'
    const verdict = await askForRevocation(
      deps.exchange,
      { ...client, workspaceOrigin, server },
      token
    )
    return causes[verdict]
  }
}

const causes = {
  revoked: null,
  not_offered: 'no_revocation_endpoint',
  client_refused: 'client_refused',
  refused: 'refused',
  away: 'provider_away'
} as const

function ifKnown(error: unknown): null {
  if (error instanceof AppError) return null
  throw error
}
