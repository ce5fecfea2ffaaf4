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

export function plusMs(date: Date, ms: number): Date {
  return new Date(date.getTime() + ms)
}
