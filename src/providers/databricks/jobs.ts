import assert from 'node:assert'
import type { FoundJob, JobPage, JobWish, ProviderJobs } from '../jobs.ts'
import type { Interpretation, ProviderCall } from '../provider.ts'
import {
  digitsOf,
  type Members,
  membersOf,
  notTheApi,
  readJobAnswer,
  textOf
} from './job-answers.ts'
import { readRun } from './job-runs.ts'

const json = { accept: 'application/json', 'content-type': 'application/json' } as const
const jobsPerPage = 100

/** The jobs API 2.2. */
export const jobs: ProviderJobs = {
  runsPerPageMax: 25,
  reservedSettings: {
    name: 'Weft names the job after its deployment',
    run_as: "the job always runs as the fabric's service principal",
    schedule: 'it stands beside the settings, as `schedule`',
    access_control_list: 'who sees the job is decided at the workspace',
    deployment: 'Weft keeps the job',
    edit_mode: 'Weft keeps the job',
    job_id: 'Weft finds the job by the name of its deployment'
  },

  withCluster: (settings, cluster) => ({
    ...settings,
    job_clusters: [
      ...listOf(settings.job_clusters),
      { job_cluster_key: sizeKey, new_cluster: cluster }
    ],
    tasks: listOf(settings.tasks).map((task) =>
      needsCluster(membersOf(task)) ? { ...membersOf(task), job_cluster_key: sizeKey } : task
    )
  }),

  create: (wish) => {
    const settings = settingsOf(wish)
    return call('POST', 'create', JSON.stringify(settings), settings, (value) => {
      const id = digitsOf(value?.job_id)
      return id === null ? notTheApi : { ok: true, value: { id } }
    })
  },

  reset: (id, wish) => {
    const settings = settingsOf(wish)
    const body = `{"job_id":${digits(id)},"new_settings":${JSON.stringify(settings)}}`
    return call('POST', 'reset', body, settings, (value) => ({ ok: true, value: value && { id } }))
  },

  read: (id) =>
    call('GET', `get?job_id=${digits(id)}`, null, null, (value) => readWhole(value, readJob)),

  listByName: (name, pageToken) =>
    call('GET', withPage('list', { name, limit: jobsPerPage }, pageToken), null, null, (value) =>
      readPage(value, 'jobs', readJob)
    ),

  remove: (id) =>
    call('POST', 'delete', `{"job_id":${digits(id)}}`, null, (value) => ({
      ok: true,
      value: value && { id }
    })),

  start: (id, { parameters, idempotencyToken }) => {
    const given = {
      idempotency_token: idempotencyToken,
      ...(Object.keys(parameters).length > 0 && { job_parameters: parameters })
    }
    const body = `{"job_id":${digits(id)},${JSON.stringify(given).slice(1)}`
    return call('POST', 'run-now', body, given, (value) => {
      if (value === null) return { ok: true, value }
      const runId = digitsOf(value.run_id)
      return runId === null ? notTheApi : { ok: true, value: { runId } }
    })
  },

  readRun: (origin, runId) =>
    call('GET', `runs/get?run_id=${digits(runId)}`, null, null, (value) =>
      readWhole(value, (one) => readRun(origin, one))
    ),

  listRuns: (origin, jobId, { limit, pageToken }) => {
    const query = { job_id: digits(jobId), limit, expand_tasks: true }
    return call('GET', withPage('runs/list', query, pageToken), null, null, (value) =>
      readPage(value, 'runs', (one) => readRun(origin, one))
    )
  },

  cancelRun: (runId) =>
    call('POST', 'runs/cancel', `{"run_id":${digits(runId)}}`, null, (value) => ({
      ok: true,
      value: value && { runId }
    })),

  pageOf: (origin, jobId) => `${origin}/jobs/${jobId}`
}

/** Of the cluster that a job size stands for. */
const sizeKey = 'weft-size'
const clusterTasks = ['notebook_task', 'spark_python_task', 'spark_jar_task', 'python_wheel_task']
const computeMembers = [
  'existing_cluster_id',
  'new_cluster',
  'job_cluster_key',
  'environment_key',
  'compute'
]

function needsCluster(task: Members): boolean {
  const kind = clusterTasks.find((name) => Object.hasOwn(task, name))
  if (kind === undefined || Object.hasOwn(membersOf(task[kind]), 'warehouse_id')) return false
  return !computeMembers.some((name) => Object.hasOwn(task, name))
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function call<T>(
  method: 'GET' | 'POST',
  verb: string,
  body: string | null,
  sent: unknown,
  read: (value: Members | null) => Interpretation<T>
): ProviderCall<T> {
  return {
    method,
    path: `/api/2.2/jobs/${verb}`,
    headers: json,
    ...(body === null ? {} : { body }),
    interpret(status, headers, text) {
      const answer = readJobAnswer(status, headers, text, sent)
      return answer.ok ? read(answer.value) : answer
    }
  }
}

/** The API takes an int64 as a JSON number, and JavaScript has none that large. */
function digits(id: string): string {
  assert(digitsOf(id) === id, 'ids of jobs and runs are read by digitsOf or checked by the route')
  return id
}

function withPage(
  verb: string,
  query: Readonly<Record<string, string | number | boolean>>,
  pageToken: string | null
): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) params.set(name, String(value))
  if (pageToken !== null) params.set('page_token', pageToken)
  return `${verb}?${params}`
}

function settingsOf({ name, runAs, tags, schedule, settings }: JobWish): Members {
  return {
    ...settings,
    name,
    run_as: { service_principal_name: runAs },
    tags: { ...membersOf(settings.tags), ...tags },
    ...(schedule !== null && {
      schedule: {
        quartz_cron_expression: schedule.quartzCronExpression,
        timezone_id: schedule.timezoneId,
        pause_status: schedule.pauseStatus
      }
    })
  }
}

function readWhole<T>(
  value: Members | null,
  read: (one: Members) => T | null
): Interpretation<T | null> {
  if (value === null) return { ok: true, value }
  const found = read(value)
  return found === null ? notTheApi : { ok: true, value: found }
}

/** An empty list is left out of the answer. */
function readPage<T>(
  value: Members | null,
  name: string,
  read: (one: Members) => T | null
): Interpretation<JobPage<T>> {
  const list = value?.[name] ?? []
  if (value === null || !Array.isArray(list)) return notTheApi
  const items = list.map((one) => read(membersOf(one))).filter((one) => one !== null)
  return { ok: true, value: { items, nextPageToken: textOf(value.next_page_token) } }
}

function readJob(value: Members): FoundJob | null {
  const id = digitsOf(value.job_id)
  if (id === null) return null
  const settings = membersOf(value.settings)
  return {
    id,
    creator: textOf(value.creator_user_name),
    runAs: textOf(value.run_as_user_name),
    tags: membersOf(settings.tags),
    settings
  }
}
