import type { TenantId } from '../base/ids.ts'
import {
  type CallOrigin,
  makeTenantScope,
  systemAuthority,
  type TenantScope
} from '../base/tenant-scope.ts'

/** For identity's own steps, while nobody is known yet: reading attempts, keys and memberships. */
export function identityScope(
  tenantId: TenantId,
  requestId: string | null,
  origin: Partial<CallOrigin> = {}
): TenantScope {
  const actor = { kind: 'system', id: 'identity' } as const
  return makeTenantScope(tenantId, actor, systemAuthority, requestId, origin)
}
