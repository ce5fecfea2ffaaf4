import type { GrantId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Span } from '../base/trace.ts'

/** A short-lived access token and where it comes from. */
export interface AccessToken {
  readonly token: Secret
  readonly grantId: GrantId
  readonly expiresAt: Date
  readonly generation: number
  /** As granted (RFC 6749 §3.3); null where the provider did not tell. */
  readonly scope: string | null
  readonly source: 'cached' | 'refreshed'
}

export interface TokenOptions {
  /** The workspace refused the token of this generation: hand out a newer one. */
  readonly rejectedGeneration?: number
  /** How long the caller waits for somebody's refresh, milliseconds, default 15,000. */
  readonly waitMs?: number
  /** Of the caller: a refresh that it starts is told under it, and to the workspace. */
  readonly span?: Span
}

/** See `Vault.accessToken`. */
export type TakeAccessToken = (
  scope: TenantScope,
  grantId: GrantId,
  minLifeMs: number,
  options?: TokenOptions
) => Promise<AccessToken>
