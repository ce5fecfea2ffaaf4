import { cpus, loadavg } from 'node:os'
import type { VaultWorld } from '../support/vault-world.ts'
import { type CaseName, caseNames, cases, type Work, workOf } from './cases.ts'
import { isPinned, processorCount, processorMs, residentMiB, startProgram } from './children.ts'
import { measureCold } from './cold.ts'
import { type Holder, measureHeld } from './held.ts'
import { type LoadProgram, startLoad, tell } from './load-program.ts'
import type { Section } from './markdown.ts'
import type { Plan } from './options.ts'
import { measureProcesses } from './processes.ts'
import { measureStartUp } from './start-up.ts'
import { measureStorm } from './storm.ts'
import { fellBehind, type Outcome } from './traffic.ts'
import { startOthers, type Variant, variantsOf } from './variants.ts'
import { measureVerification } from './verification.ts'
import { type BenchedWeft, byBearer, startWeft } from './weft.ts'
import { launchWeft, type Vitals, type WeftProcess } from './weft-process.ts'

/** One measurement. */
export interface Run extends Outcome {
  readonly case: CaseName
  readonly variant: string
  /** Of the process in between, microseconds for each call; NaN where it can't be told. */
  readonly processorMicros: number
  /** Its resident memory before and after. */
  readonly residentMiB: readonly [before: number, after: number]
}

export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly isPinned: boolean
  readonly node: string
  readonly loadBefore: number
}

export interface Report {
  readonly machine: Machine
  readonly plan: Plan
  readonly runs: readonly Run[]
  /** Rivals that are missing, and why. */
  readonly absent: readonly string[]
  readonly before: Vitals
  readonly after: Vitals
  /** What is no comparison of variants. */
  readonly sections: readonly Section[]
  /** The plan's time ran out before all repetitions were made. */
  readonly isCutShort: boolean
}

type Say = (line: string) => void

/**
 * Everything in one run, against one upstream, repetition by repetition and variant by variant in turn.
 * @throws TypeError a part does not start
 */
export async function bench(plan: Plan, superuserUrl: string, say: Say): Promise<Report> {
  const machine = readMachine()
  const parts: { stop(): Promise<void> }[] = []
  const keep = <T extends { stop(): Promise<void> }>(part: T): T => {
    parts.push(part)
    return part
  }
  try {
    const upstream = keep(await startProgram('upstream.ts', 'rest'))
    const load = keep(await startLoad())
    const { variants, absent } = await startOthers(upstream.port, keep)
    const weft = keep(await startWeft(upstream.port, superuserUrl))
    const everybody = [...variants, ...variantsOf(weft)]
    await settle(load, everybody, plan, say)
    const untilMs = performance.now() + plan.budgetMs
    const before = await weft.look()
    const runs: Run[] = []
    let isCutShort = false

    for (const name of caseNames) {
      const asked = everybody.filter(({ roles }) => roles.includes(cases[name].role))
      const repetitions = name === 'json-2k' ? plan.repetitions.json : plan.repetitions.others
      const work = workOf(name, plan)
      say(`${cases[name].title}: ${asked.length} variants, ${repetitions} times`)
      for (const variant of asked) await warmUp(load, variant, work, plan)
      for (let turn = 0; turn < repetitions; turn += 1) {
        if (turn > 0 && performance.now() > untilMs) {
          isCutShort = true
          break
        }
        for (const variant of inTurn(asked, turn))
          runs.push(await measure(load, variant, name, work))
      }
    }
    const after = await weft.look()
    const sections = await measureTheRest(weft, everybody, load, plan, say)
    return { machine, plan, runs, absent, before, after, sections, isCutShort }
  } finally {
    for (const part of parts.toReversed()) await part.stop()
  }
}

