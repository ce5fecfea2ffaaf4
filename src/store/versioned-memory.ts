import { setNewest } from '../base/bounded-map.ts'
import type { TenantVersions } from './tenant-versions.ts'

/** What was read, of which tenant, and at which of its versions. */
export interface Remembered<T> {
  readonly tenantId: string
  /** Read before the value was; null: the value is used and not remembered. */
  readonly version: number | null
  readonly value: T
}

/** What a memory holds now, and what it was asked for since the start. */
export interface MemoryCounts {
  readonly hits: number
  readonly misses: number
  readonly entries: number
  /** Never more entries than this. */
  readonly entriesMax: number
}

/** What was read once and holds until its tenant changes. Nothing but a read ever writes it. */
export interface VersionedMemory<T> {
  /** As remembered; null: it is not, or no longer. */
  recall(key: string): T | null
  /** As remembered, else as `read` gives it now; callers at the same moment share one reading. Null is not remembered. */
  get(key: string, read: () => Promise<Remembered<T> | null>): Promise<T | null>
  drop(key: string): void
  counts(): MemoryCounts
}

/** Of a reading that a change overtook: whoever came after the change must not get what was before it. */
const readingsMax = 3

export function createVersionedMemory<T>(
  versions: TenantVersions,
  entriesMax: number
): VersionedMemory<T> {
  const entries = new Map<string, { tenantId: string; version: number; value: T }>()
  const readings = new Map<string, Promise<T | null>>()
  let [hits, misses] = [0, 0]

  function keep(key: string, { tenantId, value }: Remembered<T>, version: number): void {
    setNewest(entries, key, { tenantId, version, value }, entriesMax)
  }

  function recall(key: string): T | null {
    const entry = entries.get(key)
    if (entry === undefined || versions.current(entry.tenantId) !== entry.version) return null
    hits += 1
    return entry.value
  }

  async function readAnew(
    key: string,
    read: () => Promise<Remembered<T> | null>,
    isWanted: () => boolean
  ): Promise<T | null> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await read()
      if (found === null || found.version === null) return found?.value ?? null
      const { tenantId, version } = found
      versions.observe(tenantId, version)
      if ((versions.current(tenantId) ?? version) > version && attempt < readingsMax) continue
      // Dropped meanwhile: the reading may be older than the drop, so it is used and not kept.
      if (isWanted()) keep(key, found, version)
      return found.value
    }
  }

  return {
    recall,
    get(key, read) {
      const value = recall(key)
      if (value !== null) return Promise.resolve(value)
      misses += 1
      const running = readings.get(key)
      if (running !== undefined) return running
      const isWanted = () => readings.get(key) === reading
      const reading: Promise<T | null> = readAnew(key, read, isWanted).finally(() => {
        if (isWanted()) readings.delete(key)
      })
      readings.set(key, reading)
      return reading
    },
    drop(key) {
      entries.delete(key)
      readings.delete(key)
    },
    counts: () => ({ hits, misses, entries: entries.size, entriesMax })
  }
}
