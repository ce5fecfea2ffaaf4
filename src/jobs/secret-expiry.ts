import type { Audit, AuditEvent } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { asId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import {
  type ExpiringSecret,
  listExpiringSecrets,
  noteExpiryTold
} from '../store/expiring-secrets.ts'
import { listTenantIds } from '../store/tenants.ts'
import type { Job } from './clockwork.ts'
import { jobScope } from './job-scope.ts'

const dayMs = 24 * 60 * 60_000
/** How many days before its end a secret is told of, and at its end; each once. */
const thresholds = [0, 1, 7, 30]
const firstMs = Math.max(...thresholds) * dayMs

/** Puts into the record which secrets end soon: each once for each threshold, however many replicas look. */
export function secretExpiry(db: Db, audit: Pick<Audit, 'append'>, clock: Clock): Job {
  async function tell(tx: Tx, secret: ExpiringSecret): Promise<void> {
    const leftMs = secret.expiresAt.getTime() - clock.now().getTime()
    const days = thresholds.find((threshold) => leftMs <= threshold * dayMs)
    if (days === undefined || (secret.told !== null && secret.told <= days)) return
    if (await noteExpiryTold(tx, secret, days)) await audit.append(tx, eventOf(secret, days))
  }

  async function sweep(scope: TenantScope): Promise<void> {
    const before = plusMs(clock.now(), firstMs + 1)
    await db.inTenant(scope, async (tx) => {
      for (const secret of await listExpiringSecrets(tx, before)) await tell(tx, secret)
    })
  }

  return {
    name: 'secret_expiry',
    everyMs: 10 * 60_000,
    async run() {
      for (const tenantId of await listTenantIds(db))
        await sweep(jobScope(tenantId, 'secret_expiry'))
    }
  }
}

function eventOf(secret: ExpiringSecret, days: number): AuditEvent {
  const { kind, id, name, expiresAt, fabricId, appConnectionId, serviceAccountId } = secret
  return {
    action: 'secret.expiring',
    object: [kind, id],
    ...(fabricId === null ? {} : { fabricId: asId('fabric', fabricId) }),
    details: {
      name,
      expiresAt: expiresAt.toISOString(),
      daysLeft: days,
      ...(appConnectionId === null ? {} : { appConnectionId }),
      ...(serviceAccountId === null ? {} : { serviceAccountId })
    }
  }
}
