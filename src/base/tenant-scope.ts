import type {
  CredentialId,
  FabricId,
  ScimTokenId,
  ServiceAccountId,
  SessionId,
  TeamId,
  TenantId,
  UserId
} from './ids.ts'
import type { Operation } from './operations.ts'

declare const made: unique symbol

/** Who acts. `scim_token` is a tenant's identity provider, `system` Weft itself: boot, sweeps, recovery. */
export type Actor =
  | { readonly kind: 'user'; readonly id: UserId }
  | { readonly kind: 'service_account'; readonly id: ServiceAccountId }
  | { readonly kind: 'scim_token'; readonly id: ScimTokenId }
  | { readonly kind: 'system'; readonly id: string }

/** What the actor may do, as the role table of `identity/` answers it. */
export interface Authority {
  /** Whether the actor may do `operation`, on things of `teamId` where it is given. */
  may(operation: Operation, teamId?: TeamId): boolean
  /** Whose fabrics the actor sees. */
  readonly teams: 'all' | readonly TeamId[]
  /** The fabrics that the presented credential is bound to, whatever the actor may; absent: it is bound to none. */
  readonly fabrics?: readonly FabricId[]
  /** Of a personal access token: acts upstream as its person, and never as a service principal. */
  readonly isPersonOnly?: boolean
}

/** What is known of the request that something is done for; null: nothing, or there is none. */
export interface CallOrigin {
  /** As in `x-request-id`. */
  readonly requestId: string | null
  /** The address that it comes from, past trusted proxies. */
  readonly source: string | null
  /** The session, key or token that it came with, or that its token was got with. */
  readonly credentialId: CredentialId | SessionId | ScimTokenId | null
}

/**
 * The right to touch one tenant's rows, on behalf of one actor: the first argument of every store call.
 * Only `identity/` and `jobs/` make one.
 */
export interface TenantScope extends CallOrigin {
  readonly [made]: true
  readonly tenantId: TenantId
  readonly actor: Actor
  readonly authority: Authority
}

/** Weft itself may do what its code does; no route runs with it. */
export const systemAuthority: Authority = { may: () => true, teams: 'all' }

export function makeTenantScope(
  tenantId: TenantId,
  actor: Actor,
  authority: Authority,
  requestId: string | null = null,
  { source = null, credentialId = null }: Partial<CallOrigin> = {}
): TenantScope {
  const scope = { tenantId, actor, authority, requestId, source, credentialId }
  return Object.freeze(scope) as TenantScope
}
