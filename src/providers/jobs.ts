/**
 * Owns: what jobs at a provider's workspace are like – made, reset, run and followed.
 * May touch: `base/`. Never: opens a connection; all of it is pure.
 */
import type { ProblemOwner } from '../base/errors.ts'
import type { ProviderCall } from './provider-call.ts'

/** When a job starts by itself. */
export interface JobSchedule {
  /** Six or seven fields, seconds first. */
  readonly quartzCronExpression: string
  /** IANA name. */
  readonly timezoneId: string
  readonly pauseStatus: 'PAUSED' | 'UNPAUSED'
}

/** How a job is to be. */
export interface JobWish {
  readonly name: string
  /** The service principal that it runs as, by client id. */
  readonly runAs: string
  /** By which it is found again; they stand beside the tags of `settings`. */
  readonly tags: Readonly<Record<string, string>>
  readonly schedule: JobSchedule | null
  /** Tasks and the rest, in the provider's own words. */
  readonly settings: Readonly<Record<string, unknown>>
}

/** How it is. Ids are decimal digits: they may lie beyond 2^53. */
export interface FoundJob {
  readonly id: string
  /** Client id or user name of who made it. */
  readonly creator: string | null
  /** Client id or user name of what it runs as. */
  readonly runAs: string | null
  readonly tags: Readonly<Record<string, unknown>>
  readonly settings: Readonly<Record<string, unknown>>
}

export const runStates = [
  'queued',
  'pending',
  'blocked',
  'waiting',
  'running',
  'ending',
  'succeeded',
  'failed',
  'timed_out',
  'canceled',
  'skipped'
] as const
export type RunState = (typeof runStates)[number]

/** Why a run ended badly, in our words, and whose move it is. */
export interface RunCause {
  /** The provider's own word, upper case with underscores. */
  readonly code: string
  readonly detail: string
  readonly owner: ProblemOwner
}

export interface RunTask {
  readonly taskKey: string
  readonly runId: string | null
  readonly state: RunState
}

export interface FoundRun {
  readonly runId: string
  readonly jobId: string | null
  readonly state: RunState
  /** The state in plain words. */
  readonly message: string
  /** Whether it will change no more. */
  readonly isOver: boolean
  readonly cause: RunCause | null
  /** At the workspace, on its own origin. */
  readonly pageUrl: string
  /** What it runs as. */
  readonly runAs: string | null
  /** What started it: `ONE_TIME`, `PERIODIC`, … */
  readonly trigger: string | null
  readonly startedAt: Date | null
  readonly endedAt: Date | null
  readonly tasks: readonly RunTask[]
}

export interface JobPage<T> {
  readonly items: readonly T[]
  readonly nextPageToken: string | null
}

/** Where a value may be null: there is no such job or run any more. */
export interface ProviderJobs {
  /** Runs on a page at most. */
  readonly runsPerPageMax: number
  /** Members of `settings` that are not the caller's to set, each with the reason in our words. */
  readonly reservedSettings: Readonly<Record<string, string>>
  /**
   * The settings with this cluster for every task that needs one and names none.
   * @param cluster in the provider's own words
   */
  withCluster(
    settings: JobWish['settings'],
    cluster: Readonly<Record<string, unknown>>
  ): JobWish['settings']
  create(wish: JobWish): ProviderCall<{ readonly id: string }>
  /** Replaces every setting. */
  reset(id: string, wish: JobWish): ProviderCall<{ readonly id: string } | null>
  read(id: string): ProviderCall<FoundJob | null>
  /** Of exactly this name, as far as who asks sees them; their settings may be without tasks. */
  listByName(name: string, pageToken: string | null): ProviderCall<JobPage<FoundJob>>
  remove(id: string): ProviderCall<{ readonly id: string } | null>
  /** @param idempotencyToken the same one starts one run, at most 64 characters */
  start(
    id: string,
    input: { parameters: Readonly<Record<string, string>>; idempotencyToken: string }
  ): ProviderCall<{ readonly runId: string } | null>
  readRun(origin: string, runId: string): ProviderCall<FoundRun | null>
  /** Newest first. */
  listRuns(
    origin: string,
    jobId: string,
    page: { limit: number; pageToken: string | null }
  ): ProviderCall<JobPage<FoundRun>>
  /** Asks for its end; how it went is for `readRun` to say. */
  cancelRun(runId: string): ProviderCall<{ readonly runId: string } | null>
  /** Of a job, for people. */
  pageOf(origin: string, jobId: string): string
}
