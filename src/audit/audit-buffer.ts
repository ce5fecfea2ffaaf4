import type { TenantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Audit, AuditEvent } from './audit.ts'

/** Records of calls that change nothing here: written in batches, so that no call waits for the database. */
export interface AuditBuffer {
  add(scope: TenantScope, event: AuditEvent): void
  /** Writes what is held, tenant by tenant; what could not be written stays for the next time. */
  flush(): Promise<void>
  /** Events held and not yet written. */
  readonly size: number
  /** Events dropped because the database was away for too long. */
  readonly dropped: number
}

interface Held {
  readonly scope: TenantScope
  readonly event: AuditEvent
}

const heldMax = 50_000
const batchMax = 200

export function createAuditBuffer(audit: Audit): AuditBuffer {
  const held = new Map<TenantId, Held[]>()
  let size = 0
  let dropped = 0
  let flushing: Promise<void> | null = null
  let following: Promise<void> | null = null

  /** In the order in which they came, a batch a transaction; each says itself who acted and in which request. */
  async function writeTenant(tenantId: TenantId): Promise<void> {
    for (;;) {
      const batch = (held.get(tenantId) ?? []).slice(0, batchMax)
      const [first] = batch
      if (first === undefined) return void held.delete(tenantId)
      await audit.record(
        first.scope,
        batch.map(({ scope, event }) => ({
          ...event,
          actor: event.actor ?? scope.actor,
          requestId: scope.requestId
        }))
      )
      held.get(tenantId)?.splice(0, batch.length)
      size -= batch.length
    }
  }

  async function writeAll(): Promise<void> {
    const results = await Promise.allSettled([...held.keys()].map(writeTenant))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** What runs already may be past the newest events, so that who comes meanwhile waits for a further one. */
  function flush(): Promise<void> {
    if (flushing === null) {
      flushing = writeAll().finally(() => {
        flushing = null
      })
      return flushing
    }
    following ??= flushing
      .catch(() => undefined)
      .then(() => {
        following = null
        return flush()
      })
    return following
  }

  return {
    add(scope, event) {
      if (size >= heldMax) {
        dropped += 1
        return
      }
      size += 1
      const list = held.get(scope.tenantId)
      if (list === undefined) held.set(scope.tenantId, [{ scope, event }])
      else list.push({ scope, event })
    },
    flush,
    get size() {
      return size
    },
    get dropped() {
      return dropped
    }
  }
}
