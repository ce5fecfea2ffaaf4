import type { Clock } from '../base/clock.ts'
import { type Listed, Roster } from '../base/roster.ts'

/** How late a deadline may be found passed. Deadlines are seconds to hours; a timer for each would cost more. */
const tickMs = 25

/** Something with moments, of the monotonic clock, at which it is too late. */
export interface Timed extends Listed {
  /** The earliest of its moments, Infinity for none. */
  dueMs: number
  onDue(nowMs: number): void
}

/** Watches every exchange under way with one timer, which runs only while there is any. */
export class DeadlineWatch {
  readonly #watched = new Roster<Timed>()
  readonly #clock: Clock
  #timer: NodeJS.Timeout | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(timed: Timed): void {
    this.#watched.add(timed)
    this.#timer ??= setInterval(() => this.#tick(), tickMs)
  }

  delete(timed: Timed): void {
    this.#watched.delete(timed)
  }

  #tick(): void {
    const nowMs = this.#clock.monotonicMs()
    for (const timed of this.#watched.filter(({ dueMs }) => dueMs <= nowMs)) timed.onDue(nowMs)
    if (this.#watched.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}
