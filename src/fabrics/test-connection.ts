import { setTimeout as delay } from 'node:timers/promises'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import type { HostRule } from '../outbound/outbound.ts'
import type { ProviderIdentity } from '../providers/provider.ts'
import { type TriedCompute, tryCompute } from './compute-trial.ts'
import type { FabricDeps, ReachLimits } from './fabric-deps.ts'
import { type FailedTest, tellFailure } from './test-failures.ts'
import {
  type TestListener,
  type TestNote,
  type TestResult,
  type TestStep,
  type TestStepResult,
  testSteps
} from './test-results.ts'
import { askIdentity } from './workspace-calls.ts'

export interface TestToken {
  readonly token: Secret
  /** What was granted; null: it was not told. */
  readonly scope: string | null
  /** Another one, where the workspace refuses this one; null: it is as new as can be. */
  readonly renew: (() => Promise<TestToken>) | null
}

/** What a test needs to know; saved and unsaved fabrics alike. */
export interface TestPlan extends FailedTest {
  readonly workspaceOrigin: string
  readonly compute: TriedCompute | null
  /** The scopes without which the identity would not do. */
  readonly neededScopes: readonly string[]
  /** @throws AppError `host_not_allowed`: the app connection does not serve the host */
  checkHost(): void
  /** A token as the identity that is tested. */
  obtainToken(): Promise<TestToken>
  /** What is worth knowing of the secret that gave it. */
  noteOfSecret(): Promise<TestNote | null>
}

type Ended = Omit<TestStepResult, 'durationMs'>
type Passed = TestNote | 'skipped' | null
type Work = Readonly<Record<TestStep, () => Promise<Passed>>>

/**
 * Runs the steps in their order; after the first that fails the rest are skipped. Each step's end is told
 * at once to the listener. The result is an answer, never a throw: a failed test is a good answer.
 */
export async function runTest(
  deps: FabricDeps,
  plan: TestPlan,
  listener: TestListener,
  signal: AbortSignal
): Promise<TestResult> {
  const held: { identity: ProviderIdentity | null } = { identity: null }
  const work = workOf(deps, plan, held, listener, signal)
  const steps: TestStepResult[] = []
  let hasFailed = false
  for (const step of testSteps) {
    const startedMs = deps.clock.monotonicMs()
    const ended: Ended = hasFailed
      ? { step, status: 'skipped' }
      : await runStep(step, work[step], plan, signal)
    const durationMs = hasFailed ? 0 : Math.round(deps.clock.monotonicMs() - startedMs)
    const result: TestStepResult = { ...ended, durationMs }
    hasFailed ||= result.status === 'failed'
    steps.push(result)
    listener.onStep(result)
  }
  return { ok: !hasFailed, identity: held.identity, steps }
}

/** A test that ends before it begins: the address is none that may be called. */
export function refuseAddress(
  error: AppError,
  test: FailedTest,
  { onStep }: TestListener
): TestResult {
  const steps = testSteps.map((step): TestStepResult => {
    const result =
      step === 'host'
        ? { step, status: 'failed' as const, ...tellFailure(step, error, test), durationMs: 0 }
        : { step, status: 'skipped' as const, durationMs: 0 }
    onStep(result)
    return result
  })
  return { ok: false, identity: null, steps }
}

