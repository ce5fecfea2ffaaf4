import { isObject } from '../../simulation/exchange.ts'
import type { WorkspaceFaults } from '../faults.ts'
import type { WorkspaceDeps } from './answer.ts'

export type Id = number | bigint

export interface RunWanted {
  /** null: submitted once, without a job. */
  readonly jobId: Id | null
  readonly numberInJob: number
  readonly settings: Readonly<Record<string, unknown>>
  readonly caller: string
  readonly runAs: string
  readonly parameters: unknown
  /** Default: somebody started it. */
  readonly trigger?: 'PERIODIC'
}

export interface Run extends RunWanted {
  readonly id: Id
  readonly tasks: readonly { readonly id: Id; readonly key: string }[]
  startedAtMs: number
  result: WorkspaceFaults['runResult']
  /** How often it was looked at while it was under way. */
  looks: number
  endedAtMs: number | null
  isCanceled: boolean
}

type Phase = 'PENDING' | 'RUNNING' | 'TERMINATED'

/** The runs of a workspace; each moves on with time, or with each look, as the faults say. */
export function createRuns(deps: WorkspaceDeps, nextId: () => Id) {
  const runs = new Map<string, Run>()
  const byTask = new Map<string, Run>()
  const nowMs = () => deps.clock.now().getTime()

  const phaseOf = (run: Run): Phase => {
    if (run.endedAtMs !== null) return 'TERMINATED'
    const { runAdvance, runPendingMs, runRunningMs } = deps.faults.current
    const ageMs = nowMs() - run.startedAtMs
    const step =
      runAdvance === 'poll'
        ? run.looks
        : Number(ageMs >= runPendingMs) + Number(ageMs >= runPendingMs + runRunningMs)
    if (step < 2) return step === 0 ? 'PENDING' : 'RUNNING'
    run.endedAtMs = runAdvance === 'poll' ? nowMs() : run.startedAtMs + runPendingMs + runRunningMs
    return 'TERMINATED'
  }

  const describe = (run: Run) => {
    const phase = phaseOf(run)
    const states = statesOf(run, phase)
    const { runPendingMs } = deps.faults.current
    const endMs = run.endedAtMs ?? nowMs()
    const times = {
      start_time: run.startedAtMs,
      setup_duration: Math.min(endMs - run.startedAtMs, runPendingMs),
      execution_duration: Math.max(0, endMs - run.startedAtMs - runPendingMs),
      ...(run.endedAtMs === null
        ? {}
        : { end_time: run.endedAtMs, run_duration: run.endedAtMs - run.startedAtMs })
    }
    return {
      run_id: run.id,
      ...(run.jobId === null ? {} : { job_id: run.jobId, number_in_job: run.numberInJob }),
      run_name: String(run.settings.name ?? run.settings.run_name ?? 'Untitled'),
      run_page_url: `${deps.origin}/?o=${deps.workspaceId}#job/${run.jobId ?? 0}/run/${run.id}`,
      creator_user_name: run.caller,
      run_as_user_name: run.runAs,
      run_type: run.jobId === null ? 'SUBMIT_RUN' : 'JOB_RUN',
      ...states,
      tasks: run.tasks.map(({ id, key }) => ({ run_id: id, task_key: key, ...states, ...times })),
      ...times,
      trigger: run.trigger ?? 'ONE_TIME'
    }
  }

  return {
    begin(wanted: RunWanted): Run {
      const run: Run = {
        ...wanted,
        id: nextId(),
        tasks: taskKeys(wanted.settings).map((key) => ({ id: nextId(), key })),
        startedAtMs: nowMs(),
        result: deps.faults.current.runResult,
        looks: 0,
        endedAtMs: null,
        isCanceled: false
      }
      runs.set(String(run.id), run)
      for (const { id } of run.tasks) byTask.set(String(id), run)
      return run
    },
    find: (id: unknown) => runs.get(String(id)) ?? byTask.get(String(id)),
    isTask: (id: unknown) => byTask.has(String(id)),
    list: () => [...runs.values()].reverse(),
    /** Describes it, and counts that as a look. */
    look(run: Run) {
      const seen = describe(run)
      if (run.endedAtMs === null) run.looks++
      return seen
    },
    describe,
    isOver: (run: Run) => phaseOf(run) === 'TERMINATED',
    cancel(run: Run) {
      if (phaseOf(run) === 'TERMINATED') return
      run.isCanceled = true
      run.endedAtMs = nowMs()
    },
    /** Runs it once more under its own id. @returns the id of the repair */
    repair(run: Run): Id {
      const again = { endedAtMs: null, looks: 0, isCanceled: false }
      Object.assign(run, again, { startedAtMs: nowMs(), result: deps.faults.current.runResult })
      return nextId()
    },
    remove(run: Run) {
      runs.delete(String(run.id))
      for (const { id } of run.tasks) byTask.delete(String(id))
    }
  }
}

function taskKeys({ tasks }: RunWanted['settings']): string[] {
  const list = Array.isArray(tasks) ? tasks : []
  const keys = list.map((task) => (isObject(task) ? String(task.task_key) : 'main'))
  return keys.length > 0 ? keys : ['main']
}

const endings = {
  SUCCESS: { code: 'SUCCESS', type: 'SUCCESS', message: '' },
  FAILED: { code: 'RUN_EXECUTION_ERROR', type: 'CLIENT_ERROR', message: 'Workload failed.' },
  TIMEDOUT: { code: 'RUN_EXECUTION_ERROR', type: 'CLIENT_ERROR', message: 'Run timed out.' },
  INTERNAL_ERROR: {
    code: 'INTERNAL_ERROR',
    type: 'INTERNAL_ERROR',
    message: 'Unexpected failure.'
  },
  CANCELED: { code: 'USER_CANCELED', type: 'SUCCESS', message: 'Run cancelled.' }
} as const

/** `state` as jobs 2.1 tells it and `status` as 2.2 does. */
function statesOf({ isCanceled, result }: Run, phase: Phase) {
  const underWay = {
    life_cycle_state: phase,
    state_message: '',
    user_cancelled_or_timedout: false
  }
  if (phase !== 'TERMINATED') return { state: underWay, status: { state: phase } }
  const ending = isCanceled ? 'CANCELED' : result
  const details = endings[ending]
  const isFault = ending === 'INTERNAL_ERROR'
  return {
    state: {
      life_cycle_state: isFault ? 'INTERNAL_ERROR' : phase,
      result_state: isFault ? 'FAILED' : ending,
      state_message: details.message,
      user_cancelled_or_timedout: ending === 'CANCELED' || ending === 'TIMEDOUT'
    },
    status: { state: phase, termination_details: details }
  }
}
