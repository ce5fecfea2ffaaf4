import { plusMs } from '../base/clock.ts'
import type { TenantId } from '../base/ids.ts'
import type { Db } from '../store/db.ts'
import { touchFederatedIdentities } from '../store/federated-identities.ts'
import { touchPersonalTokens } from '../store/personal-tokens.ts'
import { touchScimTokens } from '../store/scim-tokens.ts'
import { touchServiceKeys } from '../store/service-keys.ts'
import { touchSessions } from '../store/sessions.ts'
import { readTenantSettings } from '../store/tenant-settings.ts'
import { identityScope } from './identity-scope.ts'
import { idleEnd } from './session-life.ts'

/** When something that lets a caller in was last used, as far as that is written or about to be. */
export interface LastUse {
  readonly kind: 'session' | 'personal_token' | 'service_key' | 'scim_token' | 'federated_identity'
  readonly tenantId: TenantId
  readonly id: string
  at: Date | null
  /** The address that it was used from. */
  from?: string
}

/** Notes of use, written apart from the calls: no call waits for them, and replicas forget nothing for them. */
export interface LastUses {
  note(use: LastUse, now: Date, from: string): void
  /** Writes what was noted; what can't be written is noted again at a next use. */
  flush(): Promise<void>
  /** Noted and not yet written. */
  readonly waiting: number
}

/** Of one session, token or key. */
const noteEveryMs = 60_000
const batchMax = 1_000

export function createLastUses(db: Db): LastUses {
  let noted = new Map<string, LastUse>()

  async function write(tenantId: TenantId, uses: readonly LastUse[]): Promise<void> {
    const at = new Date(Math.max(...uses.map((use) => use.at?.getTime() ?? 0)))
    const dueBefore = plusMs(at, -noteEveryMs)
    const idsOf = (kind: LastUse['kind']) =>
      uses.filter((use) => use.kind === kind).map(({ id }) => id)
    await db.inTenant(identityScope(tenantId, null), async (tx) => {
      const idleExpiresAt = idleEnd(at, await readTenantSettings(tx))
      await touchSessions(tx, idsOf('session'), { lastSeenAt: at, idleExpiresAt }, dueBefore)
      await touchPersonalTokens(tx, idsOf('personal_token'), at, dueBefore)
      const keys = uses.filter(({ kind }) => kind === 'service_key')
      const keyUses = keys.map(({ id, from = null }) => ({ id, from }))
      await touchServiceKeys(tx, keyUses, at, dueBefore)
      await touchScimTokens(tx, idsOf('scim_token'), at, dueBefore)
      await touchFederatedIdentities(tx, idsOf('federated_identity'), at, dueBefore)
    })
  }

  return {
    note(use, now, from) {
      if (use.at !== null && now.getTime() - use.at.getTime() <= noteEveryMs) return
      use.at = now
      use.from = from
      noted.set(use.id, use)
    },
    get waiting() {
      return noted.size
    },
    async flush() {
      const byTenant = Map.groupBy(noted.values(), ({ tenantId }) => tenantId)
      noted = new Map()
      const failures: unknown[] = []
      for (const [tenantId, uses] of byTenant) {
        for (let from = 0; from < uses.length; from += batchMax) {
          const batch = uses.slice(from, from + batchMax)
          await write(tenantId, batch).catch((error: unknown) => failures.push(error))
        }
      }
      if (failures.length > 0) throw failures[0]
    }
  }
}
