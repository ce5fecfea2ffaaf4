import type { CredentialId, SessionId, UserId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'

/** Whom a request comes from, once known. */
export interface Caller {
  readonly scope: TenantScope
  /**
   * `session`: a person in a browser; `personal_token`: a person's script; `scim_token`: an identity provider;
   * the others: a service account.
   */
  readonly via: 'session' | 'personal_token' | 'service_key' | 'service_token' | 'scim_token'
  readonly sessionId: SessionId | null
  /** The key or personal token that was presented, or what the presented token was got with. */
  readonly keyId: CredentialId | null
}

export interface Credentials {
  /** Value of the session cookie. */
  readonly sessionToken: string | null
  /** What stands after `Bearer `; where it is given, the cookie does not count. */
  readonly bearer: string | null
  /** The address that the request comes from. */
  readonly source: string
  readonly requestId: string
}

/** A person who came with a session; null for a service account. */
export function personOf(caller: Caller): { userId: UserId; sessionId: SessionId } | null {
  const { actor } = caller.scope
  if (actor.kind !== 'user' || caller.sessionId === null) return null
  return { userId: actor.id, sessionId: caller.sessionId }
}
