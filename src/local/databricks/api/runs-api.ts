import { exactJson } from '../int64-json.ts'
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
import { pageOf } from './page.ts'
import type { createRuns, Run } from './runs.ts'

type Runs = ReturnType<typeof createRuns>

/** `jobs/runs/*`, apart from what begins a run. */
export function runRoutes(
  { registry }: WorkspaceDeps,
  runs: Runs,
  route: (method: string, verb: string, handle: Route['handle']) => Route
): Route[] {
  const maySee = ({ caller, runAs }: Run, userName: string) =>
    caller === userName || runAs === userName || registry.isAdmin(userName)
  const withRun = (call: Call, id: unknown, then: (run: Run) => Answer): Answer => {
    const run = runs.find(id)
    if (!run) return invalidParameter(call, `Run ${id} does not exist.`)
    const { userName } = call.caller
    if (maySee(run, userName)) return then(run)
    const message = `User ${userName} does not have View or Admin or Manage Run or Owner permissions on run ${id}`
    return failure(call, 403, 'PERMISSION_DENIED', message)
  }
  const get = (call: Call) => {
    const id = call.query.get('run_id')
    return withRun(call, id, (run) => {
      const seen = runs.look(run)
      const task = seen.tasks.find((one) => String(one.run_id) === id)
      return ok(task ? { ...seen, ...task, tasks: [task] } : seen)
    })
  }
  const list = (call: Call) => {
    const { query } = call
    const jobId = query.get('job_id')
    const found = runs
      .list()
      .filter((run) => maySee(run, call.caller.userName))
      .filter((run) => jobId === null || String(run.jobId) === jobId)
      .filter((run) => query.get('active_only') !== 'true' || !runs.isOver(run))
      .filter((run) => query.get('completed_only') !== 'true' || runs.isOver(run))
      .map(runs.describe)
    return ok(pageOf('runs', found, query, 25))
  }
  const cancel = withBody((call, { run_id: id }) =>
    withRun(call, id, (run) => {
      runs.cancel(run)
      return ok({})
    })
  )
  const cancelAll = withBody((call, { job_id: jobId }) => {
    for (const run of runs.list()) {
      if (String(run.jobId) === String(jobId) && maySee(run, call.caller.userName)) runs.cancel(run)
    }
    return ok({})
  })
  const remove = withBody((call, { run_id: id }) =>
    withRun(call, id, (run) => {
      if (!runs.isOver(run)) return invalidParameter(call, `Run ${id} is active.`)
      runs.remove(run)
      return ok({})
    })
  )
  const repair = withBody((call, { run_id: id }) =>
    withRun(call, id, (run) => {
      if (!runs.isOver(run)) return invalidParameter(call, `Run ${id} is active.`)
      return ok({ repair_id: runs.repair(run) })
    })
  )
  const exported = (call: Call) =>
    withRun(call, call.query.get('run_id'), (run) => {
      const views = run.tasks.map(({ key }) => {
        return { name: key, type: 'NOTEBOOK', content: `<!DOCTYPE html><title>${key}</title>` }
      })
      return ok({ views })
    })
  const output = (call: Call) => {
    const id = call.query.get('run_id')
    return withRun(call, id, (run) => {
      if (!runs.isTask(id) && run.tasks.length > 1) {
        const message =
          'Retrieving the output of runs with multiple tasks is not supported. ' +
          'Please retrieve the output of each individual task run instead.'
        return invalidParameter(call, message)
      }
      return ok({
        ...(runs.isTask(id) ? outcomeOf(run, runs.isOver(run)) : { notebook_output: {} }),
        metadata: runs.describe(run)
      })
    })
  }
  return [
    route('GET', 'runs/get', get),
    route('GET', 'runs/list', list),
    route('GET', 'runs/get-output', output),
    route('GET', 'runs/export', exported),
    route('POST', 'runs/cancel', cancel),
    route('POST', 'runs/repair', repair),
    route('POST', 'runs/cancel-all', cancelAll),
    route('POST', 'runs/delete', remove)
  ]
}

/** A notebook that tells as whom it ran and with which parameters. */
function outcomeOf({ isCanceled, parameters, result, runAs }: Run, isOver: boolean) {
  if (!isOver || isCanceled) return { notebook_output: {} }
  if (result === 'SUCCESS') {
    const told = exactJson({ ran_as: runAs, parameters })
    return { notebook_output: { result: told, truncated: false } }
  }
  const error = 'Exception: the run was made to fail'
  return { notebook_output: {}, error, error_trace: `Traceback (most recent call last)\n${error}` }
}
