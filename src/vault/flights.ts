import type { Clock } from '../base/clock.ts'

/** Runs `start` once at a time per key; whoever asks meanwhile joins the one that runs. */
export interface Flights {
  isRunning(key: string): boolean
  join(key: string, start: () => Promise<void>): Promise<void>
  /** Resolves when everything that runs now has ended, however it ended. */
  settle(): Promise<void>
}

export function createFlights(): Flights {
  const running = new Map<string, Promise<void>>()
  return {
    isRunning: (key) => running.has(key),
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

const allowanceMax = 5
const refillMs = 10_000
const keysMax = 50_000

/**
 * A few at once, then one every ten seconds, per key: a workspace that refuses every token, however fresh,
 * must not cost a refresh per call.
 */
export function createAllowance(clock: Clock): Allowance {
  const buckets = new Map<string, { left: number; atMs: number }>()
  return {
    take(key) {
      const nowMs = clock.monotonicMs()
      const bucket = buckets.get(key) ?? { left: allowanceMax, atMs: nowMs }
      const refilled = Math.floor((nowMs - bucket.atMs) / refillMs)
      const left = Math.min(allowanceMax, bucket.left + refilled)
      if (left === 0) return false
      if (buckets.size >= keysMax) buckets.clear()
      const atMs = left === allowanceMax ? nowMs : bucket.atMs + refilled * refillMs
      buckets.set(key, { left: left - 1, atMs })
      return true
    }
  }
}
