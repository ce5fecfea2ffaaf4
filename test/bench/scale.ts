import { setTimeout as pause } from 'node:timers/promises'
import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { startProgram } from './children.ts'
import { type LoadProgram, startLoad, tell } from './load-program.ts'
import { number, type Section } from './markdown.ts'
import { timePages } from './scale-pages.ts'
import { callableFabrics, type ScaleSeed, type ScaleSize, seedScale } from './scale-seed.ts'
import { median, type Step } from './traffic.ts'
import { byBearer } from './weft.ts'
import { launchWeft, type WeftProcess } from './weft-process.ts'

export const scaleSizes: readonly ScaleSize[] = [
  { fabrics: 10_000, grants: 100_000, keys: 1_000, events: 100_000 },
  { fabrics: 100_000, grants: 1_000_000, keys: 10_000, events: 1_000_000 }
]

/** What is measured, in the same words at both sizes, and its digits after the point. */
type Figures = Map<string, number>

const warmPerSecond = 200
const warmMs = 4_000
const warmTurns = 3
/** Each of them costs a turn of the database for each table: enough for a median. */
const coldCalls = 250
const takingMs = 3_000
/** As `src/jobs/refresh-ahead.ts` asks. */
const portion = 8

/** The same questions to a database at each size, one after the other. */
export async function measureScale(
  sizes: readonly ScaleSize[],
  superuserUrl: string,
  say: (line: string) => void
): Promise<Section[]> {
  const columns: { size: ScaleSize; figures: Figures; pages: Figures }[] = []
  const faults: string[] = []
  for (const size of sizes) {
    say(`${size.fabrics} fabrics, ${size.grants} grants, ${size.keys} service keys`)
    columns.push({ size, ...(await measureSize(size, superuserUrl, faults, say)) })
  }
  const heads = columns.map(
    ({ size }) =>
      `${size.fabrics.toLocaleString('en')} fabrics, ${size.grants.toLocaleString('en')} grants`
  )
  const section = (title: string, key: 'figures' | 'pages', note: string): Section => ({
    title,
    head: ['', ...heads, 'growth'],
    rows: [...(columns[0]?.[key].keys() ?? [])].map((what) => {
      const values = columns.map((column) => column[key].get(what) ?? Number.NaN)
      const growth = (values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN)
      return [what, ...values.map((value) => number(value, value < 100 ? 2 : 0)), number(growth, 2)]
    }),
    note,
    faults: key === 'figures' ? faults : []
  })
  return [
    section('Calls, one tenant that holds everything', 'figures', ''),
    section('Pages, ms, median of 15', 'pages', 'Each over HTTP, by session, on a new connection.')
  ]
}

async function measureSize(
  size: ScaleSize,
  superuserUrl: string,
  faults: string[],
  say: (line: string) => void
): Promise<{ figures: Figures; pages: Figures }> {
  const parts: { stop(): Promise<void> }[] = []
  const world = await createVaultWorld({}, superuserUrl)
  parts.push({ stop: () => world.close() })
  try {
    const upstream = await startProgram('upstream.ts', 'rest')
    parts.push(upstream)
    const load = await startLoad()
    parts.push(load)
    const origin = `http://127.0.0.1:${upstream.port}`
    const startedMs = performance.now()
    const seed = await seedScale(world, size, origin)
    const figures: Figures = new Map([['seeding, s', (performance.now() - startedMs) / 1_000]])
    const weft = await launchWeft(world, { origins: [origin] })
    parts.push(weft)
    say('calls')
    await measureCalls({ weft, load, seed, figures, faults })
    say('pages')
    const pages = await timePages(weft.port, seed)
    say('refresh-ahead')
    await measureTaking(world, figures)
    return { figures, pages }
  } finally {
    for (const part of parts.toReversed()) await part.stop()
  }
}

async function measureCalls({
  weft,
  load,
  seed,
  figures,
  faults
}: {
  readonly weft: WeftProcess
  readonly load: LoadProgram
  readonly seed: ScaleSeed
  readonly figures: Figures
  readonly faults: string[]
}): Promise<void> {
  const steps = seed.callable.map(({ fabricId, serviceKey }): Step => {
    return { target: byBearer({ port: weft.port, fabricId }, serviceKey), endpoint: 'json-2k' }
  })
  const walk = async (wanted: readonly Step[], connections: number) => {
    const outcome = await tell(load, { kind: 'walk', steps: wanted, connections })
    if (outcome.fault !== null) faults.push(`scale: ${outcome.fault}`)
    return outcome
  }
  const warm = async () => {
    const [{ target } = { target: null }] = steps
    if (target === null) return { p50: Number.NaN, p99: Number.NaN }
    const times: { p50: number; p99: number }[] = []
    for (let turn = 0; turn < warmTurns; turn += 1) {
      const outcome = await tell(load, {
        kind: 'open',
        endpoint: 'json-2k',
        target,
        perSecond: warmPerSecond,
        durationMs: warmMs
      })
      if (outcome.fault !== null) faults.push(`scale: ${outcome.fault}`)
      times.push(outcome)
    }
    return { p50: median(times.map(({ p50 }) => p50)), p99: median(times.map(({ p99 }) => p99)) }
  }
  const heapMiB = async () => {
    await weft.collect()
    const { heapMiB: used, residentMiB } = await weft.look()
    return { used, residentMiB }
  }

  await warm()
  const before = await heapMiB()
  // Of each key its first fabric: neither is known, and the tenant is.
  const cold = await walk(steps.filter((_, at) => at % 10 === 0).slice(0, coldCalls), 1)
  figures.set('cold call p50, ms', cold.p50)
  figures.set('cold call p99, ms', cold.p99)
  await walk(steps, 8)
  // What was written of the calls is gone again, and what is remembered stays.
  await pause(3_000)
  const after = await heapMiB()
  figures.set(
    `heap per remembered fabric, of ${callableFabrics.toLocaleString('en')}, KiB`,
    ((after.used - before.used) * 1_024) / callableFabrics
  )
  figures.set('resident memory with them, MiB', after.residentMiB)
  const all = await walk(steps, 1)
  figures.set('warm call, each to another fabric, p50, ms', all.p50)
  const single = await warm()
  figures.set('warm call, one fabric, 200/s, p50, ms', single.p50)
  figures.set('warm call, one fabric, 200/s, p99, ms', single.p99)
}

/** How fast one replica could take what is due, if nothing had to be renewed. */
async function measureTaking({ sql, own, scope, seeded }: VaultWorld, figures: Figures) {
  await sql('UPDATE refresh_schedule SET due_at = due_at - $1::interval', ['2 hours'])
  await sql('VACUUM ANALYZE refresh_schedule')
  let taken = 0
  let turns = 0
  const startedMs = performance.now()
  while (performance.now() - startedMs < takingMs) {
    await sql("UPDATE refresh_turns SET due_at = now() - interval '1 hour' WHERE id = $1", [
      seeded.tenantId
    ])
    const due = await own.vault.takeDue(scope, {
      limit: portion,
      perHost: portion,
      exceptOrigins: []
    })
    taken += due.length
    turns += 1
  }
  const tookMs = performance.now() - startedMs
  figures.set('refresh-ahead: grants taken/s', (taken * 1_000) / tookMs)
  figures.set('refresh-ahead: ms for one portion of 8', tookMs / turns)
}
