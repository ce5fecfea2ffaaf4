import type { Audit } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import { listAuditEvents } from '../store/audit-events.ts'
import type { Db } from '../store/db.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { SigningKeys } from '../vault/signing-keys.ts'
import { jobScope } from './job-scope.ts'

const earlierMax = 100

/**
 * Drops a signing key that may be in wrong hands: within seconds no replica believes what it signed. It is on record
 * in each tenant first; who was killed on the way runs it again, and writes what is missing.
 * @throws AppError `not_found`
 */
export function createSigningKeyDrop(
  db: Db,
  audit: Pick<Audit, 'append'>,
  signingKeys: Pick<SigningKeys, 'published' | 'drop'>
) {
  async function record(tenantId: string, kid: string): Promise<void> {
    const action = 'signing_key.drop'
    await db.inTenant(jobScope(tenantId, 'signing_key_drop'), async (tx) => {
      const earlier = await listAuditEvents(tx, { action, order: 'desc', limit: earlierMax })
      if (earlier.some(({ objectId }) => objectId === kid)) return
      await audit.append(tx, { action, object: ['signing_key', kid] })
    })
  }

  return async (kid: string): Promise<{ readonly kid: string; readonly tenants: number }> => {
    const { keys } = await signingKeys.published()
    if (!keys.some((key) => key.kid === kid)) {
      throw new AppError('not_found', { note: `there is no signing key ${kid}` })
    }
    const tenantIds = await listTenantIds(db)
    for (const tenantId of tenantIds) await record(tenantId, kid)
    await signingKeys.drop(kid)
    return { kid, tenants: tenantIds.length }
  }
}
