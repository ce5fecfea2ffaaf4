import type { Machine, Report, Run } from './bench.ts'
import { type CaseName, caseNames, cases, mebibytesOf } from './cases.ts'
import { number, sectionText, table } from './markdown.ts'
import { fellBehind, median } from './traffic.ts'

type Measure = 'perSecond' | 'processorMicros' | 'p50' | 'p99' | 'firstEvent'

/** Everything that was measured and nothing else, in Markdown. */
export function describe(report: Report): string {
  const { machine, absent, isCutShort } = report
  const parts = [
    factsOf(machine, report.runs),
    ...caseNames.map((name) => tableOf(name, report.runs)),
    ...report.sections.map(sectionText),
    vitalsTable(report),
    ...absent.map((line) => `${line}.`)
  ]
  if (isCutShort) parts.push('The time ran out: not every repetition was made.')
  return `${parts.join('\n\n')}\n`
}

/** A run of each kind writes its own. */
export type DocumentPart = 'measured' | 'scale'
const end = '<!-- end -->'

/** The document with these tables between the part's two marks. @throws TypeError it has no marks */
export function withTables(document: string, tables: string, part: DocumentPart): string {
  const begin = `<!-- ${part} -->`
  const from = document.indexOf(begin)
  const to = document.indexOf(end, from)
  if (from < 0 || to < from) throw new TypeError('there is no place for what was measured')
  return `${document.slice(0, from + begin.length)}\n\n${tables}\n${document.slice(to)}`
}

function factsOf(machine: Machine, runs: readonly Run[]): string {
  const { processor, processors, node, loadBefore } = machine
  const places = machine.isPinned
    ? 'what is measured on one of them, all else on the others'
    : 'nothing pinned'
  return (
    `${processors} processors (${processor}), ${places}; Node ${node}; load before the run ` +
    `${loadBefore.toFixed(1)}; ${runs.length} measurements.`
  )
}

function tableOf(name: CaseName, all: readonly Run[]): string {
  const runs = all.filter((run) => run.case === name)
  const variants = [...new Set(runs.map(({ variant }) => variant))]
  const middle = (variant: string, measure: Measure) => median(valuesOf(runs, variant, measure))
  const spread = (variant: string, measure: Measure, digits: number) =>
    spreadOf(valuesOf(runs, variant, measure), digits)
  const ofBare = (variant: string, measure: Measure) =>
    middle(variant, measure) / middle('bare proxy', measure)
  const overDirect = (variant: string, measure: Measure) =>
    number(middle(variant, measure) - middle('direct', measure), 2)

  const columns: Record<string, (variant: string) => string> = {
    closed: {
      'requests/s (spread)': (variant: string) => spread(variant, 'perSecond', 0),
      'of the bare proxy': (variant: string) => number(ofBare(variant, 'perSecond'), 2),
      'processor µs/request': (variant: string) => number(middle(variant, 'processorMicros'), 0),
      'p50 ms': (variant: string) => number(middle(variant, 'p50'), 2),
      'p99 ms': (variant: string) => number(middle(variant, 'p99'), 2)
    },
    large: {
      'MiB/s (spread)': (variant: string) =>
        spreadOf(
          valuesOf(runs, variant, 'perSecond').map((rate) => mebibytesOf(name, rate)),
          0
        ),
      'of the bare streaming proxy': (variant: string) =>
        number(middle(variant, 'perSecond') / middle('bare streaming proxy', 'perSecond'), 2),
      'processor ms/request': (variant: string) =>
        number(middle(variant, 'processorMicros') / 1_000, 1),
      'resident MiB before, after': (variant: string) => memoryOf(runs, variant)
    },
    open: {
      'p50 ms (spread)': (variant: string) => spread(variant, 'p50', 2),
      'p99 ms (spread)': (variant: string) => spread(variant, 'p99', 2),
      'p50 over direct': (variant: string) => overDirect(variant, 'p50'),
      'p99 over direct': (variant: string) => overDirect(variant, 'p99'),
      'p50 of the bare proxy': (variant: string) => number(ofBare(variant, 'p50'), 2),
      'p99 of the bare proxy': (variant: string) => number(ofBare(variant, 'p99'), 2)
    },
    streams: {
      'first event ms (spread)': (variant: string) => spread(variant, 'firstEvent', 2),
      'over direct': (variant: string) => overDirect(variant, 'firstEvent'),
      'delay per event p50 ms': (variant: string) => number(middle(variant, 'p50'), 2),
      'delay per event p99 ms': (variant: string) => number(middle(variant, 'p99'), 2),
      'bytes equal': (variant: string) =>
        runs.every((run) => run.variant !== variant || run.fault === null) ? 'yes' : 'NO'
    }
  }[cases[name].kind]
  const rows = variants.map((variant) => [
    variant + markOf(runs, variant),
    ...Object.values(columns).map((cell) => cell(variant))
  ])
  return `### ${cases[name].title}\n\n${table(['', ...Object.keys(columns)], rows)}`
}

function vitalsTable({ before, after }: Report): string {
  const row = (name: string, key: keyof typeof before, digits: number) => [
    name,
    number(before[key], digits),
    number(after[key], digits)
  ]
  const rows = [
    row('resident memory, MiB', 'residentMiB', 0),
    row('heap in use, MiB', 'heapMiB', 0),
    row('event-loop lag p50, ms', 'lagP50Ms', 1),
    row('event-loop lag p99, ms', 'lagP99Ms', 1),
    row('handles', 'handles', 0),
    row('open files', 'openFiles', 0),
    row('calls that met a bound', 'refused', 0),
    row('records given up', 'recordsDropped', 0)
  ]
  return `### Weft's process\n\n${table(['', 'before', 'after'], rows)}`
}

function valuesOf(runs: readonly Run[], variant: string, measure: Measure): number[] {
  return runs.filter((run) => run.variant === variant).map((run) => run[measure])
}

/** Before the first repetition, and after the last. */
function memoryOf(runs: readonly Run[], variant: string): string {
  const own = runs.filter((run) => run.variant === variant)
  const sizes = [own[0]?.residentMiB[0], own.at(-1)?.residentMiB[1]]
  return sizes.map((size) => number(size ?? Number.NaN, 0)).join(', ')
}

/** Whose figures are to be read with care. */
function markOf(runs: readonly Run[], variant: string): string {
  const faults = runs.flatMap((run) => (run.variant === variant ? (run.fault ?? []) : []))
  if (faults.length === 0) return ''
  return faults.every((fault) => fault.startsWith(fellBehind)) ? ' (fell behind)' : ' (FAULTY)'
}

/** Median, lowest and highest. */
function spreadOf(values: readonly number[], digits: number): string {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return `${number(median(values), digits)} (${number(low, digits)}–${number(high, digits)})`
}
