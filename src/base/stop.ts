/** Says once that what is under way is to be given up. Every `AbortSignal` is one. */
export interface StopSignal {
  readonly aborted: boolean
  /** What `abort` was given. */
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void, options?: { once: true }): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/**
 * An `AbortController` and its signal in one, for what exists once per call: it knows one event, tells it once,
 * and is made and heard at a small part of the cost.
 */
export class Stop implements StopSignal {
  aborted = false
  reason: unknown = undefined
  #listeners: (() => void)[] = []

  /** Tells whoever listens, each once; from the second time on nothing happens. */
  abort(reason?: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.aborted) this.#listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = this.#listeners.filter((one) => one !== listener)
  }
}
