/**
 * What one replica knows of itself alone, as it tells the others every few seconds: numbers and fixed words only, never
 * a tenant's. Counts are since its start.
 */
export interface Vitals {
  /** Of the package that it runs. */
  readonly version: string
  /** What it is without and still serves; null: it cannot serve. */
  readonly lacks: readonly string[] | null
  /** Refreshes that it owned, by whose identity and what they came to; what never happened is left out. */
  readonly refreshes: readonly RefreshCount[]
  readonly queues: readonly QueueSize[]
  /** What the record tells the outside, of the whole deployment: every replica sees the same, a turn apart. */
  readonly streams: readonly StreamSize[]
  readonly callsInFlight: number
  /** Workspace hosts that have not answered for a while and are only probed. */
  readonly breakersOpen: number
  /** How late the turns of its event loop come, whole milliseconds. */
  readonly loopLateMs: number
}

export interface RefreshCount {
  readonly identity: string
  readonly outcome: string
  readonly count: number
}

/** What waits in its memory to be written or sent, and what was given up. */
export interface QueueSize {
  readonly name: string
  readonly waiting: number
  readonly dropped: number
}

/** What lies before the receivers of one kind. */
export interface StreamSize {
  readonly kind: string
  /** Events of the record, wanted ones and others. */
  readonly waiting: number
  /** Receivers whose last try failed. */
  readonly failing: number
}

/** Raised with each change that what reads the older form would not bear: replicas of two versions run side by side. */
export const vitalsForm = 1
