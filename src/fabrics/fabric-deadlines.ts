import type { Deadlines, FabricPatch } from './fabrics.ts'

const members = ['connectMs', 'firstByteMs', 'idleMs', 'totalMs'] as const

type DeadlineColumns = { readonly [Member in (typeof members)[number]]: number | null }

/** What a fabric sets of its deadlines; the others are Weft's own. */
export function viewDeadlines(row: DeadlineColumns): Deadlines {
  const { connectMs, firstByteMs, idleMs, totalMs } = row
  const all = { connectMs, firstByteMs, idleMs, totalMs }
  return Object.fromEntries(Object.entries(all).filter(([, ms]) => ms !== null))
}

/** Merges a patch of `deadlines` into what stands (RFC 7396); a new fabric stands at none. */
export function mergeDeadlines(
  row: DeadlineColumns | null,
  patch: FabricPatch['deadlines']
): DeadlineColumns {
  const mergeOne = (member: (typeof members)[number]): number | null => {
    const given = patch === null ? null : patch?.[member]
    return given === undefined ? (row?.[member] ?? null) : given
  }
  return {
    connectMs: mergeOne('connectMs'),
    firstByteMs: mergeOne('firstByteMs'),
    idleMs: mergeOne('idleMs'),
    totalMs: mergeOne('totalMs')
  }
}
