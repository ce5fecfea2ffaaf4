import { setNewest } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import type { GrantId, TenantId } from '../base/ids.ts'
import type { DueWish, Renewal } from '../vault/ahead.ts'
import { createHostPace, type HostPace } from './host-pace.ts'

/** A grant that was taken, as nobody else's for a while. */
export interface DueGrant {
  readonly tenantId: TenantId
  readonly grantId: GrantId
  readonly host: string
  readonly dueAt: Date
}

/** Where what is due comes from: the database, or a test's memory. */
export interface DueSource {
  /** Tenants that have something due, the one that waits longest first. */
  tenants(limit: number): Promise<readonly TenantId[]>
  /** Takes a portion; what is neither renewed nor put off comes due again by itself. */
  take(tenantId: TenantId, wish: DueWish): Promise<readonly DueGrant[]>
  renew(due: DueGrant): Promise<Renewal>
}

/** Of one replica. */
export interface AheadLimits {
  readonly inFlight: number
  readonly perTenant: number
  readonly perHost: number
  /** Of one tenant at a time. */
  readonly portion: number
}

/** A turn comes four times a second, so this is also 128 renewals a second at most, 32 of them at one host. */
export const aheadLimits: AheadLimits = { inFlight: 32, perTenant: 24, perHost: 8, portion: 8 }
export const aheadEveryMs = 250

/** What an operator may watch. */
export interface AheadStatus {
  readonly inFlight: number
  /** Taken, and waiting for their host. */
  readonly waiting: number
  /** Tenants that had something due at the last turn, up to a hundred. */
  readonly tenantsDue: number
  /** How late the last grant that was taken was, milliseconds; 0 where nothing is due. */
  readonly lateMs: number
  /** Hosts that are left alone for now, since their provider was away. */
  readonly hostsAway: number
  /** Since the process began. */
  readonly outcomes: Readonly<Record<Renewal, number>>
}

export interface RefreshAhead {
  /** Begins what fits in; does not wait for its end. */
  turn(): Promise<void>
  status(): AheadStatus
}

const tenantsMax = 100
const hostsMax = 10_000

/**
 * Renews tokens before anybody waits for them: a few at a time, in all, at each host and for each tenant, who take
 * turns. A host that answers badly is left alone for longer and longer, and one that answers is asked for twice
 * as many each time, so that neither a restart nor an outage's end brings all at once.
 * @param jitter 0 ≤ jitter < 1, anew with each call
 */
export function createRefreshAhead(
  source: DueSource,
  { clock, jitter }: { readonly clock: Clock; readonly jitter: () => number },
  limits: AheadLimits = aheadLimits
): RefreshAhead {
  const hosts = new Map<string, HostPace>()
  /** Those that renew something or are away. */
  const engaged = new Map<string, HostPace>()
  const ofTenant = new Map<TenantId, number>()
  const outcomes = { renewed: 0, put_off: 0, refused: 0, provider_away: 0, failed: 0 }
  let waiting: DueGrant[] = []
  let inFlight = 0
  let tenantsDue = 0
  let lateMs = 0

  function paceOf(host: string): HostPace {
    const known = hosts.get(host)
    if (known !== undefined) return known
    const made = createHostPace({ clock, jitter, atOnceMax: limits.perHost })
    setNewest(hosts, host, made, hostsMax)
    return made
  }

  function count(tenantId: TenantId, by: 1 | -1): void {
    const next = (ofTenant.get(tenantId) ?? 0) + by
    if (next === 0) ofTenant.delete(tenantId)
    else ofTenant.set(tenantId, next)
  }

  /** Where nothing more would begin now. */
  function closedHosts(): string[] {
    const closed: string[] = []
    for (const [host, pace] of engaged) {
      if (pace.isAway() || !pace.hasRoom()) closed.push(host)
      else if (pace.isIdle()) engaged.delete(host)
    }
    return closed
  }

  function begin(due: DueGrant, pace: HostPace): void {
    inFlight += 1
    pace.begin()
    engaged.set(due.host, pace)
    const end = (outcome: Renewal) => {
      inFlight -= 1
      outcomes[outcome] += 1
      count(due.tenantId, -1)
      pace.end(outcome)
    }
    // A fault that is no problem of ours to name says as much as one that is.
    source.renew(due).then(end, () => end('failed'))
  }

  /** What waits for a host that is left alone is let go of, and comes due again. */
  function beginWaiting(): void {
    const left: DueGrant[] = []
    for (const due of waiting) {
      const pace = paceOf(due.host)
      if (pace.isAway()) count(due.tenantId, -1)
      else if (pace.hasRoom() && inFlight < limits.inFlight) begin(due, pace)
      else left.push(due)
    }
    waiting = left
  }

  /** @returns whether there may be more */
  async function takePortion(tenantId: TenantId): Promise<boolean> {
    const room = Math.min(
      limits.inFlight - inFlight - waiting.length,
      limits.perTenant - (ofTenant.get(tenantId) ?? 0),
      limits.portion
    )
    if (room <= 0) return false
    const wish = { limit: room, perHost: room, exceptOrigins: closedHosts() }
    const taken = await source.take(tenantId, wish)
    for (const due of taken) {
      count(tenantId, 1)
      lateMs = clock.now().getTime() - due.dueAt.getTime()
    }
    waiting.push(...taken)
    beginWaiting()
    return taken.length === room
  }

  return {
    async turn() {
      beginWaiting()
      if (inFlight + waiting.length >= limits.inFlight) return
      let tenants = await source.tenants(tenantsMax)
      tenantsDue = tenants.length
      if (tenantsDue === 0) lateMs = 0
      while (tenants.length > 0) {
        const more: TenantId[] = []
        for (const tenantId of tenants) if (await takePortion(tenantId)) more.push(tenantId)
        tenants = more
      }
    },
    status: () => ({
      inFlight,
      waiting: waiting.length,
      tenantsDue,
      lateMs,
      hostsAway: [...engaged.values()].filter((pace) => pace.isAway()).length,
      outcomes: { ...outcomes }
    })
  }
}
