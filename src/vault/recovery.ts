import { asId, type GrantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { listAbandonedGrants } from '../store/refresh-journal.ts'
import type { RefreshDeps } from './refresh-deps.ts'

/** Sees to every refresh of the tenant that its owner did not live to finish; one that fails stops no other. */
export async function recoverTenant(
  { db }: RefreshDeps,
  scope: TenantScope,
  refresh: (scope: TenantScope, grantId: GrantId, generation: number) => Promise<void>
): Promise<number> {
  const abandoned = await db.inTenant(scope, listAbandonedGrants)
  for (const { grantId, generation } of abandoned) {
    // What it comes to stands in the grant's state and in the audit.
    await refresh(scope, asId('grant', grantId), generation).catch(() => undefined)
  }
  return abandoned.length
}
