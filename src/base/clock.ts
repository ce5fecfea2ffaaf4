/** Time as the rest of the house sees it; passed in, so that tests never sleep. */
export interface Clock {
  /** Wall clock. */
  now(): Date
  /** Milliseconds that never go backwards, for measuring spans. */
  monotonicMs(): number
}

/** The machine's clock; only `main.ts` and the tests' set-up make one. */
export function systemClock(): Clock {
  return { now: () => new Date(), monotonicMs: () => performance.now() }
}

/** A clock that is told the time from outside and counts on by itself; it never goes by the machine's own. */
export interface FollowingClock extends Clock {
  /** @param now what the time was halfway between `askedMs` (monotonic) and this call */
  follow(now: Date, askedMs: number): void
}

/**
 * Replicas that all follow the database's clock agree on when a token or a session ends, however wrong
 * their machines' clocks are, and none of them notices when a machine's clock is set.
 */
export function followingClock(machine: Clock): FollowingClock {
  let offsetMs = machine.now().getTime() - machine.monotonicMs()
  return {
    now: () => new Date(machine.monotonicMs() + offsetMs),
    monotonicMs: machine.monotonicMs,
    follow(now, askedMs) {
      offsetMs = now.getTime() - (askedMs + machine.monotonicMs()) / 2
    }
  }
}

/** Whole seconds since 1970, as JWTs tell time (RFC 7519 §2, NumericDate). */
export function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1_000)
}

export function plusMs(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms)
}
