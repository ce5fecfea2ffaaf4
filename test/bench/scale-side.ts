import { createVaultWorld, type VaultWorld } from '../support/vault-world.ts'
import { number } from './markdown.ts'
import { meterOf, type ProcessorTime } from './processor-time.ts'
import { type ScaleSeed, type ScaleSize, seedScale } from './scale-seed.ts'
import { median, type Step } from './traffic.ts'
import { byBearer } from './weft.ts'
import { launchWeft, type WeftProcess } from './weft-process.ts'

/** One size, filled. */
export interface Side {
  readonly size: ScaleSize
  readonly world: VaultWorld
  readonly seed: ScaleSeed
  readonly seedingMs: number
}

/** And served by a Weft of its own. */
export interface ServedSide extends Side {
  readonly weft: WeftProcess
  readonly meter: () => ProcessorTime
  /** A call through each of the fabrics that can be called. */
  readonly steps: readonly Step[]
}

export async function fillSide(
  size: ScaleSize,
  superuserUrl: string,
  origin: string
): Promise<Side> {
  const world = await createVaultWorld({ isPolling: false }, superuserUrl)
  const startedMs = performance.now()
  const seed = await seedScale(world, size, origin)
  return { size, world, seed, seedingMs: performance.now() - startedMs }
}

/** Row by row, as a world is left to the next one, it would take minutes. */
export async function leaveSide({ world }: Pick<Side, 'world'>): Promise<void> {
  await world.sql('SET session_replication_role = replica')
  await world.sql('TRUNCATE tenants, users CASCADE')
  await world.close()
}

export async function serveSide(side: Side, origin: string): Promise<ServedSide> {
  const weft = await launchWeft(side.world, { origins: [origin] })
  const steps = side.seed.callable.map(({ fabricId, serviceKey }): Step => {
    return { target: byBearer({ port: weft.port, fabricId }, serviceKey), endpoint: 'json-2k' }
  })
  return { ...side, weft, steps, meter: await meterOf(side.world, weft) }
}

/** Milliseconds: how long one took, and the processor time that it cost. */
export interface Sample extends ProcessorTime {
  readonly p50: number
  readonly p99: number
}

/** What was seen of each thing, turn by turn, one list for each side. */
export type Samples = Map<string, readonly Sample[][]>

/** Each of the sides once, begun by another one from turn to turn. */
export function inTurns<T>(
  sides: readonly T[],
  turn: number
): readonly (readonly [side: T, at: number])[] {
  const numbered = sides.map((side, at) => [side, at] as const)
  return turn % 2 === 0 ? numbered : numbered.toReversed()
}

export function addSample(samples: Samples, what: string, at: number, sample: Sample): void {
  const lists = samples.get(what) ?? []
  samples.set(
    what,
    Array.from({ length: Math.max(lists.length, at + 1) }, (_, side) =>
      side === at ? [...(lists[side] ?? []), sample] : (lists[side] ?? [])
    )
  )
}

/** The medians of one thing, of each side. */
export function mediansOf(lists: readonly Sample[][]): Sample[] {
  const of = (list: readonly Sample[], key: keyof Sample) => median(list.map((one) => one[key]))
  return lists.map((list) => ({
    p50: of(list, 'p50'),
    p99: of(list, 'p99'),
    weft: of(list, 'weft'),
    postgres: of(list, 'postgres')
  }))
}

/** What the last side took of the first, turn by turn, the median: what a turn was asked in changes with the machine. */
export function turnGrowth(lists: readonly Sample[][], of: (sample: Sample) => number): string {
  const [first, last] = [lists[0] ?? [], lists.at(-1) ?? []]
  const ratios = last.map((sample, turn) => {
    const other = first[turn]
    return other === undefined ? Number.NaN : of(sample) / of(other)
  })
  return number(median(ratios), 2)
}

/** Of each side, as one cell; and what the last one is of the first. */
export const beside = (values: readonly number[], digits: number) =>
  values.map((value) => number(value, digits)).join(' / ')
export const growthOf = (values: readonly number[]) =>
  number((values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN), 2)
