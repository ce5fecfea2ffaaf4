import type { Anchors, AuditHead } from '../audit/anchors.ts'
import type { AuditBuffer } from '../audit/audit-buffer.ts'
import { type Clock, type FollowingClock, plusMs } from '../base/clock.ts'
import { asId, type TenantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Incidents, OpenCalls, Tenants } from '../identity/identity.ts'
import type { LastUses } from '../identity/last-uses.ts'
import { deleteCallRecords } from '../store/call-records.ts'
import type { Db } from '../store/db.ts'
import { deleteExpiredRows } from '../store/expired-rows.ts'
import { listTenantsWithAbandonedGrants } from '../store/refresh-journal.ts'
import { listRefreshTurns } from '../store/refresh-schedule.ts'
import type { TenantVersions } from '../store/tenant-versions.ts'
import { listTenantIds } from '../store/tenants.ts'
import { deleteUsageDays } from '../store/usage-days.ts'
import type { SigningKeys } from '../vault/signing-keys.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import type { Ahead, Vault } from '../vault/vault.ts'
import type { Courier } from '../webhooks/courier.ts'
import type { Job } from './clockwork.ts'
import type { DataKeyRotation } from './data-key-rotation.ts'
import { jobScope } from './job-scope.ts'
import { custodyEveryMs, type KeyCustody } from './key-custody.ts'
import { aheadEveryMs, type DueSource, type RefreshAhead } from './refresh-ahead.ts'

/** How long what has expired is kept, so that a late visitor can be told what happened. */
const keptMs = 24 * 60 * 60_000
const callRecordsKeptMs = 30 * 24 * 60 * 60_000
/** Their sums by day, a year and what it takes to compare it with the last. */
const usageKeptMs = 400 * 24 * 60 * 60_000
const callRecordsPerTransaction = 5_000

/** Writes the records of calls; runs once more at the end, so that a stop loses none. */
export function auditFlush(buffer: AuditBuffer): Job {
  return { name: 'audit_flush', everyMs: 500, run: () => buffer.flush() }
}

/** Notes which sessions and keys were used; runs once more at the end. */
export function lastUseFlush(lastUses: LastUses): Job {
  return { name: 'last_use_flush', everyMs: 5_000, run: () => lastUses.flush() }
}

/** Keeps this replica's time that of the database, and so that of every other replica. */
export function clockSync(db: Db, clock: FollowingClock): Job {
  return {
    name: 'clock_sync',
    everyMs: 30_000,
    async run() {
      const askedMs = clock.monotonicMs()
      clock.follow(await db.ping(), askedMs)
    }
  }
}

/** Begins to tell, within a second, what the record has that receivers have not been told. */
export function deliveries(courier: Pick<Courier, 'turn'>): Job {
  return { name: 'deliveries', everyMs: 1_000, run: () => courier.turn() }
}

/** Notices within a second what any replica has changed. */
export function versionPoll(versions: TenantVersions): Job {
  return { name: 'version_poll', everyMs: 1_000, run: () => versions.poll() }
}

/** Ends the calls under way of callers whose credential, role or tenant is gone. */
export function openCallReview(openCalls: OpenCalls): Job {
  return { name: 'open_call_review', everyMs: 1_000, run: () => openCalls.review() }
}

/** Goes on with erasures that a process left half done. */
export function erasures(tenants: Pick<Tenants, 'continueErasures'>): Job {
  return { name: 'erasures', everyMs: 15_000, run: () => tenants.continueErasures() }
}

/** Goes on with incidents whose provider a process left half told. */
export function incidentSweep(incidents: Pick<Incidents, 'continueIncidents'>): Job {
  return { name: 'incidents', everyMs: 15_000, run: () => incidents.continueIncidents() }
}

/** Lets go of the keys of erased tenants, which another replica may have destroyed. */
export function keyForgetting(strongbox: Pick<Strongbox, 'forgetErased'>): Job {
  return { name: 'key_forgetting', everyMs: 2_000, run: () => strongbox.forgetErased() }
}

/** Finishes refreshes whose owners died, first at the start and then for as long as Weft runs. */
export function recoverySweep(db: Db, vault: Pick<Vault, 'recover'>): Job {
  return {
    name: 'recovery_sweep',
    everyMs: 15_000,
    async run() {
      for (const tenantId of await listTenantsWithAbandonedGrants(db)) {
        await vault.recover(jobScope(tenantId, 'recovery_sweep'))
      }
    }
  }
}

