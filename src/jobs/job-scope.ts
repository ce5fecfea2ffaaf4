import { asId } from '../base/ids.ts'
import { makeTenantScope, systemAuthority, type TenantScope } from '../base/tenant-scope.ts'

/** Weft itself, at a task of its own in one tenant. */
export function jobScope(tenantId: string, id: string): TenantScope {
  return makeTenantScope(asId('tenant', tenantId), { kind: 'system', id }, systemAuthority)
}
