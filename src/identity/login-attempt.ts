import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { UserId } from '../base/ids.ts'
import type { Db } from '../store/db.ts'
import type { LoginProviderRow } from '../store/login-providers.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import type { LoginClient, LoginTarget } from './login-client.ts'
import type { LoginProviderKind } from './login-providers.ts'

/** A login that is not finished by then never will be. */
export const attemptLifeMs = 10 * 60_000
/** What `newOpaqueToken` makes: a state, a browser's token. */
export const opaqueToken = /^[A-Za-z0-9_-]{43}$/

export interface LoginDeps {
  readonly db: Db
  readonly audit: Audit
  readonly strongbox: Strongbox
  readonly clock: Clock
  readonly client: LoginClient
  readonly publicUrl: string
  /** The tenant that a login without a slug means, and who is its first admin. */
  readonly bootstrap: { readonly tenantSlug: string; readonly adminEmail: string | null }
  /** Makes the bootstrap admin the platform's first operator, where there has never been one. */
  readonly claimFirstOperator: (userId: UserId) => Promise<void>
}

export function kindOf({ kind }: Pick<LoginProviderRow, 'kind'>): LoginProviderKind {
  return kind === 'entra' ? 'entra' : 'oidc'
}

export function loginRedirectUri(publicUrl: string, loginProviderId: string): string {
  return `${publicUrl}/auth/callback/${loginProviderId}`
}

export function loginTarget(publicUrl: string, provider: LoginProviderRow): LoginTarget {
  const { id, issuer, allowedTenantIds, clientId } = provider
  const redirectUri = loginRedirectUri(publicUrl, id)
  return { id, kind: kindOf(provider), issuer, allowedTenantIds, clientId, redirectUri }
}

export function clientSecretPlace(loginProviderId: string) {
  return ['login_providers', loginProviderId, 'client_secret'] as const
}

export function codeVerifierPlace(attemptId: string) {
  return ['login_attempts', attemptId, 'code_verifier'] as const
}

export function idTokenPlace(sessionId: string) {
  return ['sessions', sessionId, 'id_token'] as const
}
