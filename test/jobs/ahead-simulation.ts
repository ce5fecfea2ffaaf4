import { asId, type TenantId } from '../../src/base/ids.ts'
import {
  aheadEveryMs,
  createRefreshAhead,
  type DueGrant,
  type DueSource,
  type RefreshAhead
} from '../../src/jobs/refresh-ahead.ts'
import type { Renewal } from '../../src/vault/ahead.ts'
import { firstLookAt, type PlanFacts, planRefresh } from '../../src/vault/refresh-plan.ts'
import { turnOf } from '../../src/vault/renewal-turn.ts'

/**
 * The scheduler as it ships, several of it, on a clock that is moved by hand: what is due lies in memory instead
 * of the database, behind the same interface, and a renewal is the passing of time.
 */
export interface Simulation {
  /** Milliseconds since nine o'clock. */
  readonly nowMs: number
  /** Renewals that began, by second. */
  readonly begunBySecond: Uint32Array
  /** The most that were under way at one host at once, over all replicas. */
  readonly atOneHostMax: number
  /** The most that one replica held at once, begun or waiting. */
  readonly heldMax: number
  readonly counts: {
    renewed: number
    away: number
    putOff: number
    /** Renewed although another replica had just done so. */
    twice: number
    /** Tokens in use that were renewed after their end: their callers had to wait. */
    late: number
  }
  runUntil(ms: number): Promise<void>
  /** All replicas end at once, with what they were at, and begin anew. */
  restart(): void
  setAway(isAway: boolean): void
  /** Stops the use of every grant whose number is divisible by `every`. */
  stopUse(every: number): void
  /** How many grants in use have no token now; of one tenant, or of all. */
  withoutToken(tenant?: number): number
  sizeOf(tenant: number): number
  /** Grants in use that nothing will ever look at again. */
  forgotten(): number
}

export interface SimulationOptions {
  readonly grants: number
  readonly replicas: number
  /** The first tenant has as many as all others together. */
  readonly tenants: number
  readonly hostsOfTenant: number
  /** All people sign in within so long from nine o'clock. */
  readonly signInsWithinMs: number
}

const stepMs = 50
const ringSteps = 64
const startMs = Date.parse('2026-11-23T09:00:00Z')
const tokenLifeMs = 3_600_000
const takenForMs = 120_000
const askedAgainMs = 60_000
const lullMs = 1_000
const secondsMax = 4 * 3_600

