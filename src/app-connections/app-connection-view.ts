import { asId } from '../base/ids.ts'
import { redirectUriOf } from '../oauth/authorization-code.ts'
import type { AppConnectionRow } from '../store/app-connections.ts'
import { tellSecretEnd, viewClientSecrets } from '../vault/client-secrets.ts'
import type { AppConnectionView, Verification, VerificationStepResult } from './app-connections.ts'

/** An app connection as its admins see it: everything but the secrets. */
export function viewOf(row: AppConnectionRow, publicUrl: string, now: Date): AppConnectionView {
  const end = tellSecretEnd(row.clientSecrets, now)
  return {
    id: asId('appConnection', row.id),
    name: row.name,
    provider: 'databricks',
    accountHost: row.accountHost,
    accountId: row.accountId,
    clientId: row.clientId,
    clientSecrets: viewClientSecrets(row.clientSecrets),
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
    registrationId: row.registrationId,
    status: statusOf(row),
    lastVerification: verificationOf(row),
    warnings: end === null ? [] : [secretExpiring(end)],
    redirectUri: redirectUriOf(publicUrl, row.id),
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt
  }
}

function secretExpiring(end: string): AppConnectionView['warnings'][number] {
  return {
    code: 'secret_expiring',
    message: `The client secret ${end}, and then nobody signs in: add a new one, then delete the old one`,
    owner: 'tenant_admin'
  }
}

function statusOf(row: AppConnectionRow): AppConnectionView['status'] {
  if (row.isDisabled) return 'disabled'
  if (row.clientId === null || row.clientSecrets.length === 0) return 'draft'
  return row.verifiedAt === null ? 'ready' : 'verified'
}

function verificationOf({ verification, verificationCheckedAt }: AppConnectionRow) {
  if (verification === null || verificationCheckedAt === null) return null
  // As `keptVerification` wrote it.
  const { ok, workspaceHost, steps } = verification as unknown as KeptVerification
  return { ok, workspaceHost, checkedAt: verificationCheckedAt, steps } satisfies Verification
}

/** What is stored of a verification, beside its time. */
export interface KeptVerification {
  readonly ok: boolean
  readonly workspaceHost: string
  readonly steps: VerificationStepResult[]
}
