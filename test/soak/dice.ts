import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

/** Chance that can be thrown again: the same seed gives the same throws. */
export interface Dice {
  /** Whole, from `min` to `max`, both included. */
  int(min: number, max: number): number
  /** True in `percent` of a hundred throws. */
  chance(percent: number): boolean
  pick<T>(list: readonly T[]): T
  /** One of `weights`' names, as often as its weight says. */
  weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name
  /** Chance of its own, so that what one does never changes what befalls another. */
  fork(name: string): Dice
  pause(minMs: number, maxMs: number, signal?: AbortSignal): Promise<void>
}

export function createDice(seed: string): Dice {
  let state = createHash('sha256').update(seed).digest().readUInt32LE(0)

  /** mulberry32: 0 ≤ x < 1. */
  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }

  const int = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  return {
    int,
    chance: (percent) => next() * 100 < percent,
    pick<T>(list: readonly T[]): T {
      const one = list[int(0, list.length - 1)]
      if (one === undefined) throw new TypeError('nothing to pick from')
      return one
    },
    weighted<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
      const entries = Object.entries(weights) as [Name, number][] // its keys are Names
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0)
      for (const [name, weight] of entries) {
        left -= weight
        if (left < 0) return name
      }
      throw new TypeError('nothing to pick from')
    },
    fork: (name) => createDice(`${seed}/${name}`),
    pause: (minMs, maxMs, signal) => pause(int(minMs, maxMs), signal)
  }
}

/** Ends early, and quietly, when the signal says so. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined)
}
