/**
 * Owns: what happens by the clock and not by a request: writing records, sweeping out what has expired.
 * Touches: audit, store; makes tenant scopes for Weft itself.
 * Never: holds a request up, lets one tenant's failure stop another's turn.
 */
export interface Job {
  readonly name: string
  readonly everyMs: number
  run(): Promise<void>
}

export interface Clockwork {
  /** Each job's first turn is now. */
  start(): void
  /** Waits for what is running and runs `last` jobs once more. */
  stop(): Promise<void>
}

export interface ClockworkOptions {
  /** Hears of a failed run; the job's next turn comes all the same. */
  readonly onFailure: (name: string, error: unknown) => void
  /** Names of the jobs that run once more when the clockwork stops. */
  readonly last: readonly string[]
}

/** Runs each job in its own time, never twice at once. */
export function createClockwork(jobs: readonly Job[], options: ClockworkOptions): Clockwork {
  const timers: NodeJS.Timeout[] = []
  const running = new Map<string, Promise<void>>()

  function turn(job: Job): Promise<void> {
    const current = running.get(job.name)
    if (current !== undefined) return current
    const run = job
      .run()
      .catch((error: unknown) => options.onFailure(job.name, error))
      .finally(() => running.delete(job.name))
    running.set(job.name, run)
    return run
  }

  return {
    start() {
      for (const job of jobs) {
        void turn(job)
        timers.push(setInterval(() => void turn(job), job.everyMs).unref())
      }
    },
    async stop() {
      for (const timer of timers.splice(0)) clearInterval(timer)
      await Promise.all(running.values())
      for (const job of jobs.filter(({ name }) => options.last.includes(name))) await turn(job)
    }
  }
}
