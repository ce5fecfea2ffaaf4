import { setNewest } from '../base/bounded-map.ts'
import { plusMs } from '../base/clock.ts'
import type { GrantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { noteGrantUses } from '../store/refresh-schedule.ts'
import { keyOf } from './held-grants.ts'
import type { RefreshDeps } from './refresh-deps.ts'

/** Notes of which grants are in use, written apart from the calls. */
export interface GrantUses {
  note(scope: TenantScope, grantId: GrantId): void
  /** Writes what was noted; what can't be written is noted again at a next use. */
  flush(): Promise<void>
}

/** Of one grant. */
const noteEveryMs = 10 * 60_000
const rememberedMax = 50_000
const batchMax = 1_000

export function createGrantUses({ db, clock }: Pick<RefreshDeps, 'db' | 'clock'>): GrantUses {
  const notedMs = new Map<string, number>()
  let noted = new Map<string, { scope: TenantScope; grantId: GrantId }>()

  return {
    note(scope, grantId) {
      const key = keyOf(scope, grantId)
      const nowMs = clock.monotonicMs()
      if (nowMs - (notedMs.get(key) ?? -noteEveryMs) < noteEveryMs) return
      setNewest(notedMs, key, nowMs, rememberedMax)
      setNewest(noted, key, { scope, grantId }, rememberedMax)
    },
    async flush() {
      const byTenant = Map.groupBy(noted.values(), ({ scope }) => scope.tenantId)
      noted = new Map()
      const now = clock.now()
      const failures: unknown[] = []
      for (const uses of byTenant.values()) {
        for (let from = 0; from < uses.length; from += batchMax) {
          const batch = uses.slice(from, from + batchMax)
          const [first] = batch
          if (first === undefined) continue
          const ids = batch.map(({ grantId }) => grantId)
          await db
            .inTenant(first.scope, (tx) => noteGrantUses(tx, ids, now, plusMs(now, -noteEveryMs)))
            .catch((error: unknown) => failures.push(error))
        }
      }
      if (failures.length > 0) throw failures[0]
    }
  }
}
