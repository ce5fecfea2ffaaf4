import type { Clock } from '../base/clock.ts'
import type { Renewal } from '../vault/ahead.ts'

/** How many renewals one workspace host is asked for at once. */
export interface HostPace {
  hasRoom(): boolean
  /** It was out of order, and is left alone for now. */
  isAway(): boolean
  isIdle(): boolean
  begin(): void
  end(outcome: Renewal): void
}

const awayBaseMs = 2_000
const awayMaxMs = 60_000

/** One at first, twice as many with each round that went well, and one again after an outage. */
export function createHostPace({
  clock,
  jitter,
  atOnceMax
}: {
  readonly clock: Clock
  readonly jitter: () => number
  readonly atOnceMax: number
}): HostPace {
  let atOnce = 1
  let inFlight = 0
  let wellInRow = 0
  let failures = 0
  let awayUntilMs = Number.NEGATIVE_INFINITY

  const isAway = () => clock.monotonicMs() < awayUntilMs

  function noteAway(): void {
    // Of several that fail together the first one counts.
    if (isAway()) return
    const awayMs = Math.min(awayBaseMs * 2 ** Math.min(failures, 20), awayMaxMs)
    awayUntilMs = clock.monotonicMs() + awayMs * (0.75 + jitter() / 2)
    failures += 1
    atOnce = 1
    wellInRow = 0
  }

  function noteWell(): void {
    failures = 0
    wellInRow += 1
    if (wellInRow < atOnce) return
    wellInRow = 0
    atOnce = Math.min(atOnce * 2, atOnceMax)
  }

  return {
    isAway,
    hasRoom: () => inFlight < atOnce,
    isIdle: () => inFlight === 0,
    begin() {
      inFlight += 1
    },
    end(outcome) {
      inFlight -= 1
      if (outcome === 'provider_away') noteAway()
      else if (outcome === 'renewed') noteWell()
    }
  }
}
