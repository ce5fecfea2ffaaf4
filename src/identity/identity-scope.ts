import type { TenantId } from '../base/ids.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../base/tenant-scope.ts'

/** For identity's own steps, while nobody is known yet: reading attempts, keys and memberships. */
export function identityScope(tenantId: TenantId, requestId: string | null): TenantScope {
  return makeTenantScope(tenantId, { kind: 'system', id: 'identity' }, systemAuthority, requestId)
}
