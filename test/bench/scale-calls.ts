import { setTimeout as pause } from 'node:timers/promises'
import { type LoadProgram, tell } from './load-program.ts'
import { perCall } from './processor-time.ts'
import { fabricsPerKey } from './scale-seed.ts'
import { addSample, inTurns, type Samples, type ServedSide } from './scale-side.ts'
import { type Job, median, type Step } from './traffic.ts'
import type { Vitals } from './weft-process.ts'

export interface ScalePlan {
  /** Of each thing, at each side. */
  readonly turns: number
  readonly warmTurns: number
  readonly warmMs: number
  /** Of a process that has served nothing yet. */
  readonly settleMs: number
  /** Calls that nothing is known of, in a turn: each costs the database a turn for each table. */
  readonly cold: number
  /** Calls through as many fabrics, in a turn. */
  readonly walked: number
  readonly pages: number
  /** In which the fabrics become known. */
  readonly parts: number
  /** After calls, until nothing of them is still to be written. */
  readonly quietMs: number
  readonly takingMs: number
}

/** What a process holds once it remembers them. */
export interface Holding {
  readonly fabrics: number
  readonly heapKiB: number
  readonly residentMiB: number
}

/** Few enough that nothing piles up on a machine that is away for a while: they ask again when they are answered. */
const few = 4
/** What is only weakly held goes with the second one. */
const collections = 2

export async function measureCalls(
  sides: readonly ServedSide[],
  load: LoadProgram,
  plan: ScalePlan,
  faults: string[]
): Promise<{ samples: Samples; holdings: Holding[] }> {
  const samples: Samples = new Map()
  const holdings: Holding[] = []

  async function measure(what: string, at: number, job: Job): Promise<void> {
    const side = sides[at]
    if (side === undefined) return
    const before = side.meter()
    const { fault, calls, p50, p99 } = await tell(load, job)
    const cost = perCall(before, side.meter(), calls)
    if (fault !== null) faults.push(`scale: ${what}: ${fault}`)
    addSample(samples, what, at, { p50, p99, ...cost })
  }

  async function prepare(job: Job): Promise<void> {
    const { fault } = await tell(load, job)
    if (fault !== null) faults.push(`scale: ${fault}`)
  }

  for (const { steps } of sides) {
    const work = { kind: 'closed', endpoint: 'json-2k', connections: few } as const
    await prepare({ ...work, target: firstOf(steps).target, durationMs: plan.settleMs })
    await prepare(walkOf(unknownOf(steps).slice(0, plan.cold)))
  }
  for (let turn = 0; turn < plan.turns; turn += 1) {
    const from = (turn + 1) * plan.cold
    for (const [{ steps }, at] of inTurns(sides, turn)) {
      await measure('cold call', at, walkOf(unknownOf(steps).slice(from, from + plan.cold)))
    }
  }
  for (const { weft, steps } of sides) {
    const looks: Vitals[] = []
    for (let part = 0; part < plan.parts; part += 1) {
      const from = (part * steps.length) / plan.parts
      await prepare(walkOf(steps.slice(from, from + steps.length / plan.parts), few))
      looks.push(await settledVitals(weft, plan))
    }
    holdings.push(holdingOf(looks))
  }
  for (let turn = 0; turn < plan.warmTurns; turn += 1) {
    const from = turn * plan.walked
    for (const [{ steps }, at] of inTurns(sides, turn)) {
      const walk = walkOf(steps.slice(from, from + plan.walked))
      await measure('warm call, each through another fabric', at, walk)
      await measure('warm call, all through one fabric', at, {
        kind: 'closed',
        endpoint: 'json-2k',
        connections: 1,
        target: firstOf(steps).target,
        durationMs: plan.warmMs
      })
    }
  }
  return { samples, holdings }
}

/** Neither the key nor the fabric of these is known; the tenant is. */
function unknownOf(steps: readonly Step[]): Step[] {
  return steps.filter((_, at) => at > 0 && at % fabricsPerKey === 0)
}

function walkOf(steps: readonly Step[], connections = 1): Job {
  return { kind: 'walk', steps, connections }
}

function firstOf([first]: readonly Step[]): Step {
  if (first === undefined) throw new TypeError('no fabric can be called')
  return first
}

/** What was written of calls is gone then, and what is remembered stays. */
async function settledVitals(weft: ServedSide['weft'], { quietMs }: ScalePlan): Promise<Vitals> {
  await pause(quietMs)
  for (let collection = 0; collection < collections; collection += 1) await weft.collect()
  return await weft.look()
}

/**
 * From part to part, and the median of those: what the first calls leave for good is in the first look already,
 * and code that is no longer run, megabytes of it, goes at once at some later collection.
 */
function holdingOf(looks: readonly Vitals[]): Holding {
  const kibibytes = looks.slice(1).map((look, at) => {
    const { heapMiB = Number.NaN, grantsHeld = 0 } = looks[at] ?? {}
    return ((look.heapMiB - heapMiB) * 1_024) / (look.grantsHeld - grantsHeld)
  })
  const { grantsHeld: fabrics = 0, residentMiB = Number.NaN } = looks.at(-1) ?? {}
  return { fabrics, heapKiB: median(kibibytes), residentMiB }
}
