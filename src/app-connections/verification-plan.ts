import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { AppError } from '../base/errors.ts'
import type { AuthorizationServers } from '../oauth/authorization-server.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Provider } from '../providers/provider.ts'
import type { Db } from '../store/db.ts'
import type { CredentialCandidate } from '../vault/credentials.ts'
import type { Strongbox } from '../vault/strongbox.ts'

export interface VerificationDeps {
  readonly db: Db
  readonly audit: Audit
  readonly strongbox: Strongbox
  readonly clock: Clock
  readonly outbound: Outbound
  readonly servers: AuthorizationServers
  readonly publicUrl: string
  /** Of each step, default 15 s. */
  readonly stepTimeoutMs?: number | undefined
}

/** What a verification needs to know. */
export interface VerificationPlan {
  readonly provider: Provider
  readonly workspaceOrigin: string
  readonly clientId: string | null
  readonly redirectUri: string
  readonly scopes: readonly string[]
  /** The newest first; empty: none is set. */
  readonly candidates: readonly CredentialCandidate[]
  /** Of the latest sign-in with these settings; null: there was none. */
  readonly grantedScopes: readonly string[] | null
  readonly isDisabled: boolean
  /** @throws AppError `host_not_allowed`: the app connection does not serve the host */
  checkHost(): void
}

/** What a step of a verification found to be wrong. */
export type Finding =
  | { readonly kind: 'disabled' | 'no_client_id' | 'no_client_secret' }
  | { readonly kind: 'unknown_client' | 'redirect_uri' | 'client_secret' | 'new_secret' }
  | { readonly kind: 'scopes' | 'offline_access'; readonly missing: readonly string[] }
  | { readonly kind: 'fault'; readonly fault: AppError }
