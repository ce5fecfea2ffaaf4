import { asId } from '../base/ids.ts'
import type { GroupMappingRow } from '../store/group-mappings.ts'
import type { LoginProviderRow } from '../store/login-providers.ts'
import { kindOf, loginRedirectUri } from './login-attempt.ts'
import type { LoginProviderView, LoginProviderWarning } from './login-providers.ts'

/** A login provider as its admins see it: everything but the secret. */
export function viewOf(
  row: LoginProviderRow,
  mappings: readonly GroupMappingRow[],
  publicUrl: string
): LoginProviderView {
  const { lastUsedAt, clientSecretSetAt: setAt } = row
  return {
    id: asId('loginProvider', row.id),
    name: row.name,
    kind: kindOf(row),
    issuer: row.issuer,
    clientId: row.clientId,
    clientSecret: {
      isSet: true,
      hint: row.clientSecretHint,
      setAt,
      lastUsedAt: lastUsedAt !== null && lastUsedAt >= setAt ? lastUsedAt : null
    },
    allowedTenantIds: row.allowedTenantIds,
    emailDomains: row.emailDomains,
    groupMappings: mappings
      .filter(({ loginProviderId }) => loginProviderId === row.id)
      .map(({ groupId, teamId, role }) => ({
        groupId,
        teamId: teamId === null ? null : asId('team', teamId),
        role: role === 'admin' || role === 'tenant_admin' ? role : 'member'
      })),
    isEnabled: row.isEnabled,
    status: statusOf(row),
    redirectUri: loginRedirectUri(publicUrl, row.id),
    backchannelLogoutUri: `${publicUrl}/auth/backchannel-logout/${row.id}`,
    lastUsedAt,
    warnings: warningsOf(row),
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt
  }
}

function statusOf(row: LoginProviderRow): LoginProviderView['status'] {
  if (!row.isEnabled) return 'disabled'
  return row.verifiedAt === null ? 'ready' : 'verified'
}

function warningsOf({ groupsOverageAt }: LoginProviderRow): LoginProviderWarning[] {
  if (groupsOverageAt === null) return []
  const day = groupsOverageAt.toISOString().slice(0, 10)
  const message =
    `On ${day} somebody logged in who is in more groups than an ID token holds, so their mapped roles stay as they were: ` +
    'in the app registration, let the groups claim hold only groups assigned to the application'
  return [{ code: 'groups_overage', message, owner: 'tenant_admin' }]
}
