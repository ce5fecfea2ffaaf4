import type { Clock } from '../base/clock.ts'
import type { Resource, ResourcePermission } from '../providers/resources.ts'

export interface Listed {
  /** By name. */
  readonly items: readonly Resource[]
  readonly isCut: boolean
  /** By id, as far as they were asked for apart. */
  readonly permissions: Map<string, ResourcePermission | null>
}

const keptMs = 5_000
const entriesMax = 64

/**
 * A listing for the few seconds in which somebody turns its pages and types into its search box. The key holds
 * the very token's grant and generation, so that no identity sees what another one was shown.
 */
export function createResourceMemory(clock: Clock) {
  const entries = new Map<string, { untilMs: number; listed: Promise<Listed> }>()

  return {
    /** Callers at the same moment share one reading; what fails is not kept. */
    get(key: string, read: () => Promise<Listed>): Promise<Listed> {
      const nowMs = clock.monotonicMs()
      const held = entries.get(key)
      if (held !== undefined && held.untilMs > nowMs) return held.listed
      const listed = read()
      const entry = { untilMs: nowMs + keptMs, listed }
      entries.delete(key)
      const [oldest] = entries.keys()
      if (entries.size >= entriesMax && oldest !== undefined) entries.delete(oldest)
      entries.set(key, entry)
      listed.catch(() => {
        if (entries.get(key) === entry) entries.delete(key)
      })
      return listed
    }
  }
}
