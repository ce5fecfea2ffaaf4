import { readdirSync, readFileSync } from 'node:fs'
import type { VaultWorld } from '../support/vault-world.ts'

/** Processor time since their start, user and system, milliseconds; NaN where the system does not tell (Linux does). */
export interface ProcessorTime {
  readonly weft: number
  /** All of its processes, those that have ended too. */
  readonly postgres: number
}

/** What Linux counts processor time in, a hundredth of a second (`USER_HZ`). */
export const tickMs = 10
const nanosPerMs = 1e6

export async function meterOf(
  { sql }: Pick<VaultWorld, 'sql'>,
  weft: { readonly pid: number }
): Promise<() => ProcessorTime> {
  const [row] = await sql<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const postmaster = Number(statOf(row?.pid ?? 0)[1])
  return () => ({ weft: processMs(weft.pid), postgres: familyMs(postmaster) })
}

/** One call's, of what passed between two readings. */
export function perCall(before: ProcessorTime, after: ProcessorTime, calls: number): ProcessorTime {
  return {
    weft: (after.weft - before.weft) / calls,
    postgres: (after.postgres - before.postgres) / calls
  }
}

function familyMs(parent: number): number {
  const stat = statOf(parent)
  const ended = (Number(stat[13]) + Number(stat[14])) * tickMs
  const children = read(`/proc/${parent}/task/${parent}/children`).split(' ').filter(Boolean)
  // One that ends meanwhile is among those that have ended.
  const living = children.map((pid) => processMs(Number(pid)) || 0)
  return living.reduce((sum, one) => sum + one, processMs(parent) + ended)
}

/** To the nanosecond: a page takes less than a hundredth of a second. */
function processMs(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`)
    const nanos = threads.map((id) =>
      Number(read(`/proc/${pid}/task/${id}/schedstat`).split(' ')[0])
    )
    return nanos.reduce((sum, one) => sum + one, 0) / nanosPerMs
  } catch {
    return Number.NaN
  }
}

/** What follows the name: state, parent, …; nothing where the system doesn't tell. @see proc_pid_stat(5) */
export function statOf(pid: number): string[] {
  return read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
