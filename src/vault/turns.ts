/** So many at once for each key; whoever comes later waits for their turn, in the order of coming. */
export interface Turns {
  /** @returns what ends the turn, once */
  take(key: string): Promise<() => void>
}

export function createTurns(atOnce: number): Turns {
  const taken = new Map<string, { count: number; readonly waiting: (() => void)[] }>()
  return {
    async take(key) {
      const place = taken.get(key) ?? { count: 0, waiting: [] }
      taken.set(key, place)
      if (place.count < atOnce) place.count += 1
      else await new Promise<void>((resolve) => place.waiting.push(resolve))
      return () => {
        const next = place.waiting.shift()
        if (next !== undefined) return next()
        place.count -= 1
        if (place.count === 0) taken.delete(key)
      }
    }
  }
}
