import { startProgram } from './children.ts'
import { startLoad } from './load-program.ts'
import { number, type Section } from './markdown.ts'
import { type Holding, measureCalls, type ScalePlan } from './scale-calls.ts'
import { measurePages } from './scale-pages.ts'
import type { ScaleSize } from './scale-seed.ts'
import {
  beside,
  fillSide,
  growthOf,
  leaveSide,
  mediansOf,
  type Sample,
  type Samples,
  type Side,
  serveSide,
  turnGrowth
} from './scale-side.ts'
import { measureTaking } from './scale-taking.ts'

export const scaleSizes: readonly ScaleSize[] = [
  { fabrics: 10_000, grants: 100_000, keys: 1_000, events: 100_000, callable: 4_000 },
  { fabrics: 100_000, grants: 1_000_000, keys: 10_000, events: 1_000_000, callable: 4_000 }
]
export const scalePlan: ScalePlan = {
  turns: 7,
  warmTurns: 25,
  settleMs: 4_000,
  warmMs: 400,
  cold: 45,
  walked: 150,
  pages: 3,
  parts: 8,
  quietMs: 2_000,
  takingMs: 400
}
/** Such as a server that holds so much is given; what is put there need not survive a power cut. */
export const scaleSettings = {
  shared_buffers: '1GB',
  maintenance_work_mem: '512MB',
  max_wal_size: '4GB',
  // The rows are counted and cleaned before anything is asked of them.
  autovacuum: 'off'
}

/** The same questions to a database of each size, in turn: the machine may be slower from minute to minute. */
export async function measureScale(
  { sizes, plan }: { readonly sizes: readonly ScaleSize[]; readonly plan: ScalePlan },
  superuserUrl: string,
  say: (line: string) => void
): Promise<Section[]> {
  const parts: { stop(): Promise<void> }[] = []
  const keep = <T extends { stop(): Promise<void> }>(part: T): T => {
    parts.push(part)
    return part
  }
  try {
    const upstream = keep(await startProgram('upstream.ts', 'rest'))
    const load = keep(await startLoad())
    const origin = `http://127.0.0.1:${upstream.port}`
    const filled: Side[] = []
    for (const size of sizes) {
      say(`filling: ${size.fabrics} fabrics, ${size.grants} grants, ${size.keys} service keys`)
      const side = await fillSide(size, superuserUrl, origin)
      keep({ stop: () => leaveSide(side) })
      filled.push(side)
    }
    const sides = await Promise.all(filled.map((side) => serveSide(side, origin)))
    for (const { weft } of sides) keep(weft)
    say('calls')
    const faults: string[] = []
    const { samples: calls, holdings } = await measureCalls(sides, load, plan, faults)
    say('pages')
    const pages = await measurePages(sides, plan)
    for (const { weft } of sides) {
      const { refused, recordsDropped } = await weft.look()
      if (refused > 0) faults.push(`scale: Weft's own bounds refused ${refused} calls`)
      if (recordsDropped > 0) faults.push(`scale: Weft dropped ${recordsDropped} records of calls`)
      await weft.stop()
    }
    say('refresh-ahead')
    const taking = await measureTaking(filled, plan)
    const all = new Map([...calls, ...taking])
    return [
      { ...sampleSection('Calls, one tenant that holds everything', all, sizes), faults },
      sampleSection('Pages', pages, sizes),
      holdingSection(filled, holdings)
    ]
  } finally {
    for (const part of parts.toReversed()) await part.stop()
  }
}

function sampleSection(title: string, samples: Samples, sizes: readonly ScaleSize[]): Section {
  return {
    title,
    head: ['', 'p50 ms', 'p99 ms', 'growth', 'processor ms: Weft', 'Postgres', 'growth'],
    rows: [...samples].map(([what, lists]) => {
      const sides = mediansOf(lists)
      const of = (key: keyof Sample) => sides.map((side) => side[key])
      return [
        what,
        beside(of('p50'), 1),
        beside(of('p99'), 1),
        turnGrowth(lists, ({ p50 }) => p50),
        beside(of('weft'), 2),
        beside(of('postgres'), 2),
        turnGrowth(lists, ({ weft, postgres }) => weft + postgres)
      ]
    }),
    note: noteOf(sizes),
    faults: []
  }
}

function holdingSection(sides: readonly Side[], holdings: readonly Holding[]): Section {
  const row = (what: string, values: readonly number[], digits: number) => [
    what,
    beside(values, digits),
    growthOf(values)
  ]
  const of = (key: keyof Holding) => holdings.map((holding) => holding[key])
  return {
    title: 'Memory, and filling the database',
    head: ['', '', 'growth'],
    rows: [
      row('fabrics remembered', of('fabrics'), 0),
      row('heap for each of them, KiB', of('heapKiB'), 2),
      row('resident memory with them, MiB', of('residentMiB'), 0),
      row(
        'filling, s',
        sides.map(({ seedingMs }) => seedingMs / 1_000),
        0
      )
    ],
    note: noteOf(sides.map(({ size }) => size)),
    faults: []
  }
}

function noteOf(sizes: readonly ScaleSize[]): string {
  const names = sizes.map(
    ({ fabrics, grants }) => `${number(fabrics, 0)} fabrics and ${number(grants, 0)} grants`
  )
  return `Each cell: ${names.join(' / ')}.`
}
