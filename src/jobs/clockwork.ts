/**
 * Owns: what happens by the clock and not by a request: writing records, sweeping out what has expired.
 * Touches: audit, store; makes tenant scopes for Weft itself.
 * Never: holds a request up, lets one tenant's failure stop another's turn.
 */
import { type Clock, plusMs } from '../base/clock.ts'
import { problemCodeOf } from '../base/errors.ts'
import type { Tracer } from '../base/trace.ts'

export interface Job {
  readonly name: string
  readonly everyMs: number
  run(): Promise<void>
}

/** How a job has fared since the start. */
export interface JobRecord {
  readonly name: string
  readonly everyMs: number
  readonly succeeded: number
  readonly failed: number
  /** Since its last success, or since the start where it had none, milliseconds. */
  readonly ageMs: number
  /** Of its last run. */
  readonly tookMs: number
}

export interface Clockwork {
  /** Each job's first turn is now. */
  start(): void
  /** Waits for what is running and runs `last` jobs once more. */
  stop(): Promise<void>
  records(): readonly JobRecord[]
}

export interface ClockworkOptions {
  /** Hears of a failed run; the job's next turn comes all the same. */
  readonly onFailure: (name: string, error: unknown) => void
  /** Names of the jobs that run once more when the clockwork stops. */
  readonly last: readonly string[]
  readonly clock: Clock
  /** Told of runs that failed or took their time; none: nobody collects spans. */
  readonly tracer?: Tracer | null
}

/** A run that was over sooner and went well leaves no span: there are several a second. */
const toldMs = 100

/** Runs each job in its own time, never twice at once. */
export function createClockwork(jobs: readonly Job[], options: ClockworkOptions): Clockwork {
  const timers: NodeJS.Timeout[] = []
  const running = new Map<string, Promise<void>>()
  const { clock } = options
  const startedMs = clock.monotonicMs()
  const kept = jobs.map((job) => ({
    job,
    record: { succeeded: 0, failed: 0, succeededMs: startedMs, tookMs: 0 }
  }))
  type Kept = (typeof kept)[number]

  async function runOnce({ job, record }: Kept): Promise<void> {
    const [begunMs, from] = [clock.monotonicMs(), clock.now()]
    let code: string | null = null
    try {
      await job.run()
      record.succeeded += 1
      record.succeededMs = clock.monotonicMs()
    } catch (error) {
      record.failed += 1
      code = problemCodeOf(error)
      options.onFailure(job.name, error)
    } finally {
      record.tookMs = clock.monotonicMs() - begunMs
      const to = plusMs(from, record.tookMs)
      const isTold = code !== null || record.tookMs > toldMs
      if (isTold) options.tracer?.record('job', { 'weft.job': job.name }, { from, to }, code)
    }
  }

  function turn(one: Kept): Promise<void> {
    const { name } = one.job
    const current = running.get(name)
    if (current !== undefined) return current
    const run = runOnce(one).finally(() => running.delete(name))
    running.set(name, run)
    return run
  }

  return {
    start() {
      for (const one of kept) {
        void turn(one)
        timers.push(setInterval(() => void turn(one), one.job.everyMs).unref())
      }
    },
    async stop() {
      for (const timer of timers.splice(0)) clearInterval(timer)
      await Promise.all(running.values())
      for (const one of kept.filter(({ job }) => options.last.includes(job.name))) await turn(one)
    },
    records: () =>
      kept.map(({ job: { name, everyMs }, record: { succeededMs, ...record } }) => ({
        name,
        everyMs,
        ...record,
        ageMs: clock.monotonicMs() - succeededMs
      }))
  }
}
