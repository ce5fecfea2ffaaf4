import type { Audit } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import type { Db } from '../store/db.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { SigningKeys } from '../vault/signing-keys.ts'
import { jobScope } from './job-scope.ts'

/**
 * Drops a signing key that may be in wrong hands. Replicas remember whom a token stands for, so each tenant has a record
 * of it, which they notice: within seconds none of them believes what the key signed.
 * @throws AppError `not_found`
 */
export function createSigningKeyDrop(
  db: Db,
  audit: Pick<Audit, 'record'>,
  signingKeys: Pick<SigningKeys, 'drop'>
) {
  return async (kid: string): Promise<{ readonly kid: string; readonly tenants: number }> => {
    if (!(await signingKeys.drop(kid))) {
      throw new AppError('not_found', { note: `there is no signing key ${kid}` })
    }
    const tenantIds = await listTenantIds(db)
    for (const tenantId of tenantIds) {
      const scope = jobScope(tenantId, 'signing_key_drop')
      await audit.record(scope, [{ action: 'signing_key.drop', object: ['signing_key', kid] }])
    }
    return { kid, tenants: tenantIds.length }
  }
}