export function simulate(options: SimulationOptions): Simulation {
  const { grants, replicas, tenants, hostsOfTenant, signInsWithinMs } = options
  const hosts = tenants * hostsOfTenant
  const issued = new Float64Array(grants)
  const usedUntil = new Float64Array(grants).fill(Number.POSITIVE_INFINITY)
  const turns = Float64Array.from({ length: grants }, (_, index) => turnOf(idOf(index)))
  const lanes = calendar(hosts, grants)
  const turnDue = new Float64Array(tenants).fill(Number.POSITIVE_INFINITY)
  const underway = new Uint16Array(hosts)
  const ring: (() => void)[][] = Array.from({ length: ringSteps }, () => [])
  const begunBySecond = new Uint32Array(secondsMax)
  const counts = { renewed: 0, away: 0, putOff: 0, twice: 0, late: 0 }
  let nowMs = 0
  let isAway = false
  let era = 0
  let atOneHostMax = 0
  let heldMax = 0
  let seed = 1

  const clock = { now: () => at.now, monotonicMs: () => nowMs }
  const tenantOf = (index: number) => (index % 2 === 0 ? 0 : 1 + ((index >> 1) % (tenants - 1)))
  const laneOf = (index: number) => tenantOf(index) * hostsOfTenant + ((index >> 8) % hostsOfTenant)
  const jitter = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }

  function schedule(index: number, atMs: number): void {
    const second = Math.min(Math.ceil(atMs / 1_000), secondsMax - 1)
    lanes.put(laneOf(index), second, index)
    const tenant = tenantOf(index)
    turnDue[tenant] = Math.min(turnDue[tenant] ?? 0, atMs)
  }

  function renewTokens(index: number): void {
    issued[index] = nowMs
    const first = firstLookAt(factsOf(index))
    schedule(index, (first?.getTime() ?? 0) - startMs)
  }

  /** One object for all: a million times a plan is asked for. */
  const at = { issued: new Date(), expires: new Date(), used: new Date(), now: new Date() }
  const facts: { -readonly [Key in keyof PlanFacts]: PlanFacts[Key] } = {
    kind: 'user',
    state: 'active',
    cause: null,
    nextTryAt: null,
    generation: 1,
    hasRefreshToken: true,
    accessIssuedAt: at.issued,
    accessExpiresAt: at.expires,
    turn: 0,
    usedAt: at.used,
    signedInAt: new Date(startMs),
    refreshIssuedAt: at.issued,
    refreshTokenTtlMinutes: 10_080,
    absoluteSessionMinutes: null
  }

  function factsOf(index: number): PlanFacts {
    const issuedMs = startMs + (issued[index] ?? 0)
    at.issued.setTime(issuedMs)
    at.expires.setTime(issuedMs + tokenLifeMs)
    at.used.setTime(startMs + Math.min(nowMs, usedUntil[index] ?? 0))
    at.now.setTime(startMs + nowMs)
    facts.turn = turns[index] ?? 0
    return facts
  }

  const source: DueSource = {
    async tenants(limit) {
      const found: number[] = []
      for (let tenant = 0; tenant < tenants; tenant += 1) {
        if ((turnDue[tenant] ?? 0) <= nowMs) found.push(tenant)
      }
      if (found.length === 0) return []
      found.sort((one, other) => (turnDue[one] ?? 0) - (turnDue[other] ?? 0))
      return found.slice(0, limit).map((tenant) => asId('tenant', String(tenant)))
    },
    async take(tenantId: TenantId, { limit, perHost, exceptOrigins }) {
      const tenant = Number(tenantId)
      const from = tenant * hostsOfTenant
      const isOpen = (lane: number) => !exceptOrigins.includes(String(lane))
      const left = new Map<number, number>()
      for (let lane = from; lane < from + hostsOfTenant; lane += 1) {
        if (isOpen(lane)) left.set(lane, perHost)
      }
      const taken: DueGrant[] = []
      let next = Number.POSITIVE_INFINITY
      for (;;) {
        let bestLane = -1
        next = Number.POSITIVE_INFINITY
        for (const [lane, more] of left) {
          const second = more > 0 ? lanes.next(lane) : Number.POSITIVE_INFINITY
          if (second < next) [bestLane, next] = [lane, second]
        }
        if (next * 1_000 > nowMs || taken.length === limit) break
        const index = lanes.at(bestLane, next)
        left.set(bestLane, (left.get(bestLane) ?? 0) - 1)
        schedule(index, nowMs + takenForMs)
        const dueAt = new Date(startMs + next * 1_000)
        taken.push({
          tenantId,
          grantId: asId('grant', String(index)),
          host: String(bestLane),
          dueAt
        })
      }
      const soonest = taken.length === limit ? nowMs : nowMs + lullMs
      turnDue[tenant] = Math.min(nowMs + askedAgainMs, Math.max(soonest, next * 1_000))
      return taken
    },
    renew({ grantId, host }) {
      const index = Number(grantId)
      const plan = planRefresh(factsOf(index), at.now)
      if (plan.kind === 'wait') {
        if (nowMs - (issued[index] ?? 0) < tokenLifeMs / 4) counts.twice += 1
        counts.putOff += 1
        if (plan.until !== null) schedule(index, plan.until.getTime() - startMs)
        return Promise.resolve<Renewal>('put_off')
      }
      const second = Math.floor(nowMs / 1_000)
      begunBySecond[second] = (begunBySecond[second] ?? 0) + 1
      const lane = Number(host)
      underway[lane] = (underway[lane] ?? 0) + 1
      atOneHostMax = Math.max(atOneHostMax, underway[lane] ?? 0)
      const begun = era
      return new Promise((resolve) => {
        const tookMs = isAway ? 1_000 : 100 + 300 * jitter()
        const endsAt = (Math.round(nowMs / stepMs) + Math.ceil(tookMs / stepMs)) % ringSteps
        ring[endsAt]?.push(() => {
          if (begun !== era) return
          underway[lane] = (underway[lane] ?? 1) - 1
          if (isAway) counts.away += 1
          else {
            if (nowMs - (issued[index] ?? 0) > tokenLifeMs) counts.late += 1
            counts.renewed += 1
            renewTokens(index)
          }
          resolve(isAway ? 'provider_away' : 'renewed')
        })
      })
    }
  }

  const made = () =>
    Array.from({ length: replicas }, () => createRefreshAhead(source, { clock, jitter }))
  let running: RefreshAhead[] = made()
  let signedIn = 0

  return {
    get nowMs() {
      return nowMs
    },
    begunBySecond,
    get atOneHostMax() {
      return atOneHostMax
    },
    get heldMax() {
      return heldMax
    },
    counts,
    async runUntil(ms) {
      for (; nowMs < ms; nowMs += stepMs) {
        const wanted = Math.min(grants, Math.ceil((grants * (nowMs + stepMs)) / signInsWithinMs))
        for (; signedIn < wanted; signedIn += 1) renewTokens(signedIn)
        const step = Math.round(nowMs / stepMs)
        for (const end of ring[step % ringSteps]?.splice(0) ?? []) end()
        for (const [number, replica] of running.entries()) {
          // Replicas do not tick in step.
          if ((step + number) % (aheadEveryMs / stepMs) !== 0) continue
          await replica.turn()
          const { inFlight, waiting } = replica.status()
          heldMax = Math.max(heldMax, inFlight + waiting)
        }
      }
    },
    restart() {
      era += 1
      underway.fill(0)
      running = made()
    },
    setAway(next) {
      isAway = next
    },
    stopUse(every) {
      for (let index = 0; index < grants; index += every) usedUntil[index] = nowMs
    },
    withoutToken(tenant) {
      let found = 0
      for (let index = 0; index < grants; index += 1) {
        if (tenant !== undefined && tenantOf(index) !== tenant) continue
        const isInUse = usedUntil[index] === Number.POSITIVE_INFINITY
        if (isInUse && nowMs - (issued[index] ?? 0) > tokenLifeMs) found += 1
      }
      return found
    },
    sizeOf(tenant) {
      let found = 0
      for (let index = 0; index < grants; index += 1) if (tenantOf(index) === tenant) found += 1
      return found
    },
    forgotten() {
      let found = 0
      for (let index = 0; index < grants; index += 1) if (!lanes.isIn(index)) found += 1
      return found
    }
  }
}

