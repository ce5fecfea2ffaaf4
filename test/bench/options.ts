import { parseArgs } from 'node:util'

export const help = `npm run bench -- [--quick | --write | --help]

  What a hop through Weft costs, beside a direct call and other proxies, all in one run, on loopback only.
  --quick   short and coarse (< 40 s): to see that everything works, not for figures
  --write   put the tables into docs/performance.md too
  --help    this text

  Less than 4 minutes by default. Raw data go to .data/bench/. Run it while nothing else runs.
`

/** How long and how often each case is measured. */
export interface Plan {
  readonly repetitions: { readonly json: number; readonly others: number }
  readonly warmUpMs: number
  readonly closedMs: number
  readonly openMs: number
  readonly streams: number
  readonly verifications: number
  /** From here on no further repetition begins: the first of each case is always made. */
  readonly budgetMs: number
}

export const plans = {
  full: {
    repetitions: { json: 5, others: 3 },
    warmUpMs: 500,
    closedMs: 1_800,
    openMs: 2_000,
    streams: 2,
    verifications: 1_000,
    budgetMs: 180_000
  },
  quick: {
    repetitions: { json: 2, others: 1 },
    warmUpMs: 200,
    closedMs: 500,
    openMs: 1_000,
    streams: 1,
    verifications: 100,
    budgetMs: 25_000
  }
} as const satisfies Record<string, Plan>

export interface BenchOptions {
  readonly isHelp: boolean
  readonly isWritten: boolean
  readonly isQuick: boolean
}

/** @throws TypeError an argument that is none */
export function readOptions(args: readonly string[]): BenchOptions {
  const option = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: { help: { ...option, short: 'h' }, write: option, quick: option }
  })
  if (values.quick && values.write) throw new TypeError('--quick is too coarse to --write')
  return { isHelp: values.help, isWritten: values.write, isQuick: values.quick }
}
