import { processorCount, processorMs } from './children.ts'
import { type LoadProgram, startLoad, tell } from './load-program.ts'
import { number, type Section } from './markdown.ts'
import { median, type Outcome } from './traffic.ts'
import { type BenchedWeft, byBearer } from './weft.ts'
import type { WeftProcess } from './weft-process.ts'

const connections = 64
const warmUpMs = 500

/** One process of Weft and two, each on a port of its own, wherever the system puts them. */
export async function measureProcesses(
  { fabricId, credentials }: Pick<BenchedWeft, 'fabricId' | 'credentials'>,
  fleet: readonly WeftProcess[],
  { turns, durationMs }: { readonly turns: number; readonly durationMs: number }
): Promise<Section> {
  const loads = await Promise.all(fleet.map(startLoad))
  const faults: string[] = []

  async function askAll(count: number, lastMs: number): Promise<Outcome[]> {
    const asking = fleet.slice(0, count).map(({ port }, at) => {
      const target = byBearer({ port, fabricId }, credentials.serviceKey)
      const each = { connections: connections / count, durationMs: lastMs }
      // Both are there: the array is as long as the fleet.
      return tell(loads[at] as LoadProgram, {
        kind: 'closed',
        target,
        endpoint: 'json-2k',
        ...each
      })
    })
    const outcomes = await Promise.all(asking)
    for (const { fault } of outcomes) if (fault !== null) faults.push(`processes: ${fault}`)
    return outcomes
  }

  const used = () => fleet.reduce((sum, { pid }) => sum + processorMs(pid), 0)
  const counts = fleet.map((_, at) => at + 1)
  const rates = counts.map((): number[] => [])
  const shares = counts.map((): number[] => [])
  try {
    await askAll(fleet.length, warmUpMs)
    for (let turn = 0; turn < turns; turn += 1) {
      for (const count of turn % 2 === 0 ? counts : counts.toReversed()) {
        const [beforeMs, startedMs] = [used(), performance.now()]
        const outcomes = await askAll(count, durationMs)
        const share = (used() - beforeMs) / (performance.now() - startedMs)
        rates[count - 1]?.push(outcomes.reduce((sum, { perSecond }) => sum + perSecond, 0))
        shares[count - 1]?.push(share)
      }
    }
  } finally {
    await Promise.all(loads.map((load) => load.stop()))
  }
  return {
    title: 'One process and two, JSON 2 KiB, closed loop, 64 connections in all',
    head: ['processes', 'requests/s', 'of one', 'processors that Weft had'],
    rows: rates.map((rate, at) => [
      String(at + 1),
      number(median(rate), 0),
      number(median(rate) / median(rates[0] ?? []), 2),
      number(median(shares[at] ?? []), 2)
    ]),
    note:
      `Weft may use each of the ${processorCount} processors; load, upstream and Postgres share all but the first, so ` +
      'that two processes can give twice as much only where as many processors again are free.',
    faults
  }
}
