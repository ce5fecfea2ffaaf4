import { parseArgs } from 'node:util'
import type { StormPlan } from './storm.ts'

export const help = `npm run bench -- [--quick | --write | --rivals | --scale | --help]

  What a hop through Weft costs, beside a direct call and other proxies, all in one run, on loopback only.
  --quick   short and coarse (< 90 s): to see that everything works, not for figures
  --write   put the tables into docs/performance.md too
  --rivals  fetch Portkey's gateway and @fastify/reply-from from the npm registry first, into
            .data/bench/rivals; they stay there, and take part from then on
  --scale   instead: 100,000 fabrics, 1,000,000 grants and 10,000 service keys, and a tenth of that,
            in turn (< 8 minutes, 6 GiB of disk)
  --help    this text

  Less than 8 minutes by default. Raw data go to .data/bench/. Run it while nothing else runs.
`

/** How long and how often each case is measured. */
export interface Plan {
  readonly repetitions: { readonly json: number; readonly others: number }
  /** Of each variant, once: a program runs at its speed only when its code has been compiled. */
  readonly settleMs: number
  /** Of each variant, before each case. */
  readonly warmUpMs: number
  readonly closedMs: number
  readonly openMs: number
  /** Bodies of megabytes. */
  readonly largeMs: number
  readonly streams: number
  /** Streams that are open at once. */
  readonly held: number
  readonly coldCallers: number
  /** Of Weft, side by side. */
  readonly replicas: number
  readonly storm: StormPlan
  readonly processes: { readonly turns: number; readonly durationMs: number }
  readonly verifications: number
  /** Of each kind; 0: none. */
  readonly starts: number
  /** From here on no further repetition of a comparison begins: the first of each case is always made. */
  readonly budgetMs: number
}

export const plans = {
  full: {
    repetitions: { json: 5, others: 3 },
    settleMs: 4_000,
    warmUpMs: 400,
    closedMs: 1_600,
    openMs: 1_800,
    largeMs: 900,
    streams: 2,
    held: 1_000,
    coldCallers: 25,
    replicas: 3,
    storm: { callers: 200, storms: 3 },
    processes: { turns: 3, durationMs: 1_800 },
    verifications: 1_000,
    starts: 3,
    budgetMs: 200_000
  },
  quick: {
    repetitions: { json: 2, others: 1 },
    settleMs: 400,
    warmUpMs: 200,
    closedMs: 400,
    openMs: 800,
    largeMs: 300,
    streams: 1,
    held: 200,
    coldCallers: 5,
    replicas: 2,
    storm: { callers: 60, storms: 1 },
    processes: { turns: 1, durationMs: 500 },
    verifications: 100,
    starts: 1,
    budgetMs: 25_000
  }
} as const satisfies Record<string, Plan>

export interface BenchOptions {
  readonly isHelp: boolean
  readonly isWritten: boolean
  readonly isQuick: boolean
  readonly isScale: boolean
  readonly hasRivals: boolean
}

/** @throws TypeError an argument that is none */
export function readOptions(args: readonly string[]): BenchOptions {
  const option = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { ...option, short: 'h' },
      write: option,
      quick: option,
      scale: option,
      rivals: option
    }
  })
  if (values.quick && values.write) throw new TypeError('--quick is too coarse to --write')
  if (values.scale && (values.quick || values.rivals)) {
    throw new TypeError('--scale goes with --write alone')
  }
  return {
    isHelp: values.help,
    isWritten: values.write,
    isQuick: values.quick,
    isScale: values.scale,
    hasRivals: values.rivals
  }
}
