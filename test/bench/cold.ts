import type { VaultWorld } from '../support/vault-world.ts'
import { type ColdCaller, seedColdCaller } from './cold-callers.ts'
import { type LoadProgram, tell } from './load-program.ts'
import { number, type Section } from './markdown.ts'
import { startStatementCounter } from './statement-counter.ts'
import { median, type Outcome, type Target } from './traffic.ts'
import { byBearer, bySession } from './weft.ts'
import { launchWeft } from './weft-process.ts'

type Way = (port: number, caller: ColdCaller) => Target

const ways: readonly (readonly [name: string, way: Way])[] = [
  ['service key', (port, caller) => byBearer({ port, ...caller }, caller.serviceKey)],
  ['session', (port, caller) => bySession({ port, ...caller }, caller.session)]
]

/** What the first call of a tenant takes, one after the other: nothing of it is known, its token is good. */
export async function measureCold(
  { world, origin }: { readonly world: VaultWorld; readonly origin: string },
  load: LoadProgram,
  callers: number
): Promise<Section> {
  const counter = await startStatementCounter(world.database.appUrl)
  const weft = await launchWeft(world, { origins: [origin], databaseUrl: counter.url })
  const faults: string[] = []

  async function callOnce(way: Way): Promise<{ outcome: Outcome; roundTrips: string[] }> {
    const target = way(weft.port, await seedColdCaller(world, origin))
    const from = counter.roundTrips.length
    const steps = [{ target, endpoint: 'json-2k' }] as const
    const outcome = await tell(load, { kind: 'walk', steps, connections: 1 })
    if (outcome.fault !== null) faults.push(outcome.fault)
    return { outcome, roundTrips: counter.roundTrips.slice(from) }
  }

  try {
    const rows: string[][] = []
    for (const [name, way] of ways) {
      // The process itself is warm: its connections stand, its code has run.
      await callOnce(way)
      const calls: Awaited<ReturnType<typeof callOnce>>[] = []
      for (let at = 0; at < callers; at += 1) calls.push(await callOnce(way))
      const counts = calls.map(({ roundTrips }) => roundTrips.length)
      const times = calls.map(({ outcome }) => outcome.p50)
      const digits = [number(median(times), 1), number(Math.max(...times), 1)]
      rows.push([name, number(Math.min(...counts), 0), ...digits])
    }
    return {
      title: 'Cold calls: nothing remembered, the token good',
      head: ['', 'database round trips', 'ms, median', 'ms, longest'],
      rows,
      note: `${callers} tenants each, one call of each; the fewest round trips of them, since the clockwork asks meanwhile.`,
      faults: faults.map((fault) => `cold calls: ${fault}`)
    }
  } finally {
    await weft.stop()
    await counter.close()
  }
}
