import type { Stage } from './stage.ts'

/** One thing that goes wrong, what is promised all the same, and how it is looked at. */
export interface Fault {
  readonly name: string
  /** Ids of the numbered checks. */
  readonly checks: string
  readonly done: string
  readonly promised: string
  /** It waits for most of its time, and bounds nothing tightly: done beside those that follow. Default: false. */
  readonly isPatient?: boolean
  /** Why it cannot be done on this machine; null: it can. */
  readonly obstacle?: () => string | null
  /** @throws anything: what was to be seen could not be, which counts as not kept */
  run(stage: Stage, watch: Watch): Promise<void>
}

/** What was seen of one fault. */
export interface Watch {
  see(words: string): void
  /** A part of the promise; `words` say what was seen, kept or not. */
  expect(isKept: boolean, words: string): void
}

export interface Report {
  readonly name: string
  readonly checks: string
  readonly done: string
  readonly promised: string
  readonly seen: readonly string[]
  /** What was seen and should not have been; empty: kept. */
  readonly broken: readonly string[]
  /** Null: it was done. */
  readonly skipped: string | null
  readonly seconds: number
}

/** Does it and looks at it. */
export async function tryFault(fault: Fault, stage: Stage): Promise<Report> {
  const { name, checks, done, promised } = fault
  const seen: string[] = []
  const broken: string[] = []
  const startedMs = performance.now()
  const skipped = fault.obstacle?.() ?? null
  const watch: Watch = {
    see: (words) => void seen.push(words),
    expect: (isKept, words) => void (isKept ? seen : broken).push(words)
  }
  try {
    if (skipped === null) await fault.run(stage, watch)
  } catch (error) {
    broken.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  await stage.clear()
  const seconds = (performance.now() - startedMs) / 1_000
  return { name, checks, done, promised, seen, broken, skipped, seconds }
}

/** One line: what was done, what was promised, what was seen. */
export function lineOf({ name, done, promised, seen, broken, skipped, seconds }: Report): string {
  if (skipped !== null) return `skipped ${name}: ${skipped}`
  const verdict = broken.length === 0 ? 'kept   ' : 'BROKEN '
  const told = [...broken.map((words) => `NOT AS PROMISED: ${words}`), ...seen].join('; ')
  return `${verdict} ${name} (${seconds.toFixed(0)} s) | done: ${done} | promised: ${promised} | seen: ${told}`
}
