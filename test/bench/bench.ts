import { availableParallelism, cpus, loadavg } from 'node:os'
import { isPinned, processorMs, startProgram } from './children.ts'
import type { Plan } from './options.ts'
import { type RivalName, startRival } from './rivals.ts'
import { type Job, type Outcome, streamEndpoint, type Target } from './traffic.ts'
import { measureVerification, type VerificationCost } from './verification.ts'
import { type BenchedWeft, startWeft, type Vitals } from './weft.ts'

/** One row of a case: who is asked. */
interface Variant {
  readonly name: string
  readonly target: Target
  /** Whose processor time is counted; null: nobody stands between. */
  readonly pid: number | null
}

/** One measurement. */
export interface Run extends Outcome {
  readonly case: CaseName
  readonly variant: string
  /** Of the process in between, microseconds for each call; NaN where it can't be told. */
  readonly processorMicros: number
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
  readonly verification: readonly VerificationCost[]
  /** The plan's time ran out before all repetitions were made. */
  readonly isCutShort: boolean
}

export const cases = {
  'json-2k': { title: 'JSON 2 KiB each way, closed loop, 64 connections', kind: 'closed' },
  'json-64k': { title: 'JSON 64 KiB each way, closed loop, 64 connections', kind: 'closed' },
  'sse-200': { title: 'SSE, 200 events, one stream at a time', kind: 'streams' },
  'open-200': { title: 'JSON 2 KiB, open loop, 200 requests/s', kind: 'open' },
  'open-1000': { title: 'JSON 2 KiB, open loop, 1,000 requests/s', kind: 'open' }
} as const
export type CaseName = keyof typeof cases

const connections = 64

type Work = Job extends infer One ? (One extends Job ? Omit<One, 'target'> : never) : never

function workOf(name: CaseName, plan: Plan): Work {
  const { closedMs, openMs, streams } = plan
  if (name === 'sse-200') return { kind: 'streams', endpoint: streamEndpoint, count: streams }
  if (name === 'open-200' || name === 'open-1000') {
    const perSecond = name === 'open-200' ? 200 : 1_000
    return { kind: 'open', endpoint: 'json-2k', perSecond, durationMs: openMs }
  }
  return { kind: 'closed', endpoint: name, connections, durationMs: closedMs }
}

/**
 * Everything in one run, against one upstream, repetition by repetition and variant by variant in turn.
 * @throws TypeError a part does not start
 */
export async function bench(
  plan: Plan,
  superuserUrl: string,
  say: (line: string) => void
): Promise<Report> {
  const untilMs = performance.now() + plan.budgetMs
  const machine = readMachine()
  const parts: { stop(): Promise<void> }[] = []
  const keep = <T extends { stop(): Promise<void> }>(part: T): T => {
    parts.push(part)
    return part
  }
  try {
    const upstream = keep(await startProgram('upstream.ts', 'rest'))
    const load = keep(await startProgram('load.ts', 'rest'))
    const origin = `http://127.0.0.1:${upstream.port}`
    const bare = keep(await startProgram('bare-proxy.ts', 'measured', [origin]))
    const plain = (port: number): Target => ({ port, prefix: '', headers: {} })
    const variants: Variant[] = [
      { name: 'direct', target: plain(upstream.port), pid: null },
      { name: 'bare proxy', target: plain(bare.port), pid: bare.pid }
    ]
    const absent: string[] = []
    for (const name of ['nginx', 'haproxy'] satisfies RivalName[]) {
      const rival = await startRival(name, upstream.port)
      if (typeof rival === 'string') absent.push(`${name}: ${rival}`)
      else variants.push({ name, target: plain(keep(rival).port), pid: rival.pid })
    }
    const weft = keep(await startWeft(upstream.port, superuserUrl))
    const ours = variantsOf(weft)
    const before = await weft.look()
    const runs: Run[] = []
    let isCutShort = false

    for (const name of namesOf(cases)) {
      const isChief = name === 'json-2k'
      const asked = [...variants, ...(isChief ? ours : ours.slice(0, 1))]
      const repetitions = isChief ? plan.repetitions.json : plan.repetitions.others
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
    say('verification, in this process')
    const verification = await measureVerification(weft, plan.verifications)
    return { machine, plan, runs, absent, before, after, verification, isCutShort }
  } finally {
    for (const part of parts.toReversed()) await part.stop()
  }
}

/** What makes the figures of a run worthless; empty: nothing. */
export function faultsOf({ runs, after }: Report): string[] {
  const faults = runs
    .filter(({ fault }) => fault !== null)
    .map((run) => `${run.case}, ${run.variant}: ${run.fault}`)
  if (after.refused > 0) faults.push(`Weft's own bounds refused ${after.refused} calls`)
  if (after.recordsDropped > 0) faults.push(`Weft dropped ${after.recordsDropped} records of calls`)
  return faults
}

function namesOf<K extends string>(object: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(object) as K[] // its own keys are all it has
}

function variantsOf({ targets, pid }: BenchedWeft): Variant[] {
  return namesOf(targets).map((kind) => ({ name: `Weft, ${kind}`, target: targets[kind], pid }))
}

/** Nobody is always first, or always after the same one's garbage. */
function inTurn<T>(list: readonly T[], turn: number): T[] {
  const at = turn % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

type Load = Awaited<ReturnType<typeof startProgram>>

async function warmUp(load: Load, variant: Variant, work: Work, plan: Plan): Promise<void> {
  const { target } = variant
  // A run of streams has one of its own.
  if (work.kind === 'streams') return
  await ask(load, { ...work, target, durationMs: plan.warmUpMs })
}

async function measure(
  load: Load,
  { name, target, pid }: Variant,
  caseName: CaseName,
  work: Work
): Promise<Run> {
  const beforeMs = pid === null ? Number.NaN : processorMs(pid)
  const outcome = await ask(load, { ...work, target })
  const usedMs = pid === null ? Number.NaN : processorMs(pid) - beforeMs
  const processorMicros = (usedMs * 1_000) / outcome.calls
  return { case: caseName, variant: name, ...outcome, processorMicros }
}

function ask({ process: child }: Load, job: Job): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const onEnd = () => reject(new TypeError('the load ended'))
    child.once('close', onEnd)
    child.once('message', (outcome) => {
      child.off('close', onEnd)
      resolve(outcome as Outcome) // what load.ts sends
    })
    child.send(job)
  })
}

function readMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    isPinned,
    node: process.versions.node,
    loadBefore: loadavg()[0] ?? Number.NaN
  }
}
