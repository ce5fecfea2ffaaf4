import { randomUUID } from 'node:crypto'
import { AppError } from '../base/errors.ts'
import type { TenantId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { HeldCall, NotedCall, WriteCalls } from './call-writer.ts'

/** Records of calls that change nothing here: written in batches, so that no call waits for the database. */
export interface AuditBuffer {
  add(scope: TenantScope, call: NotedCall): void
  /** Writes what is held, tenant by tenant; what could not be written stays for the next time. */
  flush(): Promise<void>
  /** Records held and not yet written. */
  readonly size: number
  /** Records dropped because the database was away for too long. */
  readonly dropped: number
}

const heldMax = 50_000
const batchMax = 500

export function createAuditBuffer(write: WriteCalls): AuditBuffer {
  const writer = randomUUID()
  const held = new Map<TenantId, HeldCall[]>()
  let seq = 0
  let size = 0
  let dropped = 0
  let flushing: Promise<void> | null = null
  let following: Promise<void> | null = null

  /** In the order in which they came, a batch a transaction. */
  async function writeTenant(tenantId: TenantId): Promise<void> {
    for (;;) {
      const batch = (held.get(tenantId) ?? []).slice(0, batchMax)
      const [first] = batch
      if (first === undefined) return void held.delete(tenantId)
      await write(first.scope, writer, batch).catch(passWhereErased)
      held.get(tenantId)?.splice(0, batch.length)
      size -= batch.length
    }
  }

  /** The tenant has been erased, and its records with it. */
  function passWhereErased(error: unknown): void {
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error
  }

  async function writeAll(): Promise<void> {
    const results = await Promise.allSettled([...held.keys()].map(writeTenant))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  /** What runs already may be past the newest records, so that who comes meanwhile waits for a further one. */
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
    add(scope, call) {
      if (size >= heldMax) {
        dropped += 1
        return
      }
      size += 1
      seq += 1
      const list = held.get(scope.tenantId)
      if (list === undefined) held.set(scope.tenantId, [{ scope, seq, call }])
      else list.push({ scope, seq, call })
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
