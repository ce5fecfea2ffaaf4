import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Clock } from './clock.ts'

const resolutionMs = 20
/** A verdict stands on at least this much time and this many turns, so that one long turn is none. */
const windowMs = 1_000
const turnsMin = 4

/**
 * How late the event loop's turns come, milliseconds: the median over the last second or so, judged when
 * asked for. A loop that is busy and still comes round in time has none.
 * @see https://nodejs.org/docs/latest-v24.x/api/perf_hooks.html#perf_hooksmonitoreventloopdelayoptions
 */
export function watchEventLoop(clock: Clock): () => number {
  const turns = monitorEventLoopDelay({ resolution: resolutionMs })
  turns.enable()
  let lagMs = 0
  let sinceMs = clock.monotonicMs()
  return () => {
    const nowMs = clock.monotonicMs()
    if (nowMs - sinceMs < windowMs || turns.count < turnsMin) return lagMs
    lagMs = Math.max(0, turns.percentile(50) / 1e6 - resolutionMs)
    turns.reset()
    sinceMs = nowMs
    return lagMs
  }
}
