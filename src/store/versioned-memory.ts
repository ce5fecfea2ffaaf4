import type { TenantVersions } from './tenant-versions.ts'

/** What was read, of which tenant, and at which of its versions. */
export interface Remembered<T> {
  readonly tenantId: string
  readonly version: number
  readonly value: T
}

/** What was read once and holds until its tenant changes. Nothing but a read ever writes it. */
export interface VersionedMemory<T> {
  /** As remembered, else as `read` gives it now; callers at the same moment share one reading. Null is not remembered. */
  get(key: string, read: () => Promise<Remembered<T> | null>): Promise<T | null>
  drop(key: string): void
}

export function createVersionedMemory<T>(
  versions: TenantVersions,
  entriesMax: number
): VersionedMemory<T> {
  const entries = new Map<string, Remembered<T>>()
  const readings = new Map<string, Promise<T | null>>()

  async function readAnew(
    key: string,
    read: () => Promise<Remembered<T> | null>
  ): Promise<T | null> {
    const found = await read()
    if (found === null) return null
    versions.observe(found.tenantId, found.version)
    if (entries.size >= entriesMax) entries.clear()
    // Dropped meanwhile: the reading may be older than the drop, so it is used and not kept.
    if (readings.has(key)) entries.set(key, found)
    return found.value
  }

  return {
    get(key, read) {
      const entry = entries.get(key)
      if (entry !== undefined && versions.current(entry.tenantId) === entry.version) {
        return Promise.resolve(entry.value)
      }
      const running = readings.get(key)
      if (running !== undefined) return running
      const reading = readAnew(key, read).finally(() => {
        if (readings.get(key) === reading) readings.delete(key)
      })
      readings.set(key, reading)
      return reading
    },
    drop(key) {
      entries.delete(key)
      readings.delete(key)
    }
  }
}
