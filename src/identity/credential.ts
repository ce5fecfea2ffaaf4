import type { CredentialId, SessionId, TenantId } from '../base/ids.ts'
import type { Actor, Authority } from '../base/tenant-scope.ts'
import type { Caller } from './caller.ts'
import type { LastUse } from './last-uses.ts'

/** Whom a credential stands for, as it was read: good until its tenant changes or its time is over. */
export interface Credential {
  readonly via: Caller['via']
  readonly tenantId: TenantId
  readonly actor: Actor
  readonly authority: Authority
  readonly sessionId: SessionId | null
  readonly keyId: CredentialId | null
  /** Not one of these is over; a session's idle time is moved on by its use, on any replica. */
  readonly ends: readonly Date[]
  readonly lastUse: LastUse
  /** Whether it may be shown from this address; absent: from any. */
  readonly admits?: (source: string) => boolean
}