async function measureTheRest(
  weft: BenchedWeft,
  everybody: readonly Variant[],
  load: LoadProgram,
  plan: Plan,
  say: Say
): Promise<Section[]> {
  const { world, origin } = weft
  say('open streams')
  // One that has served nothing else: memory that a process once had it keeps.
  const fresh = await launchWeft(world, { origins: [origin] })
  const { credentials, fabricId } = weft
  const target = byBearer({ port: fresh.port, fabricId }, credentials.serviceKey)
  const proxies = everybody.flatMap(({ name, target, pid, roles }): Holder[] =>
    pid === null || !roles.includes('large') || name.startsWith('Weft')
      ? []
      : [{ name, target, pid }]
  )
  const held = await measureHeld(
    [...proxies, { ...fresh, name: 'Weft, service key', target }],
    load,
    plan
  )
  await fresh.stop()
  say('cold calls')
  const cold = await measureCold(weft, load, plan.coldCallers)
  say('refresh storm, two processes')
  const fleet = await launchFleet(world, [origin, world.server.origin], plan.replicas)
  const storm = await measureStorm(world, fleet, plan.storm)
  const processes = await measureProcesses(weft, fleet.slice(0, 2), plan.processes)
  await Promise.all(fleet.map((one) => one.stop()))
  say('verification, in this process')
  const verification = await measureVerification(weft, plan.verifications)
  const sections = [held, cold, storm, processes, verification]
  if (plan.starts === 0) return sections
  say('starts')
  return [...sections, await measureStartUp(world, plan.starts)]
}

function launchFleet(
  world: VaultWorld,
  origins: readonly string[],
  count: number
): Promise<WeftProcess[]> {
  const options = { origins, place: 'anywhere' } as const
  return Promise.all(Array.from({ length: count }, () => launchWeft(world, options)))
}

/** What makes the figures of a run worthless; empty: nothing. */
export function faultsOf({ runs, after, sections }: Report): string[] {
  const faults = runs
    .filter(({ fault }) => fault !== null && !fault.startsWith(fellBehind))
    .map((run) => `${run.case}, ${run.variant}: ${run.fault}`)
  if (after.refused > 0) faults.push(`Weft's own bounds refused ${after.refused} calls`)
  if (after.recordsDropped > 0) faults.push(`Weft dropped ${after.recordsDropped} records of calls`)
  return [...faults, ...sections.flatMap((section) => section.faults)]
}

/** Nobody is always first, or always after the same one's garbage. */
function inTurn<T>(list: readonly T[], turn: number): T[] {
  const at = turn % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

/** Until the code that every call passes is compiled, which takes a large program longer than a small one. */
async function settle(
  load: LoadProgram,
  everybody: readonly Variant[],
  { settleMs }: Plan,
  say: Say
): Promise<void> {
  say('everybody warms up')
  const work = { kind: 'closed', endpoint: 'json-2k', connections: 32 } as const
  for (const { target } of everybody) {
    await tell(load, { ...work, target, durationMs: settleMs })
  }
}

async function warmUp(
  load: LoadProgram,
  { target }: Variant,
  work: Work,
  plan: Plan
): Promise<void> {
  // A run of streams has one of its own.
  if (work.kind !== 'closed' && work.kind !== 'open') return
  await tell(load, { ...work, target, durationMs: plan.warmUpMs })
}

async function measure(
  load: LoadProgram,
  { name, target, pid }: Variant,
  caseName: CaseName,
  work: Work
): Promise<Run> {
  const look = () =>
    pid === null ? [Number.NaN, Number.NaN] : [processorMs(pid), residentMiB(pid)]
  const [beforeMs = 0, beforeMiB = 0] = look()
  const outcome = await tell(load, { ...work, target })
  const [afterMs = 0, afterMiB = 0] = look()
  const processorMicros = ((afterMs - beforeMs) * 1_000) / outcome.calls
  const memory = [beforeMiB, afterMiB] as const
  return { case: caseName, variant: name, ...outcome, processorMicros, residentMiB: memory }
}

function readMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: processorCount,
    isPinned,
    node: process.versions.node,
    loadBefore: loadavg()[0] ?? Number.NaN
  }
}
