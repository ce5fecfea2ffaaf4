import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../base/errors.ts'
import type { ComputeRef, ProviderCall } from '../providers/provider.ts'
import type { FabricDeps } from './fabric-deps.ts'
import type { TestNote } from './test-results.ts'
import { callWorkspace, type WorkspaceAccess } from './workspace-calls.ts'

/** What a fabric works on. */
export interface TriedCompute {
  readonly compute: ComputeRef
  readonly catalog: string | null
  readonly schema: string | null
}

export interface ComputeTrial extends TriedCompute {
  readonly access: WorkspaceAccess
  readonly tell: (detail: string) => void
  readonly signal: AbortSignal
}

type Deps = Pick<FabricDeps, 'outbound' | 'clock'>
type Ask = <T>(call: ProviderCall<T>, deadlineMs?: number) => Promise<T>

const pollMs = 250
const clusterDeadlineMs = 30_000
const marginMs = 10_000

/**
 * Does a little of what the fabric is for, as the identity that is tested: `SELECT 1` on a warehouse and a look at
 * catalog and schema, or an execution context on a cluster. A cluster that does not run is never started.
 * @returns what is worth knowing of compute that is well
 * @throws AppError `compute_not_found`, `compute_forbidden`, `compute_stopped`, `scope_missing`, and as any call
 */
export async function tryCompute(deps: Deps, trial: ComputeTrial): Promise<TestNote | null> {
  const { access, compute, signal } = trial
  const ask: Ask = (call, deadlineMs) => callWorkspace(deps, access, call, signal, deadlineMs)
  const { state, condition } = await about(`The ${compute.kind}`, () =>
    ask(access.provider.computeCall(compute))
  )
  if (compute.kind === 'warehouse') return await tryWarehouse(ask, trial, condition === 'running')
  if (condition === 'running') return await tryCluster(deps, ask, trial)
  const detail = `The cluster is being started (${state}); attaching to it was not tried`
  return { code: 'compute_stopped', detail }
}

async function tryWarehouse(
  ask: Ask,
  trial: ComputeTrial,
  isRunning: boolean
): Promise<TestNote | null> {
  const { trials } = trial.access.provider
  const deadlineMs = trials.statementSeconds * 1_000 + marginMs
  const run = (sql: string) => ask(trials.statementCall(trial.compute.id, sql), deadlineMs)
  trial.tell(isRunning ? 'Running SELECT 1' : 'The warehouse does not run; SELECT 1 starts it')
  const end = await about('The warehouse', () => run('SELECT 1'))
  if (end === 'late') {
    const seconds = `${trials.statementSeconds} s`
    if (isRunning) throw late(`SELECT 1 did not end within ${seconds}`)
    const detail = `The warehouse did not run and was still starting after ${seconds}; nothing more was tried`
    return { code: 'compute_stopped', detail }
  }
  await seeNames(trial, async (sql) => {
    if ((await run(sql)) === 'late') throw late('A statement did not end in time')
  })
  if (isRunning) return null
  const detail = 'The warehouse did not run; its first statement started it'
  return { code: 'compute_stopped', detail }
}

async function tryCluster(deps: Deps, ask: Ask, trial: ComputeTrial): Promise<null> {
  const { compute, access, signal } = trial
  const { trials } = access.provider
  const untilMs = deps.clock.monotonicMs() + clusterDeadlineMs
  trial.tell('Attaching to the cluster')
  const context = await about('The cluster', () => ask(trials.attachCall(compute.id)))
  try {
    while (!(await ask(trials.isAttachedCall(compute.id, context)))) {
      if (deps.clock.monotonicMs() > untilMs) throw late('The cluster did not answer in time')
      await delay(pollMs, undefined, { signal })
    }
    return null
  } finally {
    // Whoever has left leaves no context behind; one that cannot be ended ends with the cluster.
    const call = trials.detachCall(compute.id, context)
    await callWorkspace(deps, access, call).catch(() => undefined)
  }
}

/** Whether the identity sees what the fabric names. */
async function seeNames(
  { access, catalog, schema, tell }: ComputeTrial,
  run: (sql: string) => Promise<void>
): Promise<void> {
  const { trials } = access.provider
  if (catalog !== null) {
    tell(`Looking at the catalog ${catalog}`)
    await about(`The catalog ${catalog}`, () => run(trials.seeCatalog(catalog)))
  }
  if (schema !== null) {
    const name = catalog === null ? schema : `${catalog}.${schema}`
    tell(`Looking at the schema ${name}`)
    await about(`The schema ${name}`, () => run(trials.seeSchema(catalog, schema)))
  }
}

const endings = {
  compute_not_found: 'is not there, or this identity may not see it',
  compute_forbidden: 'is not for this identity to use',
  compute_stopped: 'does not run'
} as const

/** Says of what a refusal is. */
async function about<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AppError) || !isAboutCompute(error.code)) throw error
    throw new AppError(error.code, { detail: `${what} ${endings[error.code]}` })
  }
}

function isAboutCompute(code: string): code is keyof typeof endings {
  return Object.hasOwn(endings, code)
}

function late(detail: string): AppError {
  return new AppError('upstream_timeout', { detail })
}
