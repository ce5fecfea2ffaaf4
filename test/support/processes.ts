import { readdirSync, readFileSync } from 'node:fs'

/** Of this machine; Linux. */
export interface Process {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** Every process of this machine that has not ended, from `/proc`. */
export function processes(): Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return state === 'Z' ? [] : [{ pid: Number(name), parent: Number(parent), command }]
      } catch {
        return []
      }
    })
}

/** `pid` and all that stems from it, wherever it was put since. */
export function family(pid: number): Process[] {
  const all = processes()
  const found = all.filter((one) => one.pid === pid)
  for (const one of found) found.push(...all.filter(({ parent }) => parent === one.pid))
  return found
}

/** Those that have not ended. */
export function alive(members: readonly Process[]): Process[] {
  const now = new Map(processes().map((one) => [one.pid, one.command]))
  return members.filter(({ pid, command }) => now.get(pid) === command)
}
