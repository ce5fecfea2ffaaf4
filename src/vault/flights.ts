import type { Clock } from '../base/clock.ts'

/** Runs `start` once at a time per key; whoever asks meanwhile joins the one that runs. */
export interface Flights {
  isRunning(key: string): boolean
  /** How many run now. */
  readonly running: number
  join(key: string, start: () => Promise<void>): Promise<void>
  /** Resolves when everything that runs now has ended, however it ended. */
  settle(): Promise<void>
}

export function createFlights(): Flights {
  const running = new Map<string, Promise<void>>()
  return {
    isRunning: (key) => running.has(key),
    get running() {
      return running.size
    },
    join(key, start) {
      const current = running.get(key)
      if (current !== undefined) return current
      const flight = start().finally(() => running.delete(key))
      // Whoever waits hears of a failure; nobody waiting is no reason to end the process.
      flight.catch(() => undefined)
      running.set(key, flight)
      return flight
    },
    async settle() {
      await Promise.allSettled(running.values())
    }
  }
}

export interface Allowance {
  /** Takes one; false when there is none left for now. */
  take(key: string): boolean
}

export interface AllowanceLimits {
  readonly atOnce: number
  readonly refillMs: number
}

/** A workspace that refuses every token, however fresh, must not cost a refresh per call. */
const ofRefreshes: AllowanceLimits = { atOnce: 5, refillMs: 10_000 }
const keysMax = 50_000

/** A few at once, then one each `refillMs` milliseconds, per key. */
export function createAllowance(
  clock: Clock,
  { atOnce, refillMs }: AllowanceLimits = ofRefreshes
): Allowance {
  const buckets = new Map<string, { left: number; atMs: number }>()
  return {
    take(key) {
      const nowMs = clock.monotonicMs()
      const bucket = buckets.get(key) ?? { left: atOnce, atMs: nowMs }
      const refilled = Math.floor((nowMs - bucket.atMs) / refillMs)
      const left = Math.min(atOnce, bucket.left + refilled)
      if (left === 0) return false
      if (buckets.size >= keysMax) buckets.clear()
      const atMs = left === atOnce ? nowMs : bucket.atMs + refilled * refillMs
      buckets.set(key, { left: left - 1, atMs })
      return true
    }
  }
}
