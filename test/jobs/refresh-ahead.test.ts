import { expect, test } from 'vitest'
import { aheadEveryMs, aheadLimits } from '../../src/jobs/refresh-ahead.ts'
import { simulate } from './ahead-simulation.ts'

const minuteMs = 60_000
const replicas = 8
const hosts = 200

test('H9 G7 a million grants are renewed ahead without a herd, through an outage and a restart', async () => {
  const world = simulate({
    grants: 1_000_000,
    replicas,
    tenants: 50,
    hostsOfTenant: 4,
    signInsWithinMs: 5 * minuteMs
  })
  const { counts, begunBySecond } = world
  const told: string[] = []
  /** What began from one minute after nine to another: the most in a second, and the mean. */
  function tell(what: string, from: number, to: number) {
    const seconds = begunBySecond.subarray(from * 60, to * 60)
    const max = Math.max(...seconds)
    const mean = seconds.reduce((sum, one) => sum + one, 0) / seconds.length
    told.push(
      `${what.padEnd(36)} ${String(max).padStart(5)}/s at most ${mean.toFixed(0).padStart(5)}/s`
    )
    return { max, mean }
  }
  const ceiling = (replicas * aheadLimits.inFlight * 1_000) / aheadEveryMs

  await world.runUntil(20 * minuteMs)
  world.stopUse(3)
  expect(counts.renewed).toBe(0)
  await world.runUntil(45 * minuteMs)
  const wave = tell('tokens of one hour, all of nine o’clock', 30, 45)
  // Renewed between half their life and five minutes before their end: 667 a second, if evenly.
  expect(wave.max).toBeLessThan((1.1 * 1_000_000) / (25 * 60))
  expect(counts).toMatchObject({ away: 0, late: 0 })

  world.setAway(true)
  await world.runUntil(105 * minuteMs)
  const outage = tell('an hour’s outage of every workspace', 50, 105)
  // Each replica asks each host about once a minute whether it is there again.
  expect(outage.mean).toBeLessThan((2 * hosts * replicas) / 60)

  world.setAway(false)
  await world.runUntil(112 * minuteMs)
  tell('the first minutes after it', 105, 112)
  const small = world.withoutToken(7) / world.sizeOf(7)
  expect(small).toBeLessThan(world.withoutToken(0) / world.sizeOf(0))

  world.restart()
  await world.runUntil(113 * minuteMs)
  tell('all replicas begin anew', 112, 113)
  await world.runUntil(142 * minuteMs)
  tell('until everybody has a token again', 113, 142)

  expect(Math.max(...begunBySecond)).toBeLessThanOrEqual(ceiling)
  expect(world.atOneHostMax).toBeLessThanOrEqual(replicas * aheadLimits.perHost)
  expect(world.heldMax).toBeLessThanOrEqual(aheadLimits.inFlight)
  expect(counts.twice).toBe(0)
  expect(world.withoutToken()).toBe(0)
  expect(world.forgotten()).toBe(0)
  process.stdout.write(`${told.join('\n')}\n`)
}, 120_000)
