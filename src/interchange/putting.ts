import { isDeepStrictEqual } from 'node:util'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Db } from '../store/db.ts'
import type { Faults } from './faults.ts'
import type { SettingChange, ToDo } from './interchange.ts'
import type { SettledRooms, Standing } from './standing.ts'

/** What putting a resource in place needs, within the import's transaction. */
export interface Putting {
  readonly scope: TenantScope
  readonly db: Db
  readonly rooms: SettledRooms
  readonly standing: Standing
  readonly faults: Faults
  /** The document's app connections, by name: one that is at fault there is not missed a second time. */
  readonly announced: ReadonlySet<string>
}

/** What comes of one resource beside its settings. */
export interface Put<View> {
  readonly view: View
  readonly toDo: readonly ToDo[]
  /** What no settings show. */
  readonly more: readonly SettingChange[]
}

/** The members of the second that it has otherwise. */
export function differencesOf(before: object, after: object): SettingChange[] {
  const standing = new Map<string, unknown>(Object.entries(before))
  return Object.entries(after)
    .filter(([member, to]) => to !== undefined && !isDeepStrictEqual(standing.get(member), to))
    .map(([member, to]) => ({ member, from: standing.get(member) ?? null, to }))
}

/** Of what is wanted, the members that differ from what stands. */
export function changesOf<T extends object>(before: object, wanted: T): Partial<T> {
  const members = new Set(differencesOf(before, wanted).map(({ member }) => member))
  const changed = Object.entries(wanted).filter(([member]) => members.has(member))
  return Object.fromEntries(changed) as Partial<T> // some of its own members
}

/** A merge patch that leaves nothing of what stood but what is wanted; undefined: all of it. */
export function replacing<T extends object>(
  before: T | undefined,
  wanted: T | undefined
): { [K in keyof T]?: T[K] | null } | undefined {
  if (wanted === undefined) return undefined
  const cleared = Object.fromEntries(Object.keys(before ?? {}).map((member) => [member, null]))
  return { ...cleared, ...wanted }
}

/** Work in place of `current`; where it turns out to change nothing it has not been done. */
export async function unlessIdle<View>(
  { db, scope }: Putting,
  current: View,
  work: () => Promise<View>,
  isIdle: (view: View) => boolean
): Promise<View> {
  const idle = new Idle()
  try {
    return await db.inTenant(scope, async () => {
      const view = await work()
      if (isIdle(view)) throw idle
      return view
    })
  } catch (error) {
    if (error !== idle) throw error
    return current
  }
}

class Idle extends Error {
  override readonly name = 'Idle'
}
