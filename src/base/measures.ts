/** How often each member of a closed set happened. Counting costs a look-up and takes no memory. */
export class Counts<K extends string> {
  readonly #counts: Map<K, number>

  constructor(members: readonly K[]) {
    this.#counts = new Map(members.map((member) => [member, 0]))
  }

  /** @param count default: one more */
  add(member: K, count = 1): void {
    this.#counts.set(member, this.of(member) + count)
  }

  of(member: K): number {
    return this.#counts.get(member) ?? 0
  }

  /** Every member, those that never happened included. */
  all(): readonly (readonly [member: K, count: number])[] {
    return [...this.#counts]
  }
}

/** Of calls that may take anything from a blink to minutes, milliseconds. */
export const callBoundsMs = [
  5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 300_000
] as const
/** Of what this process does by itself, milliseconds. */
export const ownBoundsMs = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1_000, 5_000] as const

/** How long something took, in buckets that never change. Noting one costs a few comparisons and takes no memory. */
export class Durations {
  /** Upper ends of the buckets, milliseconds, ascending; what is longer is in none but the count. */
  readonly boundsMs: readonly number[]
  readonly #counts: Float64Array
  #sumMs = 0

  constructor(boundsMs: readonly number[]) {
    this.boundsMs = boundsMs
    this.#counts = new Float64Array(boundsMs.length + 1)
  }

  add(ms: number): void {
    let bucket = 0
    while (ms > (this.boundsMs[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sumMs += ms
  }

  get sumMs(): number {
    return this.#sumMs
  }

  /** How many were no longer than each bound; the last one is how many there were. */
  cumulative(): readonly number[] {
    let total = 0
    return [...this.#counts].map((count) => {
      total += count
      return total
    })
  }
}

/** One of `V` for each member of a closed set. */
export type Each<K extends string, V> = ReadonlyMap<K, V>

export function eachOf<K extends string, V>(members: readonly K[], make: () => V): Each<K, V> {
  return new Map(members.map((member) => [member, make()]))
}
