import { setTimeout as delay } from 'node:timers/promises'
import { AppError, problemCatalogue } from '../base/errors.ts'
import { type ProbedClient, probeAuthorization, probeClientSecret } from '../oauth/client-probe.ts'
import type { OAuthClient } from '../oauth/token-endpoint.ts'
import type { HostRule } from '../outbound/outbound.ts'
import type { OAuthFailure } from '../providers/provider.ts'
import {
  type VerificationStep,
  type VerificationStepResult,
  verificationSteps
} from './app-connections.ts'
import { tellFinding } from './verification-findings.ts'
import type { Finding, VerificationDeps, VerificationPlan } from './verification-plan.ts'

const stepTimeoutMs = 15_000

/** Null: nothing is wrong. */
type Found = Finding | 'skipped' | null
type Work = () => Promise<Found>

/** Runs the steps in their order; each step's end is told at once through `onStep`. */
export async function runVerification(
  deps: VerificationDeps,
  plan: VerificationPlan,
  onStep: (result: VerificationStepResult) => void,
  signal: AbortSignal
): Promise<VerificationStepResult[]> {
  const work = workOf(deps, plan, signal)
  const steps: VerificationStepResult[] = []
  let hasFailed = false
  for (const step of verificationSteps) {
    const startedMs = deps.clock.monotonicMs()
    const finding: Found = hasFailed ? 'skipped' : await find(deps, work[step], signal)
    const durationMs = hasFailed ? 0 : Math.round(deps.clock.monotonicMs() - startedMs)
    const result: VerificationStepResult = { ...resultOf(step, finding, plan), durationMs }
    hasFailed ||= result.status === 'failed'
    steps.push(result)
    onStep(result)
  }
  return steps
}

function workOf(
  deps: VerificationDeps,
  plan: VerificationPlan,
  signal: AbortSignal
): Record<VerificationStep, Work> {
  const { outbound, servers } = deps
  const { provider, workspaceOrigin, redirectUri, scopes } = plan
  const rule: HostRule = { kind: 'zones', zones: provider.zones }
  const required = provider.oauth.requiredScopes
  const held: { server: ProbedClient['endpoint']['server'] | null; refused: OAuthFailure | null } =
    {
      server: null,
      refused: null
    }
  const endpointOf = () => {
    if (held.server === null) throw new AppError('internal', { note: 'no server after its step' })
    return { provider, workspaceOrigin, server: held.server }
  }
  const ask = (asked: readonly string[]) => {
    const client = { clientId: plan.clientId ?? '', redirectUri, scopes: asked }
    return probeAuthorization(deps, { endpoint: endpointOf(), ...client }, signal)
  }
  let refusedScopes: readonly string[] = []

  return {
    settings: async () => {
      if (plan.isDisabled) return { kind: 'disabled' }
      if (plan.clientId === null) return { kind: 'no_client_id' }
      return plan.candidates.length === 0 ? { kind: 'no_client_secret' } : null
    },
    host: async () => {
      outbound.checkUrl(workspaceOrigin, rule)
      plan.checkHost()
      return null
    },
    dns: async () => {
      await outbound.probe.resolve(workspaceOrigin, rule)
      return null
    },
    tls: async () => {
      await outbound.probe.connect(workspaceOrigin, rule)
      return null
    },
    discovery: async () => {
      held.server = await servers.discover(provider, workspaceOrigin, true)
      return null
    },
    client_id: async () => {
      held.refused = await ask(scopes)
      if (held.refused?.kind === 'client_refused') return { kind: 'unknown_client' }
      const isLater = ['redirect_uri_mismatch', 'scope_missing', undefined]
      return isLater.includes(held.refused?.kind) ? null : otherFailure(held.refused)
    },
    redirect_uri: async () =>
      held.refused?.kind === 'redirect_uri_mismatch' ? { kind: 'redirect_uri' } : null,
    scopes: async () => {
      refusedScopes = await refusedOf(held.refused, scopes, ask)
      const lacking = [...refusedScopes, ...missingOf(plan)]
      const missing = lacking.filter((scope) => !required.includes(scope))
      return missing.length === 0 ? null : { kind: 'scopes', missing: [...new Set(missing)] }
    },
    offline_access: async () => {
      const missing = required.filter((scope) => refusedScopes.includes(scope))
      return missing.length === 0 ? null : { kind: 'offline_access', missing }
    },
    client_secret: async () => {
      const check = (client: OAuthClient) =>
        probeClientSecret(deps, { ...endpointOf(), client }, redirectUri)
      const [newest, ...older] = plan.candidates
      if (newest === undefined) return { kind: 'no_client_secret' }
      const failure = await check(newest.client)
      if (failure === null) {
        await newest.noteUse(deps.clock.now()).catch(() => undefined)
        return null
      }
      if (failure.kind !== 'client_refused') return otherFailure(failure)
      for (const { client } of older) {
        if ((await check(client)) === null) return { kind: 'new_secret' }
      }
      return { kind: 'client_secret' }
    }
  }
}

/** Which of the scopes the client may not ask for: each is asked for alone, and all are where none alone is refused. */
async function refusedOf(
  refused: OAuthFailure | null,
  scopes: readonly string[],
  ask: (scopes: readonly string[]) => Promise<OAuthFailure | null>
): Promise<readonly string[]> {
  if (refused?.kind !== 'scope_missing') return []
  const alone: string[] = []
  for (const scope of scopes) {
    if ((await ask([scope]))?.kind === 'scope_missing') alone.push(scope)
  }
  return alone.length > 0 ? alone : scopes
}

/** What the latest sign-in was not given of what it asked for. */
function missingOf({ grantedScopes, scopes }: VerificationPlan): readonly string[] {
  return grantedScopes === null ? [] : scopes.filter((scope) => !grantedScopes.includes(scope))
}

function otherFailure(failure: OAuthFailure | null): Finding {
  switch (failure?.kind) {
    case 'redirect_uri_mismatch':
      return { kind: 'redirect_uri' }
    case 'ip_not_allowed':
    case 'oauth_not_enabled':
      return { kind: 'fault', fault: new AppError(failure.kind) }
    default:
      return { kind: 'fault', fault: new AppError('upstream_unavailable') }
  }
}

/** Every step has an end, whatever the workspace does. */
async function find(
  { stepTimeoutMs: timeoutMs = stepTimeoutMs }: VerificationDeps,
  work: Work,
  signal: AbortSignal
): Promise<Found> {
  const timer = new AbortController()
  const late = delay(timeoutMs, undefined, { signal: timer.signal, ref: false }).then(() => {
    throw new AppError('upstream_timeout')
  })
  late.catch(() => undefined)
  try {
    signal.throwIfAborted()
    return await Promise.race([work(), late])
  } catch (error) {
    return { kind: 'fault', fault: error instanceof AppError ? error : new AppError('internal') }
  } finally {
    timer.abort()
  }
}

function resultOf(
  step: VerificationStep,
  finding: Found,
  plan: VerificationPlan
): Omit<VerificationStepResult, 'durationMs'> {
  if (finding === null) return { step, status: 'passed' }
  if (finding === 'skipped') return { step, status: 'skipped' }
  const { code, detail, action } = tellFinding(finding, plan)
  const { owner, title } = problemCatalogue[code]
  return {
    step,
    status: 'failed',
    code,
    detail: detail ?? title,
    owner,
    ...(action === undefined ? {} : { action })
  }
}
