import { AppError } from '../base/errors.ts'
import type { Db } from '../store/db.ts'
import { bumpTenantVersion } from '../store/tenant-versions.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { SigningKeys } from '../vault/signing-keys.ts'
import { jobScope } from './job-scope.ts'

/**
 * Drops a signing key that may be in wrong hands. Replicas remember whom a token stands for, so each tenant is told
 * of a change: within seconds none of them believes what the key signed.
 * @throws AppError `not_found`
 */
export function createSigningKeyDrop(db: Db, signingKeys: Pick<SigningKeys, 'drop'>) {
  return async (kid: string): Promise<{ readonly kid: string; readonly tenants: number }> => {
    if (!(await signingKeys.drop(kid))) {
      throw new AppError('not_found', { note: `there is no signing key ${kid}` })
    }
    const tenantIds = await listTenantIds(db)
    for (const tenantId of tenantIds) {
      await db.inTenant(jobScope(tenantId, 'signing_key_drop'), bumpTenantVersion)
    }
    return { kid, tenants: tenantIds.length }
  }
}