function workOf(
  deps: FabricDeps,
  plan: TestPlan,
  held: { identity: ProviderIdentity | null },
  { onProgress }: TestListener,
  signal: AbortSignal
): Work {
  const { outbound, servers } = deps
  const { provider, workspaceOrigin } = plan
  const rule: HostRule = { kind: 'zones', zones: provider.zones }
  let given: TestToken | null = null
  const token = () => {
    if (given === null) throw new AppError('internal', { note: 'no token after its step' })
    return given
  }
  const access = () => ({ provider, workspaceOrigin, bearer: token().token })
  const reach = (code: Unreached, work: () => Promise<unknown>) =>
    atPace(code, deps.reach ?? reachLimits, work, signal)

  return {
    host: async () => {
      outbound.checkUrl(workspaceOrigin, rule)
      plan.checkHost()
      return null
    },
    dns: async () => await reach('dns_failed', () => outbound.probe.resolve(workspaceOrigin, rule)),
    tls: async () =>
      await reach('workspace_unreachable', () => outbound.probe.connect(workspaceOrigin, rule)),
    discovery: async () => {
      await servers.discover(provider, workspaceOrigin, true)
      return null
    },
    token: async () => {
      given = await plan.obtainToken()
      return await plan.noteOfSecret()
    },
    identity: async () => {
      const ask = () => askIdentity(deps, access(), signal)
      const { renew } = token()
      held.identity = await ask().catch(async (error) => {
        if (!isDeadToken(error) || renew === null) throw error
        onProgress?.({ step: 'identity', detail: 'The token was refused; asking for a new one' })
        given = await renew()
        return await ask()
      })
      return null
    },
    scopes: async () => {
      const { scope } = token()
      return scope === null ? 'skipped' : checkScopes(scope, plan.neededScopes)
    },
    compute: async () => {
      if (plan.compute === null) return 'skipped'
      const tell = (detail: string) => onProgress?.({ step: 'compute', detail })
      return await tryCompute(deps, { ...plan.compute, access: access(), tell, signal })
    }
  }
}

async function runStep(
  step: TestStep,
  work: () => Promise<Passed>,
  plan: TestPlan,
  signal: AbortSignal
): Promise<Ended> {
  try {
    signal.throwIfAborted()
    const passed = await work()
    if (passed === 'skipped') return { step, status: passed }
    return { step, status: 'passed', ...(passed === null ? {} : { note: passed }) }
  } catch (error) {
    const fault = error instanceof AppError ? error : new AppError('internal')
    return { step, status: 'failed', ...tellFailure(step, fault, plan) }
  }
}

const reachLimits: ReachLimits = { deadlineMs: 5_000, paceMs: 5_000 }
type Unreached = 'dns_failed' | 'workspace_unreachable'

/**
 * A name that is not there, an address that is not public, a port that is closed and one that is filtered all
 * take as long to be told of, so that a test tells nothing of a network but whether the workspace can be reached.
 */
async function atPace(
  code: Unreached,
  { deadlineMs, paceMs }: ReachLimits,
  work: () => Promise<unknown>,
  signal: AbortSignal
): Promise<null> {
  const timers = new AbortController()
  const options = { signal: AbortSignal.any([signal, timers.signal]), ref: false }
  const pace = delay(paceMs, undefined, options)
  const late = delay(deadlineMs, 'late' as const, options)
  for (const timer of [pace, late]) timer.catch(() => undefined)
  try {
    if ((await Promise.race([work(), late])) !== 'late') return null
    throw new AppError(code)
  } catch (error) {
    await pace
    throw error instanceof AppError && error.code === 'tls_failed' ? error : new AppError(code)
  } finally {
    timers.abort()
  }
}

function isDeadToken(error: unknown): boolean {
  return error instanceof AppError && error.code === 'sign_in_needed'
}

function checkScopes(granted: string, needed: readonly string[]): null {
  const have = new Set(granted.split(' '))
  const missing = needed.filter((scope) => !have.has(scope))
  if (missing.length === 0) return null
  throw new AppError('scope_missing', { detail: `Not granted: ${missing.join(', ')}` })
}

/** What the record of a test tells. */
export function testEvent(
  plan: Pick<TestPlan, 'as' | 'fabricId'> & { readonly workspaceOrigin: string | null },
  result: TestResult
) {
  const failed = result.steps.find((step) => step.status === 'failed')
  return {
    action: 'fabric.test' as const,
    object: ['fabric', plan.fabricId ?? 'unsaved'] as const,
    ...(plan.fabricId === null ? {} : { fabricId: plan.fabricId }),
    outcome: result.ok ? ('succeeded' as const) : ('failed' as const),
    ...(failed?.code === undefined ? {} : { code: failed.code }),
    details: { as: plan.as, workspaceOrigin: plan.workspaceOrigin, step: failed?.step ?? null }
  }
}
