import type { ProblemOwner } from '../../base/errors.ts'
import type { FoundRun, RunCause, RunState, RunTask } from '../jobs.ts'
import { digitsOf, type Members, membersOf, textOf } from './job-answers.ts'

const underWay: Readonly<Record<string, RunState>> = {
  QUEUED: 'queued',
  PENDING: 'pending',
  BLOCKED: 'blocked',
  WAITING: 'waiting',
  WAITING_FOR_RETRY: 'waiting',
  RUNNING: 'running',
  TERMINATING: 'ending'
}

const endings: Readonly<Record<string, RunState>> = {
  SUCCESS: 'succeeded',
  SUCCESS_WITH_FAILURES: 'succeeded',
  FAILED: 'failed',
  TIMEDOUT: 'timed_out',
  CANCELED: 'canceled',
  UPSTREAM_CANCELED: 'canceled',
  UPSTREAM_FAILED: 'skipped',
  EXCLUDED: 'skipped',
  DISABLED: 'skipped',
  MAXIMUM_CONCURRENT_RUNS_REACHED: 'skipped'
}

const messages: Readonly<Record<RunState, string>> = {
  queued: 'Waits for a free place at the workspace',
  pending: 'Waits for its compute',
  blocked: 'Waits for another task',
  waiting: 'Waits before it is tried again',
  running: 'Is running',
  ending: 'Is ending',
  succeeded: 'Ended well',
  failed: 'Failed',
  timed_out: 'Took longer than its time limit and was ended',
  canceled: 'Was canceled',
  skipped: 'Was not run'
}

/** What a run ended for, by `termination_details.code`, and who can mend it. */
const causes: Readonly<Record<string, readonly [detail: string, owner: ProblemOwner]>> = {
  RUN_EXECUTION_ERROR: ['What a task ran failed', 'team_admin'],
  INVALID_RUN_CONFIGURATION: ['The settings of the run are not valid', 'team_admin'],
  INVALID_CLUSTER_REQUEST: ['The compute that was asked for is not valid', 'team_admin'],
  CLUSTER_ERROR: ['The compute failed', 'team_admin'],
  DRIVER_ERROR: ['The driver of the compute failed', 'team_admin'],
  LIBRARY_INSTALLATION_ERROR: ['A library could not be installed', 'team_admin'],
  REPOSITORY_CHECKOUT_FAILED: ['The repository could not be checked out', 'team_admin'],
  RESOURCE_NOT_FOUND: ['Something that a task names does not exist', 'team_admin'],
  UNAUTHORIZED_ERROR: ['The service principal may not do what a task does', 'team_admin'],
  STORAGE_ACCESS_ERROR: ['The service principal may not read or write a storage', 'team_admin'],
  MAX_CONCURRENT_RUNS_EXCEEDED: ['Too many runs of this job at once', 'caller'],
  MAX_JOB_QUEUE_SIZE_EXCEEDED: ['Too many runs of this job wait', 'caller'],
  USER_CANCELED: ['Somebody canceled it', 'caller'],
  CANCELED: ['It was canceled', 'caller'],
  WORKSPACE_RUN_LIMIT_EXCEEDED: ['Too many runs at this workspace', 'provider_admin'],
  CLUSTER_REQUEST_LIMIT_EXCEEDED: ['Too many clusters are asked for at once', 'provider_admin'],
  MAX_SPARK_CONTEXTS_EXCEEDED: ['Too many contexts on the cluster', 'provider_admin'],
  FEATURE_DISABLED: ['The workspace has this feature switched off', 'provider_admin'],
  CLOUD_FAILURE: ['The cloud failed', 'upstream'],
  INTERNAL_ERROR: ['The workspace failed', 'upstream']
}

/** A run in Weft's words: of 2.2's `status`, or of `state` where there is none. */
export function readRun(origin: string, value: Members): FoundRun | null {
  const runId = digitsOf(value.run_id)
  if (runId === null) return null
  const jobId = digitsOf(value.job_id)
  const state = stateOf(value)
  const isOver = overStates.has(state)
  const cause = isOver && state !== 'succeeded' ? causeOf(value) : null
  const words = messages[state]
  return {
    runId,
    jobId,
    state,
    message: cause === null ? words : `${words}: ${cause.detail}`,
    isOver,
    cause,
    pageUrl: pageUrlOf(origin, textOf(value.run_page_url), `${jobId ?? 0}/runs/${runId}`),
    runAs: textOf(value.run_as_user_name),
    trigger: wordOf(value.trigger),
    startedAt: timeOf(value.start_time),
    endedAt: isOver ? timeOf(value.end_time) : null,
    tasks: (Array.isArray(value.tasks) ? value.tasks : []).map((one) => taskOf(membersOf(one)))
  }
}

const overStates: ReadonlySet<RunState> = new Set(Object.values(endings))

function taskOf(value: Members): RunTask {
  return {
    taskKey: textOf(value.task_key) ?? '',
    runId: digitsOf(value.run_id),
    state: stateOf(value)
  }
}

function stateOf({ status, state }: Members): RunState {
  const { state: newer } = membersOf(status)
  const { life_cycle_state: older, result_state: result } = membersOf(state)
  const phase = String(newer ?? older)
  const now = Object.hasOwn(underWay, phase) ? underWay[phase] : undefined
  if (now !== undefined) return now
  if (older === 'SKIPPED') return 'skipped'
  const ending = wordOf(result) ?? endingOf(membersOf(status))
  return (Object.hasOwn(endings, ending) ? endings[ending] : undefined) ?? 'failed'
}

/** Where only `status` is told. */
function endingOf(status: Members): string {
  const { code, type } = membersOf(status.termination_details)
  if (code === 'USER_CANCELED' || code === 'CANCELED') return 'CANCELED'
  if (code === 'SKIPPED') return 'EXCLUDED'
  return type === 'SUCCESS' ? 'SUCCESS' : 'FAILED'
}

function causeOf({ status }: Members): RunCause | null {
  const details = membersOf(membersOf(status).termination_details)
  const code = wordOf(details.code)
  if (code === null || code === 'SUCCESS' || code === 'SKIPPED') return null
  const known = Object.hasOwn(causes, code) ? causes[code] : undefined
  if (known !== undefined) return { code, detail: known[0], owner: known[1] }
  const isTheirs = details.type === 'INTERNAL_ERROR' || details.type === 'CLOUD_FAILURE'
  return { code, detail: 'The workspace says why', owner: isTheirs ? 'upstream' : 'team_admin' }
}

/** Nobody is led to a page of somewhere else. */
function pageUrlOf(origin: string, text: string | null, path: string): string {
  const url = text === null ? null : URL.parse(text)
  return url !== null && url.origin === origin ? url.href : `${origin}/jobs/${path}`
}

function wordOf(value: unknown): string | null {
  return typeof value === 'string' && /^[A-Z][A-Z_]{0,59}$/.test(value) ? value : null
}

function timeOf(value: unknown): Date | null {
  return typeof value === 'number' && value > 0 && value < 8.64e15 ? new Date(value) : null
}
