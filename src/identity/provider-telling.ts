import type { Audit } from '../audit/audit.ts'
import type { Clock } from '../base/clock.ts'
import type { IncidentId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import {
  finishIncident,
  type IncidentGrantRow,
  settleIncidentGrants,
  takeIncidentGrants
} from '../store/incidents.ts'
import type { RevocationCause, RevokeEnded } from '../vault/mass-revocation.ts'
import type { Vault } from '../vault/vault.ts'

export interface IncidentDeps {
  readonly db: Db
  readonly audit: Audit
  readonly clock: Clock
  readonly vault: Pick<Vault, 'revokeEnded'>
}

/** Hears how far the telling of the provider is, now and then. */
export type TellProgress = (done: { readonly told: number; readonly revoked: number }) => void

/** Tells the provider of the grants that an incident ended, and finishes it. */
export interface ProviderTelling {
  tellAll(scope: TenantScope, id: IncidentId, tell: TellProgress): Promise<void>
  /** Begins nothing more. */
  close(): void
}

const portion = 500
/** A process that dies with a portion leaves it to others after so long; told twice does no harm. */
const leaseMs = 30_000
const inAllMax = 96
const perHostMax = 48
/** After so many in a row without an answer a host is not asked any more in this run. */
const awayMax = 2 * perHostMax

export function createProviderTelling({ db, audit, clock, vault }: IncidentDeps): ProviderTelling {
  let isClosing = false

  async function tellPortion(
    taken: readonly IncidentGrantRow[],
    revoke: RevokeEnded,
    awayInRow: Map<string, number>
  ): Promise<Map<string, RevocationCause | null>> {
    const causes = new Map<string, RevocationCause | null>()
    await eachBounded(taken, async (grant) => {
      if (isClosing) return
      const host = grant.workspaceOrigin
      const isAway = (awayInRow.get(host) ?? 0) >= awayMax
      const cause = isAway ? 'provider_away' : await revoke(grant)
      if (cause === 'provider_away') awayInRow.set(host, (awayInRow.get(host) ?? 0) + 1)
      else awayInRow.delete(host)
      causes.set(grant.grantId, cause)
    })
    return causes
  }

  async function tellAll(scope: TenantScope, id: IncidentId, tell: TellProgress): Promise<void> {
    const revoke = vault.revokeEnded(scope)
    const awayInRow = new Map<string, number>()
    let told = 0
    let revoked = 0
    while (!isClosing) {
      const taken = await db.inTenant(scope, (tx) =>
        takeIncidentGrants(tx, id, { limit: portion, leaseMs })
      )
      if (taken.length === 0) break
      const causes = await tellPortion(taken, revoke, awayInRow)
      await db.inTenant(scope, (tx) => settleIncidentGrants(tx, id, causes))
      told += causes.size
      revoked += [...causes.values()].filter((cause) => cause === null).length
      tell({ told, revoked })
    }
    await db.inTenant(scope, async (tx) => {
      if (!(await finishIncident(tx, id, clock.now()))) return
      await audit.append(tx, { action: 'incident.finish', object: ['incident', id] })
    })
  }

  return {
    tellAll,
    close() {
      isClosing = true
    }
  }
}

/** Does `work` for each: a few at once, and fewer at one host, so that a slow one holds up no other. */
async function eachBounded(
  grants: readonly IncidentGrantRow[],
  work: (grant: IncidentGrantRow) => Promise<void>
): Promise<void> {
  const queues = [...Map.groupBy(grants, ({ workspaceOrigin }) => workspaceOrigin).values()]
  const left: IncidentGrantRow[][] = []
  // Hosts take turns: each one's first lane, then each one's second.
  for (let lane = 0; lane < perHostMax; lane += 1) {
    left.push(...queues.filter((queue) => queue.length > lane))
  }
  const worker = async () => {
    for (let queue = left.shift(); queue !== undefined; queue = left.shift()) {
      for (let grant = queue.pop(); grant !== undefined; grant = queue.pop()) await work(grant)
    }
  }
  await Promise.all(Array.from({ length: inAllMax }, worker))
}
