import type { Clock } from '../base/clock.ts'
import { AppError, type ProblemCode } from '../base/errors.ts'
import { type Listed, Roster } from '../base/roster.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { TenantVersions } from '../store/tenant-versions.ts'

/**
 * Calls that are under way longer than a moment, so that they end when who makes them may no longer: whatever
 * takes a credential, a role or a tenant away bumps the tenant's version and need not know of them.
 */
export interface OpenCalls {
  /**
   * @param recheck throws what the same call would be refused with if it came now
   * @param end hears of that refusal, once
   * @returns to be called when the call is over
   */
  open(
    scope: TenantScope,
    recheck: () => Promise<unknown>,
    end: (why: AppError) => void
  ): () => void
  /** Asks again for every call whose tenant has changed; the others now and then, since credentials expire. */
  review(): Promise<void>
}

/** Refusals that are about the caller; whatever else fails says nothing about them. */
const endings: ReadonlySet<ProblemCode> = new Set(['unauthenticated', 'forbidden', 'not_found'])
const recheckEveryMs = 4_000
const atOnceMax = 16

interface OpenCall extends Listed {
  readonly scope: TenantScope
  readonly recheck: () => Promise<unknown>
  readonly end: (why: AppError) => void
  /** Of the tenant when it was last asked for; null: not yet, or it was not known. */
  version: number | null
  checkedMs: number
}

export function createOpenCalls(deps: {
  readonly versions: Pick<TenantVersions, 'current'>
  readonly clock: Clock
}): OpenCalls {
  const { versions, clock } = deps
  const calls = new Roster<OpenCall>()

  function isDue({ scope, version, checkedMs }: OpenCall): boolean {
    const current = versions.current(scope.tenantId)
    const isOld = clock.monotonicMs() - checkedMs >= recheckEveryMs
    return isOld || current === null || current !== version
  }

  async function check(call: OpenCall): Promise<void> {
    // Read before: what changes meanwhile is then asked for next time.
    const version = versions.current(call.scope.tenantId)
    const startedMs = clock.monotonicMs()
    try {
      await call.recheck()
      Object.assign(call, { version, checkedMs: startedMs })
    } catch (err) {
      if (!(err instanceof AppError) || !endings.has(err.code)) return
      if (calls.delete(call)) call.end(err)
    }
  }

  return {
    open(scope, recheck, end) {
      const checkedMs = clock.monotonicMs()
      const call: OpenCall = { scope, recheck, end, version: null, checkedMs, place: -1 }
      calls.add(call)
      return () => void calls.delete(call)
    },
    async review() {
      const due = calls.filter(isDue)
      while (due.length > 0) await Promise.all(due.splice(0, atOnceMax).map(check))
    }
  }
}
