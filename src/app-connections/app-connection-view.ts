import { asId } from '../base/ids.ts'
import { redirectUriOf } from '../oauth/authorization-code.ts'
import type { AppConnectionRow } from '../store/app-connections.ts'
import type { AppConnectionView, ClientSecretView } from './app-connections.ts'

/** An app connection as its admins see it: everything but the secrets. */
export function viewOf(row: AppConnectionRow, publicUrl: string): AppConnectionView {
  const current = row.clientSecrets.find((secret) => secret.state === 'current')
  const isCurrentProven = current !== undefined && current.lastUsedAt !== null
  return {
    id: asId('appConnection', row.id),
    name: row.name,
    provider: 'databricks',
    accountHost: row.accountHost,
    accountId: row.accountId,
    clientId: row.clientId,
    clientSecrets: row.clientSecrets.map(
      ({ id, state, hint, setAt, lastUsedAt }): ClientSecretView => ({
        id: asId('clientSecret', id),
        state: state === 'current' ? 'current' : 'previous',
        hint,
        setAt,
        lastUsedAt,
        isSafeToDelete: state !== 'current' && isCurrentProven
      })
    ),
    clientAuthMethod:
      row.clientAuthMethod === 'client_secret_basic' ? 'client_secret_basic' : 'client_secret_post',
    scopes: row.scopes,
    isDefault: row.isDefault,
    isDisabled: row.isDisabled,
    allowedHosts: row.allowedHosts,
    tokenPolicy: {
      refreshTokenTtlMinutes: row.refreshTokenTtlMinutes,
      absoluteSessionLifetimeMinutes: row.absoluteSessionMinutes,
      hasSingleUseRefreshTokens: row.hasSingleUseRefreshTokens
    },
    status: statusOf(row),
    redirectUri: redirectUriOf(publicUrl, row.id),
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt
  }
}

function statusOf(row: AppConnectionRow): AppConnectionView['status'] {
  if (row.isDisabled) return 'disabled'
  if (row.clientId === null || row.clientSecrets.length === 0) return 'draft'
  return row.verifiedAt === null ? 'ready' : 'verified'
}
