import { isObject } from '../../simulation/exchange.ts'
import {
  type Answer,
  type Call,
  failure,
  invalidParameter,
  ok,
  type Route,
  type WorkspaceDeps,
  withBody
} from './answer.ts'
import { isScheduled, refusalOfSettings, toldSettings } from './job-settings.ts'
import { pageOf } from './page.ts'
import { refusalOfRunAs, runAsOf } from './run-as.ts'
import { createRuns, type Id } from './runs.ts'
import { runRoutes } from './runs-api.ts'

interface Job {
  readonly id: Id
  readonly creator: string
  readonly createdAtMs: number
  settings: Record<string, unknown>
  runCount: number
}

const firstUnsafeId = 2n ** 53n

export function createJobs(deps: WorkspaceDeps) {
  const jobs = new Map<string, Job>()
  const runsByToken = new Map<string, Id>()
  let lastId = 0
  const nextId = (): Id => {
    const id = Number(`${deps.workspaceId.slice(-6)}${String(++lastId).padStart(6, '0')}`)
    return deps.faults.current.int64Ids ? firstUnsafeId + BigInt(2 * id + 1) : id
  }
  const runs = createRuns(deps, nextId)

  const maySee = (job: Job, userName: string) =>
    [job.creator, runAsOf(job.settings, job.creator)].includes(userName) ||
    deps.registry.isAdmin(userName)
  const withJob = (call: Call, id: unknown, need: Need, then: (job: Job) => Answer): Answer => {
    const job = jobs.get(String(id))
    if (!job) return invalidParameter(call, `Job ${id} does not exist.`)
    const { userName } = call.caller
    if (maySee(job, userName)) return then(job)
    const message = `User ${userName} does not have ${need} permissions on job ${id}`
    return failure(call, 403, 'PERMISSION_DENIED', message)
  }
  const refusalOf = (call: Call, settings: Job['settings']) =>
    refusalOfSettings(call, settings) ?? refusalOfRunAs(call, settings, deps.registry)
  const change = (settingsOf: (job: Job, given: Record<string, unknown>) => Job['settings']) =>
    withBody((call, body) =>
      withJob(call, body.job_id, 'Manage or Owner', (job) => {
        const settings = settingsOf(job, isObject(body.new_settings) ? body.new_settings : {})
        const refusal = refusalOf(call, settings)
        if (refusal) return refusal
        job.settings = settings
        for (const name of Array.isArray(body.fields_to_remove) ? body.fields_to_remove : []) {
          delete job.settings[String(name)]
        }
        return ok({})
      })
    )

  const create = withBody((call, settings) => {
    const refusal = refusalOf(call, settings)
    if (refusal) return refusal
    const createdAtMs = deps.clock.now().getTime()
    const job = { id: nextId(), creator: call.caller.userName, createdAtMs, settings, runCount: 0 }
    jobs.set(String(job.id), job)
    return ok({ job_id: job.id })
  })
  const remove = withBody((call, body) =>
    withJob(call, body.job_id, 'Manage or Owner', (job) => {
      jobs.delete(String(job.id))
      return ok({})
    })
  )
  const runNow = withBody((call, body) =>
    withJob(call, body.job_id, 'Manage Run or Manage or Owner', (job) =>
      once(call, body, `${job.id}`, () =>
        runs.begin({
          jobId: job.id,
          numberInJob: ++job.runCount,
          settings: job.settings,
          caller: call.caller.userName,
          runAs: runAsOf(job.settings, job.creator),
          parameters: body.job_parameters ?? body.notebook_params ?? {}
        })
      )
    )
  )
  const submit = withBody((call, body) => {
    const refusal = refusalOfRunAs(call, body, deps.registry)
    if (refusal) return refusal
    const { userName: caller } = call.caller
    const runAs = runAsOf(body, caller)
    const wanted = { jobId: null, numberInJob: 1, settings: body, caller, runAs, parameters: {} }
    return once(call, body, 'submit', () => runs.begin(wanted))
  })
  /** The same `idempotency_token` gives the same run. */
  const once = (
    call: Call,
    { idempotency_token: token }: Record<string, unknown>,
    within: string,
    begin: () => { readonly id: Id }
  ): Answer => {
    if (typeof token === 'string' && token.length > 64) {
      return invalidParameter(call, 'The idempotency token must be at most 64 characters long.')
    }
    const key = typeof token === 'string' && token !== '' ? `${within}/${token}` : null
    const known = key === null ? undefined : runsByToken.get(key)
    const run = runs.find(known ?? begin().id)
    if (!run) return invalidParameter(call, `Run ${known} does not exist.`)
    if (key !== null) runsByToken.set(key, run.id)
    return ok({
      run_id: run.id,
      ...(run.jobId === null ? {} : { number_in_job: run.numberInJob })
    })
  }
  const list = (call: Call) => {
    const name = call.query.get('name')?.toLowerCase()
    const found = [...jobs.values()]
      .filter((job) => maySee(job, call.caller.userName))
      .filter(({ settings }) => !name || String(settings.name).toLowerCase() === name)
      .map((job) => describe(job, call.query.get('expand_tasks') === 'true'))
    return ok(pageOf('jobs', found, call.query, 100))
  }

  return {
    /** Every schedule that is not paused comes round, once. */
    fireSchedules(): void {
      for (const job of [...jobs.values()].filter(({ settings }) => isScheduled(settings))) {
        const { id: jobId, creator, settings } = job
        const runAs = runAsOf(settings, creator)
        const numberInJob = ++job.runCount
        const when = { trigger: 'PERIODIC', parameters: {} } as const
        runs.begin({ ...when, jobId, numberInJob, settings, caller: creator, runAs })
      }
    },
    routes: [
      route('POST', 'create', create),
      route(
        'POST',
        'reset',
        change((_job, given) => given)
      ),
      route(
        'POST',
        'update',
        change((job, given) => ({ ...job.settings, ...given }))
      ),
      route('POST', 'delete', remove),
      route('POST', 'run-now', runNow),
      route('GET', 'get', (call) =>
        withJob(call, call.query.get('job_id'), view, (job) => ok(describe(job, true)))
      ),
      route('GET', 'list', list),
      route('POST', 'runs/submit', submit),
      ...runRoutes(deps, runs, route)
    ]
  }
}

type Need = typeof view | 'Manage or Owner' | 'Manage Run or Manage or Owner'
const view = 'View or Admin or Manage Run or Owner'

function route(method: string, verb: string, handle: Route['handle']): Route {
  return { method, pattern: new RegExp(`^/api/2\\.[012]/jobs/${verb}$`), scope: 'jobs', handle }
}

function describe({ id, creator, createdAtMs, settings }: Job, hasTasks: boolean) {
  return {
    job_id: id,
    creator_user_name: creator,
    run_as_user_name: runAsOf(settings, creator),
    created_time: createdAtMs,
    settings: toldSettings(settings, hasTasks)
  }
}
