import type { Clock } from '../../../src/base/clock.ts'

export interface TestClock extends Clock {
  /** Wall clock and monotonic clock alike. */
  advance(ms: number): void
  /** The wall clock alone, as when somebody sets it. */
  skew(ms: number): void
  /** From now on it moves only when it is moved. */
  freeze(): void
}

export function testClock(): TestClock {
  let offsetMs = 0
  let skewMs = 0
  let frozen: { wallMs: number; monotonicMs: number } | null = null
  return {
    now: () => new Date((frozen?.wallMs ?? Date.now()) + offsetMs + skewMs),
    monotonicMs: () => (frozen?.monotonicMs ?? performance.now()) + offsetMs,
    advance(ms) {
      offsetMs += ms
    },
    skew(ms) {
      skewMs += ms
    },
    freeze() {
      frozen ??= { wallMs: Date.now(), monotonicMs: performance.now() }
    }
  }
}
