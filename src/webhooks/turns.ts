/** At once, over all tenants: each waits for the network and little else. */
const runningMax = 64
/** Of one tenant, so that its slow receivers leave room for the others'. */
const perTenantMax = 4

/** Work that waits for its turn, tenant by tenant in rotation. */
export interface Turns {
  /** What is there already is not added again. @param work resolves with whether it wants another turn */
  add(tenantId: string, id: string, work: () => Promise<boolean>): void
  readonly running: number
  /** Lets go of what has not begun. */
  clear(): void
  settle(): Promise<void>
}

type Work = () => Promise<boolean>

export function createTurns(): Turns {
  const waiting = new Map<string, Map<string, Work>>()
  const running = new Map<string, Set<string>>()
  const flights = new Set<Promise<void>>()

  /** The next one of the tenant whose turn is longest ago and that has not too many running. */
  function next(): { tenantId: string; id: string; work: Work } | null {
    for (const [tenantId, works] of waiting) {
      if ((running.get(tenantId)?.size ?? 0) >= perTenantMax) continue
      const [first] = works
      if (first === undefined) continue
      const [id, work] = first
      works.delete(id)
      waiting.delete(tenantId)
      if (works.size > 0) waiting.set(tenantId, works)
      return { tenantId, id, work }
    }
    return null
  }

  function pump(): void {
    while (flights.size < runningMax) {
      const turn = next()
      if (turn === null) return
      const { tenantId, id, work } = turn
      const ids = running.get(tenantId) ?? new Set()
      running.set(tenantId, ids.add(id))
      const flight: Promise<void> = work()
        .catch(() => false)
        .then((wantsMore) => {
          flights.delete(flight)
          ids.delete(id)
          if (ids.size === 0) running.delete(tenantId)
          if (wantsMore) queue(tenantId, id, work)
          pump()
        })
      flights.add(flight)
    }
  }

  function queue(tenantId: string, id: string, work: Work): void {
    const works = waiting.get(tenantId) ?? new Map<string, Work>()
    if (!works.has(id)) works.set(id, work)
    waiting.set(tenantId, works)
  }

  return {
    add(tenantId, id, work) {
      if (running.get(tenantId)?.has(id) === true) return
      queue(tenantId, id, work)
      pump()
    },
    get running() {
      return flights.size
    },
    clear: () => waiting.clear(),
    async settle() {
      while (flights.size > 0) await Promise.all(flights)
    }
  }
}