/** Renews tokens that are in use, and keeps sign-ins alive. */
export function refreshAheadTurn(refreshAhead: Pick<RefreshAhead, 'turn'>): Job {
  return { name: 'refresh_ahead', everyMs: aheadEveryMs, run: () => refreshAhead.turn() }
}

/** Where nothing was due, nothing is asked for again so soon: what is put off comes back minutes ahead of its need. */
const restMs = 900

/** What is due, of all tenants, from the database. */
export function dueGrants(db: Db, clock: Clock, vault: Ahead): DueSource {
  let restsUntilMs = Number.NEGATIVE_INFINITY
  const scopeOf = (tenantId: TenantId) => jobScope(tenantId, 'refresh_ahead')
  return {
    async tenants(limit) {
      if (clock.monotonicMs() < restsUntilMs) return []
      const ids = await listRefreshTurns(db, clock.now(), limit)
      if (ids.length === 0) restsUntilMs = clock.monotonicMs() + restMs
      return ids.map((id) => asId('tenant', id))
    },
    take: async (tenantId, wish) =>
      (await vault.takeDue(scopeOf(tenantId), wish)).map(({ grantId, workspaceOrigin, dueAt }) => ({
        tenantId,
        grantId: asId('grant', grantId),
        host: workspaceOrigin,
        dueAt
      })),
    renew: ({ tenantId, grantId }) => vault.renewAhead(scopeOf(tenantId), grantId)
  }
}

/** Notes which grants were used; runs once more at the end. */
export function grantUseFlush(vault: Pick<Ahead, 'flushUses'>): Job {
  return { name: 'grant_use_flush', everyMs: 5_000, run: () => vault.flushUses() }
}

/** Makes, promotes and retires Weft's own signing keys, and learns of those that other replicas made. */
export function signingKeyRotation(signingKeys: Pick<SigningKeys, 'rotate'>): Job {
  return { name: 'signing_key_rotation', everyMs: 3_000, run: () => signingKeys.rotate() }
}

/** Reads the key ring anew, tells the other replicas what is in it, and learns which key seals. */
export function keyCustody(custody: Pick<KeyCustody, 'turn'>): Job {
  return { name: 'key_custody', everyMs: custodyEveryMs, run: () => custody.turn() }
}

/** Goes on with rotations of data keys that a process left half done, and destroys what was retired a day ago. */
export function dataKeySweep(rotation: Pick<DataKeyRotation, 'sweep'>): Job {
  return { name: 'data_key_sweep', everyMs: 10 * 60_000, run: () => rotation.sweep() }
}

/** Tells the signed head of each tenant's record that has grown since this process told it last, for somebody outside to keep. */
export function auditHeads(
  db: Db,
  anchors: Pick<Anchors, 'head'>,
  tell: (head: AuditHead) => void
): Job {
  const told = new Map<string, number>()
  return {
    name: 'audit_heads',
    everyMs: 24 * 60 * 60_000,
    async run() {
      for (const tenantId of await listTenantIds(db)) {
        const head = await anchors.head(jobScope(tenantId, 'audit_heads'))
        if (head.seq > (told.get(tenantId) ?? 0)) tell(head)
        told.set(tenantId, head.seq)
      }
    }
  }
}

export function expirySweep(db: Db, clock: Clock): Job {
  return {
    name: 'expiry_sweep',
    everyMs: 10 * 60_000,
    async run() {
      const before = plusMs(clock.now(), -keptMs)
      for (const tenantId of await listTenantIds(db)) {
        const scope = jobScope(tenantId, 'expiry_sweep')
        await db.inTenant(scope, (tx) => deleteExpiredRows(tx, before))
      }
    }
  }
}

/** Keeps records of calls for 30 days and their sums for 400, in portions that hold nobody up. */
export function callRecordSweep(db: Db, clock: Clock): Job {
  async function sweepTenant(scope: TenantScope): Promise<void> {
    const before = plusMs(clock.now(), -callRecordsKeptMs)
    const limit = callRecordsPerTransaction
    let deleted = limit
    while (deleted === limit) {
      deleted = await db.inTenant(scope, (tx) => deleteCallRecords(tx, before, limit))
    }
    const daysBefore = plusMs(clock.now(), -usageKeptMs)
    await db.inTenant(scope, (tx) => deleteUsageDays(tx, daysBefore))
  }

  return {
    name: 'call_record_sweep',
    everyMs: 60 * 60_000,
    async run() {
      for (const tenantId of await listTenantIds(db)) {
        await sweepTenant(jobScope(tenantId, 'call_record_sweep'))
      }
    }
  }
}
