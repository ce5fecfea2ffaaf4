import { AppError, problemCatalogue } from '../base/errors.ts'
import type { FabricId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { HostRule } from '../outbound/outbound.ts'
import type { ComputeRef, Provider, ProviderIdentity } from '../providers/provider.ts'
import type { FabricDeps } from './fabric-deps.ts'
import {
  type TestAs,
  type TestListener,
  type TestResult,
  type TestStep,
  type TestStepResult,
  testSteps
} from './test-results.ts'
import { askIdentity, callWorkspace } from './workspace-calls.ts'

/** What a test needs to know; saved and unsaved fabrics alike. */
export interface TestPlan {
  readonly as: TestAs
  /** Of a saved fabric. */
  readonly fabricId: FabricId | null
  readonly provider: Provider
  readonly workspaceOrigin: string
  readonly compute: ComputeRef | null
  /** The scopes without which the identity would not do. */
  readonly neededScopes: readonly string[]
  /** @throws AppError `host_not_allowed`: the app connection does not serve the host */
  checkHost(): void
  /** A token as the identity that is tested. */
  obtainToken(): Promise<{ readonly token: Secret; readonly scope: string | null }>
}

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
  const { outbound, servers, clock } = deps
  const { provider, workspaceOrigin } = plan
  const rule: HostRule = { kind: 'zones', zones: provider.zones }
  const held: { token: Secret | null; scope: string | null; identity: ProviderIdentity | null } = {
    token: null,
    scope: null,
    identity: null
  }
  const access = () => {
    if (held.token === null) throw new AppError('internal', { note: 'no token after its step' })
    return { provider, workspaceOrigin, bearer: held.token }
  }
  const work: Record<TestStep, () => Promise<'skipped' | undefined>> = {
    host: async () => {
      outbound.checkUrl(workspaceOrigin, rule)
      plan.checkHost()
      return undefined
    },
    dns: async () => {
      await outbound.probe.resolve(workspaceOrigin, rule)
      return undefined
    },
    tls: async () => {
      await outbound.probe.connect(workspaceOrigin, rule)
      return undefined
    },
    discovery: async () => {
      await servers.discover(provider, workspaceOrigin)
      return undefined
    },
    token: async () => {
      const { token, scope } = await plan.obtainToken()
      held.token = token
      held.scope = scope
      return undefined
    },
    identity: async () => {
      held.identity = await askIdentity(deps, access(), signal)
      return undefined
    },
    scopes: async () => {
      if (held.scope === null) return 'skipped'
      checkScopes(held.scope, plan.neededScopes)
      return undefined
    },
    compute: async () => {
      if (plan.compute === null) return 'skipped'
      await callWorkspace(deps, access(), provider.computeCall(plan.compute), signal)
      return undefined
    }
  }

  const steps: TestStepResult[] = []
  let hasFailed = false
  for (const step of testSteps) {
    const startedMs = clock.monotonicMs()
    const spent = () => Math.round(clock.monotonicMs() - startedMs)
    const result: TestStepResult = hasFailed
      ? { step, status: 'skipped' as const, durationMs: 0 }
      : await runStep(step, work[step], spent, signal)
    hasFailed ||= result.status === 'failed'
    steps.push(result)
    listener.onStep(result)
  }
  return { ok: !hasFailed, identity: held.identity, steps }
}

async function runStep(
  step: TestStep,
  work: () => Promise<'skipped' | undefined>,
  spent: () => number,
  signal: AbortSignal
): Promise<TestStepResult> {
  try {
    signal.throwIfAborted()
    const end = await work()
    return { step, status: end ?? 'passed', durationMs: spent() }
  } catch (error) {
    const fault = error instanceof AppError ? error : new AppError('internal')
    const { code, owner } = fault
    const detail = fault.detail ?? problemCatalogue[code].title
    return { step, status: 'failed', code, detail, owner, durationMs: spent() }
  }
}

function checkScopes(granted: string, needed: readonly string[]): void {
  const have = new Set(granted.split(' '))
  const missing = needed.filter((scope) => !have.has(scope))
  if (missing.length === 0) return
  throw new AppError('scope_missing', { detail: `Not granted: ${missing.join(', ')}` })
}

/** What the record of a test tells. */
export function testEvent(plan: TestPlan, result: TestResult) {
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
