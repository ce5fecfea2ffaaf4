import type { Clock } from '../base/clock.ts'
import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { TenantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { OpenFabric } from '../fabrics/fabric-access.ts'
import type { GatewayBounds, RefusalReason } from './bounds.ts'
import { createRates } from './rates.ts'
import { Tally } from './tally.ts'

/** One call's places: each is taken once and given back by `leave`, whatever became of the call. */
export interface Seat {
  /** Whether a bound turned the call away here, which is counted and leaves no record. */
  readonly isTurnedAway: boolean
  /** @throws AppError `rate_limited`: the caller or the fabric has its fill */
  take(scope: TenantScope, fabric: Pick<OpenFabric, 'id' | 'requestsPerMinute'>): void
  /** @throws AppError `overloaded`: the host has */
  reach(origin: string): void
  leave(): void
}

/** Who may come in. A few look-ups per call, and nothing is kept of what is not under way. */
export interface Admission {
  /**
   * Room in this process, to be asked for before a body is read.
   * @returns what gives the room back, once
   * @throws AppError `overloaded`, `rate_limited`: the tenant has more than its share of a crowded process
   */
  enter(tenantId: TenantId): () => void
  seat(): Seat
  readonly inFlight: number
  readonly refused: Readonly<Record<RefusalReason, number>>
}

interface AdmissionDeps {
  readonly clock: Clock
  readonly bounds: GatewayBounds
  /** Of the event loop. */
  readonly lagMs: () => number
  /** Between 0 and 1, so that those who were refused together do not come back together. */
  readonly random: () => number
}

const codes = {
  lag: 'overloaded',
  process: 'overloaded',
  host: 'overloaded',
  tenant: 'rate_limited',
  caller: 'rate_limited',
  fabric: 'rate_limited',
  rate: 'rate_limited'
} as const satisfies Record<RefusalReason, string>

const details: Readonly<Record<RefusalReason, string>> = {
  lag: 'This replica is too busy to take a call now',
  process: 'This replica has as many calls under way as it takes',
  host: 'This workspace has as many calls under way as it is given',
  tenant: 'Your organisation has more than its share of calls under way',
  caller: 'You have as many calls under way as you may',
  fabric: 'This fabric has as many calls under way as it may',
  rate: 'More requests in this minute than this service account may send through this fabric'
}

export function createAdmission({ clock, bounds, lagMs, random }: AdmissionDeps): Admission {
  const tenants = new Tally()
  const callers = new Tally()
  const fabrics = new Tally()
  const hosts = new Tally()
  const rates = createRates(clock)
  const refused = { lag: 0, process: 0, tenant: 0, caller: 0, fabric: 0, host: 0, rate: 0 }
  let inFlight = 0

  /** @param waitMs default: a second, and up to another one */
  function refusal(reason: RefusalReason, waitMs = 1_000 * (1 + random())): AppError {
    refused[reason] += 1
    const retryAt = plusMs(clock.now(), waitMs)
    return new AppError(codes[reason], { detail: details[reason], note: reason, retryAt })
  }

  /** With room for one tenant more, so that a tenant alone in a crowd leaves some to whoever comes next. */
  function isOverShare(tenantId: TenantId): boolean {
    return tenants.of(tenantId) >= bounds.callsMax / (tenants.size + 1)
  }

  function refusalOf(
    caller: string,
    fabric: string,
    { requestsPerMinute }: Pick<OpenFabric, 'requestsPerMinute'>
  ): AppError | null {
    if (callers.of(caller) >= bounds.callsPerCallerMax) return refusal('caller')
    if (fabrics.of(fabric) >= bounds.callsPerFabricMax) return refusal('fabric')
    if (requestsPerMinute === null) return null
    const waitMs = rates.take(`${caller}/${fabric}`, requestsPerMinute)
    return waitMs > 0 ? refusal('rate', waitMs) : null
  }

  class Place implements Seat {
    isTurnedAway = false
    #caller: string | null = null
    #fabric: string | null = null
    #host: string | null = null

    take({ tenantId, actor }: TenantScope, fabric: Pick<OpenFabric, 'id' | 'requestsPerMinute'>) {
      const caller = `${tenantId}/${actor.id}`
      const error = refusalOf(caller, fabric.id, fabric)
      if (error !== null) this.#turnAway(error)
      this.#caller = caller
      this.#fabric = fabric.id
      callers.add(caller)
      fabrics.add(fabric.id)
    }

    reach(origin: string) {
      if (hosts.of(origin) >= bounds.callsPerHostMax) this.#turnAway(refusal('host'))
      this.#host = origin
      hosts.add(origin)
    }

    leave() {
      if (this.#caller !== null) callers.remove(this.#caller)
      if (this.#fabric !== null) fabrics.remove(this.#fabric)
      if (this.#host !== null) hosts.remove(this.#host)
    }

    #turnAway(error: AppError): never {
      this.isTurnedAway = true
      throw error
    }
  }

  return {
    enter(tenantId) {
      if (lagMs() > bounds.lagMsMax) throw refusal('lag')
      if (inFlight >= bounds.callsMax) throw refusal('process')
      if (inFlight >= bounds.crowdedAt && isOverShare(tenantId)) throw refusal('tenant')
      inFlight += 1
      tenants.add(tenantId)
      return () => {
        inFlight -= 1
        tenants.remove(tenantId)
      }
    },
    seat: () => new Place(),
    get inFlight() {
      return inFlight
    },
    refused
  }
}
