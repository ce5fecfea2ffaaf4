import { meterOf, perCall } from './processor-time.ts'
import { addSample, inTurns, type Samples, type Side } from './scale-side.ts'
import { outcomeOf } from './traffic.ts'

/** As `src/jobs/refresh-ahead.ts` asks. */
const wish = { limit: 8, perHost: 8, exceptOrigins: [] }

/** How fast one replica could take what is due, if nothing had to be renewed. Nobody else takes meanwhile. */
export async function measureTaking(
  sides: readonly Side[],
  { turns, takingMs }: { readonly turns: number; readonly takingMs: number }
): Promise<Samples> {
  const samples: Samples = new Map()
  for (let turn = 0; turn < turns; turn += 1) {
    for (const [{ world }, at] of inTurns(sides, turn)) {
      const { sql, own, scope, seeded } = world
      const meter = await meterOf(world, process)
      const before = meter()
      const times: number[] = []
      const startedMs = performance.now()
      while (performance.now() - startedMs < takingMs) {
        await sql("UPDATE refresh_turns SET due_at = now() - interval '1 hour' WHERE id = $1", [
          seeded.tenantId
        ])
        const askedMs = performance.now()
        const due = await own.vault.takeDue(scope, wish)
        times.push(performance.now() - askedMs)
        if (due.length < wish.limit) throw new TypeError('nothing is due any more')
      }
      const cost = perCall(before, meter(), times.length)
      const { p50, p99 } = outcomeOf(times, takingMs, null)
      addSample(samples, 'refresh-ahead: to take 8 that are due', at, { p50, p99, ...cost })
    }
  }
  return samples
}
