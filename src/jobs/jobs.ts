import type { AuditBuffer } from '../audit/audit-buffer.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { asId } from '../base/ids.ts'
import { makeTenantScope, systemAuthority } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import { deleteExpiredRows } from '../store/expired-rows.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { Job } from './clockwork.ts'

/** How long what has expired is kept, so that a late visitor can be told what happened. */
const keptMs = 24 * 60 * 60_000

/** Writes the records of calls; runs once more at the end, so that a stop loses none. */
export function auditFlush(buffer: AuditBuffer): Job {
  return { name: 'audit_flush', everyMs: 500, run: () => buffer.flush() }
}

export function expirySweep(db: Db, clock: Clock): Job {
  return {
    name: 'expiry_sweep',
    everyMs: 10 * 60_000,
    async run() {
      const before = plusMs(clock.now(), -keptMs)
      for (const tenantId of await listTenantIds(db)) {
        const actor = { kind: 'system', id: 'expiry_sweep' } as const
        const scope = makeTenantScope(asId('tenant', tenantId), actor, systemAuthority)
        await db.inTenant(scope, (tx) => deleteExpiredRows(tx, before))
      }
    }
  }
}
