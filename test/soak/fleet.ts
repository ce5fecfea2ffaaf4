import { type ReplicaProcess, startReplica } from '../support/replicas.ts'
import type { VaultWorld } from '../support/vault-world.ts'
import { type Answer, type Call, type Caller, callProcess, TimeoutError } from './client.ts'
import { type Dice, pause } from './dice.ts'
import type { Kill } from './encounters.ts'
import type { Findings } from './findings.ts'
import { type Growth, growthOf, type Sample, takeSample } from './growth.ts'
import { checkAnswer, checkOutput, lastLines } from './watch.ts'

/** A server process and everything that was ever started in its place. */
interface Berth {
  readonly name: string
  process: ReplicaProcess
  state: 'up' | 'going' | 'down'
  samples: Sample[]
  /** Characters of its output that were looked at. */
  readChars: number
  /** While its way to the database is disturbed, since when; run's clock. */
  disturbedSinceMs: number | null
  undisturbedMs: number
}

export interface Fleet {
  readonly names: readonly string[]
  /** @returns null when the process was taken down meanwhile. @throws Error the connection broke unasked */
  call(dice: Dice, caller: Caller, call: Call): Promise<Answer | null>
  /** `kill -9`, and another in its place. The first of the fleet is spared. */
  kill(dice: Dice): Promise<void>
  /** As a platform stops it, and another in its place. */
  restart(dice: Dice): Promise<void>
  /** Any process's way to the database. */
  database(dice: Dice): { name: string; proxy: ReplicaProcess['proxy']; disturb(): () => void }
  /** Memory, open files and new log lines of all. */
  look(): Promise<void>
  /** Growth of each process that lived long enough to tell. */
  growth(): { name: string; growth: Growth[] }[]
  latest(): string
  stop(): Promise<void>
}

const growthAgeMs = 60_000

