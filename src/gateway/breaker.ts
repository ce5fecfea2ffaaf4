import { setNewest } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import { plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'

/** How a call may go: as any call, or as the one that finds out whether the workspace is back. */
export type Permit = 'call' | 'probe'

/** Of an origin in trouble: `failing` not yet for long enough, `open` not asked, `probing` due to be asked again. */
export const breakerStates = ['failing', 'open', 'probing'] as const
export type BreakerState = (typeof breakerStates)[number]

/**
 * One breaker for each workspace origin: closed → open after `failuresMax` failures in a row → one probe at
 * a time, at growing intervals → closed by any success. Only trouble is kept: an origin that is well has no
 * entry, and its calls cost one look-up.
 */
export interface Breakers {
  /** @throws AppError `upstream_unavailable` with `retryAt`: the origin is down, and it is not time to probe */
  admit(origin: string): Permit
  /** The origin answered, whatever it said. */
  succeeded(origin: string): void
  /** It did not answer, or something in front of it did. */
  failed(origin: string, permit: Permit): void
  /** Whether a failed call is the first of its row, so that another try is no pile-on. */
  isFirstFailure(origin: string): boolean
  /** How many origins are in which state; the others are well. */
  states(): Readonly<Record<BreakerState, number>>
}

export interface BreakerOptions {
  readonly clock: Clock
  /** Between 0 and 1, so that replicas do not probe in step. */
  readonly random: () => number
}

interface Trouble {
  failures: number
  /** Of the monotonic clock; 0 while closed. */
  nextProbeMs: number
  intervalMs: number
}

const failuresMax = 5
const firstIntervalMs = 1_000
const intervalMaxMs = 15_000
const troublesMax = 10_000

export function createBreakers({ clock, random }: BreakerOptions): Breakers {
  const troubles = new Map<string, Trouble>()

  /** Half of the interval is certain, the other half is drawn. */
  function schedule(trouble: Trouble): void {
    const waitMs = trouble.intervalMs * (0.5 + random() / 2)
    trouble.nextProbeMs = clock.monotonicMs() + waitMs
  }

  function troubleOf(origin: string): Trouble {
    const known = troubles.get(origin)
    if (known !== undefined) return known
    const trouble = { failures: 0, nextProbeMs: 0, intervalMs: firstIntervalMs }
    setNewest(troubles, origin, trouble, troublesMax)
    return trouble
  }

  function stateOf({ failures, nextProbeMs }: Trouble): BreakerState {
    if (failures < failuresMax) return 'failing'
    return nextProbeMs > clock.monotonicMs() ? 'open' : 'probing'
  }

  return {
    admit(origin) {
      const trouble = troubles.get(origin)
      if (trouble === undefined || trouble.failures < failuresMax) return 'call'
      const waitMs = trouble.nextProbeMs - clock.monotonicMs()
      if (waitMs > 0) throw refused(plusMs(clock.now(), waitMs))
      // A probe that hangs, or whose client leaves, does not keep the next one from going in its time.
      schedule(trouble)
      return 'probe'
    },

    succeeded(origin) {
      if (troubles.size > 0) troubles.delete(origin)
    },

    failed(origin, permit) {
      const trouble = troubleOf(origin)
      trouble.failures += 1
      if (permit === 'probe') {
        trouble.intervalMs = Math.min(trouble.intervalMs * 2, intervalMaxMs)
        schedule(trouble)
      } else if (trouble.failures === failuresMax) schedule(trouble)
    },

    isFirstFailure: (origin) => troubles.get(origin)?.failures === 1,

    states() {
      const states = { failing: 0, open: 0, probing: 0 }
      for (const trouble of troubles.values()) states[stateOf(trouble)] += 1
      return states
    }
  }
}

function refused(retryAt: Date): AppError {
  return new AppError('upstream_unavailable', {
    detail: 'The workspace has not answered for a while; it is tried again soon',
    note: 'the breaker is open',
    retryAt
  })
}
