import type { WorkspaceFaults } from '../../src/local/databricks/faults.ts'
import type { LogEntry } from '../../src/local/simulation/recorder.ts'

/** The control API of one simulator: what goes wrong there, and what it saw. */
export interface Simulator {
  readonly url: string
  setFaults(patch: Partial<WorkspaceFaults>): Promise<void>
  resetFaults(): Promise<void>
  /** Starts a new count: `seen` tells of what came after this. */
  mark(): Promise<void>
  seen(): Promise<LogEntry[]>
  /** Asks again and again, without pause, until something fits; fails with what there was. */
  until(fits: (entry: LogEntry) => boolean, timeoutMs?: number): Promise<LogEntry>
}

export function simulatorAt(url: string): Simulator {
  /** The last entry of the count before: its time, and how many share it. */
  let since = ''
  let skipped = 0
  const all = async (): Promise<LogEntry[]> => {
    const answer = await fetch(`${url}/_sim/log${since === '' ? '' : `?since=${since}`}`)
    const { items }: { items: LogEntry[] } = JSON.parse(await answer.text())
    return items
  }
  const seen = async () => (await all()).slice(skipped)
  const control = async (method: string, patch?: Partial<WorkspaceFaults>) => {
    const body = patch === undefined ? {} : { body: JSON.stringify(patch) }
    const answer = await fetch(`${url}/_sim/faults`, { method, ...body })
    if (answer.status !== 200) throw new TypeError(await answer.text())
  }
  return {
    url,
    setFaults: (patch) => control('PATCH', patch),
    resetFaults: () => control('DELETE'),
    async mark() {
      const entries = await all()
      since = entries.at(-1)?.at ?? since
      skipped = entries.filter(({ at }) => at === since).length
    },
    seen,
    async until(fits, timeoutMs = 5_000) {
      const deadline = performance.now() + timeoutMs
      let entries = await seen()
      let found = entries.find(fits)
      while (found === undefined && performance.now() < deadline) {
        entries = await seen()
        found = entries.find(fits)
      }
      if (found) return found
      throw new TypeError(`nothing fits in ${JSON.stringify(entries, null, 1)}`)
    }
  }
}

export function isToken({ path }: LogEntry): boolean {
  return path === '/oidc/v1/token'
}

export function isQuery({ path }: LogEntry): boolean {
  return path.startsWith('/serving-endpoints/')
}
