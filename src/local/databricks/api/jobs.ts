import { isObject, parseJson } from '../../simulation/exchange.ts'
import {
  type Answer,
  type Call,
  failure,
  invalidParameter,
  ok,
  type Route,
  type WorkspaceDeps
} from './answer.ts'

interface Job {
  readonly id: number
  readonly creator: string
  readonly createdAtMs: number
  settings: Record<string, unknown>
}

interface Run {
  readonly id: number
  readonly job: Job
  readonly number: number
  readonly startedAtMs: number
  readonly caller: string
}

const pendingMs = 100
const runningMs = 300

export function createJobs(deps: WorkspaceDeps) {
  const jobs = new Map<number, Job>()
  const runs = new Map<number, Run>()
  const runsByToken = new Map<string, Run>()
  let lastId = 0
  const nextId = () => Number(`${deps.workspaceId.slice(-6)}${String(++lastId).padStart(6, '0')}`)
  const nowMs = () => deps.clock.now().getTime()

  const withJob = (call: Call, id: unknown, then: (job: Job) => Answer): Answer => {
    const job = jobs.get(Number(id))
    return job ? then(job) : invalidParameter(call, `Job ${id} does not exist.`)
  }
  const withRun = (call: Call, then: (run: Run) => Answer): Answer => {
    const id = call.query.get('run_id')
    const run = runs.get(Number(id))
    return run ? then(run) : invalidParameter(call, `Run ${id} does not exist.`)
  }
  const withBody =
    (then: (call: Call, body: Record<string, unknown>) => Answer) => (call: Call) => {
      const body = parseJson(call.body)
      if (isObject(body)) return then(call, body)
      return failure(
        call,
        400,
        'MALFORMED_REQUEST',
        'Invalid JSON given in the body of the request'
      )
    }

  const create = withBody((call, settings) => {
    const job = { id: nextId(), creator: call.caller.userName, createdAtMs: nowMs(), settings }
    jobs.set(job.id, job)
    return ok({ job_id: job.id })
  })
  const reset = withBody((call, body) =>
    withJob(call, body.job_id, (job) => {
      job.settings = isObject(body.new_settings) ? body.new_settings : {}
      return ok({})
    })
  )
  const update = withBody((call, body) =>
    withJob(call, body.job_id, (job) => {
      if (isObject(body.new_settings)) job.settings = { ...job.settings, ...body.new_settings }
      return ok({})
    })
  )
  const remove = withBody((call, body) =>
    withJob(call, body.job_id, (job) => {
      jobs.delete(job.id)
      return ok({})
    })
  )
  const runNow = withBody((call, body) =>
    withJob(call, body.job_id, (job) => {
      const token = typeof body.idempotency_token === 'string' ? body.idempotency_token : ''
      const known = runsByToken.get(`${job.id}/${token}`)
      const run = known ?? begin(job, call.caller.userName)
      if (token !== '') runsByToken.set(`${job.id}/${token}`, run)
      return ok({ run_id: run.id, number_in_job: run.number })
    })
  )
  const begin = (job: Job, caller: string): Run => {
    const number = [...runs.values()].filter((run) => run.job === job).length + 1
    const run = { id: nextId(), job, number, startedAtMs: nowMs(), caller }
    runs.set(run.id, run)
    return run
  }
  const describe = (run: Run) => describeRun(run, nowMs() - run.startedAtMs, deps.origin)

  return {
    routes: [
      route('POST', 'create', create),
      route('POST', 'reset', reset),
      route('POST', 'update', update),
      route('POST', 'delete', remove),
      route('POST', 'run-now', runNow),
      route('GET', 'get', (call) =>
        withJob(call, call.query.get('job_id'), (job) => ok(describeJob(job)))
      ),
      route('GET', 'list', (call) => {
        const name = call.query.get('name')
        const found = [...jobs.values()].filter((job) => !name || job.settings.name === name)
        return ok({
          ...(found.length > 0 ? { jobs: found.map(describeJob) } : {}),
          has_more: false
        })
      }),
      route('GET', 'runs/get', (call) => withRun(call, (run) => ok(describe(run)))),
      route('GET', 'runs/list', (call) => {
        const jobId = call.query.get('job_id')
        const found = [...runs.values()].filter((run) => !jobId || run.job.id === Number(jobId))
        const listed = found.reverse().map(describe)
        return ok({ ...(listed.length > 0 ? { runs: listed } : {}), has_more: false })
      })
    ]
  }
}

function route(method: string, verb: string, handle: Route['handle']): Route {
  return { method, pattern: new RegExp(`^/api/2\\.[012]/jobs/${verb}$`), scope: 'jobs', handle }
}

function describeJob({ id, creator, createdAtMs, settings }: Job) {
  return {
    job_id: id,
    creator_user_name: creator,
    run_as_user_name: runAsOf(settings, creator),
    created_time: createdAtMs,
    settings
  }
}

function runAsOf({ run_as: runAs }: Record<string, unknown>, creator: string): string {
  if (!isObject(runAs)) return creator
  return String(runAs.service_principal_name ?? runAs.user_name ?? creator)
}

function describeRun({ id, job, number, startedAtMs, caller }: Run, ageMs: number, origin: string) {
  const phase =
    ageMs < pendingMs ? 'PENDING' : ageMs < pendingMs + runningMs ? 'RUNNING' : 'TERMINATED'
  const isOver = phase === 'TERMINATED'
  const state = { life_cycle_state: phase, state_message: '', user_cancelled_or_timedout: false }
  const details = { code: 'SUCCESS', type: 'SUCCESS', message: '' }
  return {
    run_id: id,
    job_id: job.id,
    number_in_job: number,
    run_name: String(job.settings.name ?? 'Untitled'),
    run_page_url: `${origin}/?o=0#job/${job.id}/run/${id}`,
    creator_user_name: caller,
    run_as_user_name: runAsOf(job.settings, caller),
    state: isOver ? { ...state, result_state: 'SUCCESS' } : state,
    status: isOver ? { state: phase, termination_details: details } : { state: phase },
    start_time: startedAtMs,
    setup_duration: Math.min(ageMs, pendingMs),
    execution_duration: Math.max(0, Math.min(ageMs - pendingMs, runningMs)),
    ...(isOver ? { end_time: startedAtMs + pendingMs + runningMs } : {}),
    trigger: 'ONE_TIME'
  }
}