function idOf(index: number): string {
  return `grt_01kav3m0${index.toString(32).padStart(18, '0')}`
}

/** Grants of each lane by the second in which they are due, each at one place only. */
function calendar(lanes: number, grants: number) {
  const heads = new Int32Array(lanes * secondsMax).fill(-1)
  const cursors = new Int32Array(lanes)
  const after = new Int32Array(grants).fill(-1)
  const before = new Int32Array(grants).fill(-1)
  const places = new Int32Array(grants).fill(-1)

  function remove(index: number): void {
    const place = places[index] ?? -1
    if (place === -1) return
    const [left, right] = [before[index] ?? -1, after[index] ?? -1]
    if (left === -1) heads[place] = right
    else after[left] = right
    if (right !== -1) before[right] = left
  }

  return {
    put(lane: number, second: number, index: number): void {
      remove(index)
      const place = lane * secondsMax + second
      const first = heads[place] ?? -1
      before[index] = -1
      after[index] = first
      if (first !== -1) before[first] = index
      heads[place] = index
      places[index] = place
      cursors[lane] = Math.min(cursors[lane] ?? 0, second)
    },
    /** The earliest second of a lane that has one; infinite where none has. */
    next(lane: number): number {
      let second = cursors[lane] ?? 0
      while (second < secondsMax && heads[lane * secondsMax + second] === -1) second += 1
      cursors[lane] = second
      return second < secondsMax ? second : Number.POSITIVE_INFINITY
    },
    /** One of those that are due then. */
    at: (lane: number, second: number) => heads[lane * secondsMax + second] ?? -1,
    isIn: (index: number) => places[index] !== -1
  }
}
