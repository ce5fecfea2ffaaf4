import {
  type PoolOptions,
  type PoolWorker,
  ThreadsPoolWorker,
  type WorkerRequest
} from 'vitest/node'

type Listener = Parameters<PoolWorker['on']>[1]

/** The one thread of this process that runs tests, from its first run on. */
let thread: ThreadsPoolWorker | null = null

/**
 * A worker that Vitest believes to be new for every run, and that is the same warm thread all the time: what
 * was loaded and compiled stays, which is most of what a run costs where thousands of short ones follow.
 */
class WarmWorker implements PoolWorker {
  readonly name = warmPool.name
  readonly #options: PoolOptions
  readonly #listeners: [event: string, listener: Listener][] = []

  constructor(options: PoolOptions) {
    this.#options = options
  }

  get #thread(): ThreadsPoolWorker {
    thread ??= new ThreadsPoolWorker(this.#options)
    return thread
  }

  async start(): Promise<void> {
    if (thread === null) await this.#thread.start()
  }

  send(message: WorkerRequest): void {
    if (message.type !== 'stop') {
      this.#thread.send(message)
      return
    }
    const stopped = { __vitest_worker_response__: true, type: 'stopped' }
    for (const [event, listener] of this.#listeners) if (event === 'message') listener(stopped)
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener])
    this.#thread.on(event, listener)
  }

  off(event: string, listener: Listener): void {
    this.#thread.off(event, listener)
  }

  deserialize(data: unknown): unknown {
    return data
  }

  async stop(): Promise<void> {
    for (const [event, listener] of this.#listeners) this.#thread.off(event, listener)
  }
}

export const warmPool = {
  name: 'warm',
  createPoolWorker: (options: PoolOptions): PoolWorker => new WarmWorker(options)
}