export async function startFleet(
  world: VaultWorld,
  {
    count,
    origins,
    findings,
    kills,
    nowMs
  }: {
    count: number
    origins: readonly string[]
    findings: Findings
    /** Every kill is added to it. */
    kills: Kill[]
    nowMs: () => number
  }
): Promise<Fleet> {
  const past: { name: string; samples: Sample[] }[] = []
  const env = {
    WEFT_EXTRA_WORKSPACE_ORIGINS: [world.server.origin, ...origins].join(','),
    NODE_OPTIONS: '--max-old-space-size=256'
  }
  const isWatched = new WeakSet<ReplicaProcess>()

  async function launch(name: string): Promise<ReplicaProcess> {
    const process = await startReplica(world, { env })
    void process.ended.then((code) => {
      if (isWatched.has(process)) return
      findings.violate('a process ended by itself', { name, code, last: lastLines(process) })
    })
    return process
  }

  const berths: Berth[] = await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const name = `weft-${at}`
      return { ...fresh(), name, process: await launch(name) }
    })
  )

  function lookAtOutput(berth: Berth): void {
    const output = berth.process.output()
    const news = output.slice(Math.max(0, berth.readChars - 200))
    berth.readChars = output.length
    checkOutput(findings, berth.name, news)
  }

  /** Takes one process down in its way, then puts another in its place. */
  async function replace(berth: Berth, end: () => Promise<void>, dice: Dice): Promise<void> {
    berth.state = 'going'
    isWatched.add(berth.process)
    await end()
    berth.state = 'down'
    lookAtOutput(berth)
    past.push({ name: berth.name, samples: berth.samples })
    await dice.pause(0, 2_000)
    try {
      berth.process = await launch(berth.name)
      Object.assign(berth, { ...fresh(), disturbedSinceMs: null })
      findings.count('process started anew')
    } catch (error) {
      findings.violate('a process does not start', error instanceof Error ? error.message : error)
    }
  }

  const candidates = () => berths.slice(1).filter(({ state }) => state === 'up')

  return {
    names: berths.map(({ name }) => name),

    async call(dice, caller, call) {
      const up = berths.filter(({ state }) => state === 'up')
      const berth = dice.pick(up)
      const { process } = berth
      const startedMs = nowMs()
      try {
        const answer = await callProcess(process.port, caller, call)
        await checkAnswer(findings, process, call, answer)
        findings.count('milliseconds', nowMs() - startedMs)
        return answer
      } catch (error) {
        if (call.signal?.aborted === true) return null
        if (berth.process !== process || berth.state !== 'up') return null
        const isLate = error instanceof TimeoutError
        // Its end may be known a moment later here than on the wire.
        if (!isLate) await pause(200)
        if (!isLate && (berth.process !== process || berth.state !== 'up')) return null
        const rule = isLate ? 'a call hangs' : 'a connection to a live process broke'
        const what = `${berth.name} ${call.method} ${call.path}: ${String(error)}`
        findings.violate(rule, what)
        return null
      }
    },

    async kill(dice) {
      const list = candidates()
      if (list.length === 0) return
      const berth = dice.pick(list)
      const isDatabaseAway =
        berth.disturbedSinceMs !== null || nowMs() - berth.undisturbedMs < 20_000
      findings.fault('kill -9', berth.name)
      kills.push({ atMs: nowMs(), isDatabaseAway })
      await replace(berth, () => berth.process.kill(), dice)
    },

    async restart(dice) {
      const list = candidates().filter(({ disturbedSinceMs }) => disturbedSinceMs === null)
      if (list.length === 0) return
      const berth = dice.pick(list)
      findings.fault('restart', berth.name)
      const stop = async () => {
        const code = await berth.process.stop()
        if (code === 0) return
        const told = { name: berth.name, code, last: lastLines(berth.process) }
        findings.violate('a process that is stopped does not end well', told)
      }
      await replace(berth, stop, dice)
    },

    database(dice) {
      const berth = dice.pick(berths.filter(({ state }) => state === 'up'))
      const { process, name } = berth
      const disturb = () => {
        berth.disturbedSinceMs = nowMs()
        return () => {
          berth.disturbedSinceMs = null
          berth.undisturbedMs = nowMs()
        }
      }
      return { name, proxy: process.proxy, disturb }
    },

    async look() {
      for (const berth of berths.filter(({ state }) => state === 'up')) {
        const { process } = berth
        const sample = await takeSample(process.pid, process.adminPort, nowMs())
        if (sample !== null && berth.process === process) berth.samples.push(sample)
        if (berth.state === 'up') lookAtOutput(berth)
      }
    },

    growth() {
      const all = [...past, ...berths]
      const old = all.filter(({ samples }) => ageOf(samples) >= growthAgeMs)
      return old.map(({ name, samples }) => ({ name, growth: growthOf(samples) }))
    },

    latest: () =>
      berths
        .map(({ samples, name }) => {
          const { rssMiB = 0, heapMiB = 0, files = 0 } = samples.at(-1) ?? {}
          return `${name} ${rssMiB.toFixed(0)}/${heapMiB.toFixed(0)} MiB ${files} fds`
        })
        .join(', '),

    async stop() {
      for (const { process } of berths) isWatched.add(process)
      await Promise.all(
        berths.map(async (berth) => {
          const code = await berth.process.stop()
          lookAtOutput(berth)
          if (code === 0) return
          const told = { name: berth.name, code, last: lastLines(berth.process) }
          findings.violate('a process that is stopped does not end well', told)
        })
      )
    }
  }
}

function fresh() {
  const undisturbedMs = Number.NEGATIVE_INFINITY
  const state: Berth['state'] = 'up'
  const samples: Sample[] = []
  return { state, samples, readChars: 0, disturbedSinceMs: null, undisturbedMs }
}

function ageOf(samples: readonly Sample[]): number {
  return (samples.at(-1)?.atMs ?? 0) - (samples[0]?.atMs ?? 0)
}
