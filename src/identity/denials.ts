import type { Audit } from '../audit/audit.ts'
import { setNewest } from '../base/bounded-map.ts'
import type { Clock } from '../base/clock.ts'
import type { Operation } from '../base/operations.ts'
import type { Caller } from './caller.ts'

/** Puts on record what known callers were refused. */
export interface Denials {
  /** At most once a minute for each caller and operation, so that nobody fills the record. */
  note(caller: Caller, operation: Operation): Promise<void>
}

const onceInMs = 60_000
const knownMax = 10_000

export function createDenials({
  audit,
  clock
}: {
  readonly audit: Audit
  readonly clock: Clock
}): Denials {
  const notedMs = new Map<string, number>()
  return {
    async note({ scope, via }, operation) {
      const key = `${scope.tenantId} ${scope.actor.id} ${operation}`
      const nowMs = clock.monotonicMs()
      if (nowMs - (notedMs.get(key) ?? Number.NEGATIVE_INFINITY) < onceInMs) return
      setNewest(notedMs, key, nowMs, knownMax)
      await audit.record(scope, [
        {
          action: 'access.deny',
          object: ['operation', operation],
          outcome: 'refused',
          code: 'forbidden',
          details: { via }
        }
      ])
    }
  }
}
