import type { Clock } from '../base/clock.ts'

/** Requests per minute, a token bucket each: a minute's worth at once, and then as the minute goes. */
export interface Rates {
  /** Takes one request of `perMinute`. @returns 0, or how many milliseconds until there is one to take */
  take(key: string, perMinute: number): number
  /** Of how many something is remembered. */
  readonly size: number
}

interface Bucket {
  tokens: number
  /** Of the monotonic clock. */
  atMs: number
}

const minuteMs = 60_000

/**
 * A bucket that nobody took from for a minute is full again, so it may be forgotten: what was used stands in
 * `current`, and each minute `current` becomes `previous` and `previous` goes.
 */
export function createRates(clock: Clock): Rates {
  let current = new Map<string, Bucket>()
  let previous = new Map<string, Bucket>()
  let turnedMs = clock.monotonicMs()

  function bucketOf(key: string, perMinute: number, nowMs: number): Bucket {
    if (nowMs - turnedMs >= minuteMs) {
      previous = nowMs - turnedMs >= 2 * minuteMs ? new Map() : current
      current = new Map()
      turnedMs = nowMs
    }
    const known = current.get(key)
    if (known !== undefined) return known
    const bucket = previous.get(key) ?? { tokens: perMinute, atMs: nowMs }
    previous.delete(key)
    current.set(key, bucket)
    return bucket
  }

  return {
    take(key, perMinute) {
      const nowMs = clock.monotonicMs()
      const bucket = bucketOf(key, perMinute, nowMs)
      const refilled = bucket.tokens + ((nowMs - bucket.atMs) * perMinute) / minuteMs
      // The limit may have been changed since; what is above the new one is lost.
      bucket.tokens = Math.min(perMinute, refilled)
      bucket.atMs = nowMs
      if (bucket.tokens < 1) return ((1 - bucket.tokens) * minuteMs) / perMinute
      bucket.tokens -= 1
      return 0
    },
    get size() {
      return current.size + previous.size
    }
  }
}
