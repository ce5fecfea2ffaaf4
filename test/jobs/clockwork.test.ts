import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { createClockwork, type Job } from '../../src/jobs/clockwork.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function job(name: string, run: () => Promise<void> = async () => undefined) {
  const counted = { runs: 0 }
  const made: Job = {
    name,
    everyMs: 1_000,
    run: async () => {
      counted.runs += 1
      await run()
    }
  }
  return { counted, made }
}

const failures: string[] = []
const options = (last: readonly string[] = []) => ({
  clock: systemClock(),
  last,
  onFailure: (name: string) => void failures.push(name)
})

describe('clockwork', () => {
  beforeEach(() => failures.splice(0))

  test('runs each job at once, and then in its own time', async () => {
    const { counted, made } = job('tick')
    const clockwork = createClockwork([made], options())
    clockwork.start()
    expect(counted.runs).toBe(1)
    await vi.advanceTimersByTimeAsync(3_500)
    expect(counted.runs).toBe(4)
    await clockwork.stop()
  })

  test('never runs a job twice at once', async () => {
    const gate = Promise.withResolvers<void>()
    const { counted, made } = job('slow', () => gate.promise)
    const clockwork = createClockwork([made], options())
    clockwork.start()
    await vi.advanceTimersByTimeAsync(5_000)
    expect(counted.runs).toBe(1)
    gate.resolve()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(counted.runs).toBe(2)
    await clockwork.stop()
  })

  test('a job that fails is told of, and gets its next turn; the others keep theirs', async () => {
    const bad = job('bad', () => Promise.reject(new TypeError('no')))
    const good = job('good')
    const clockwork = createClockwork([bad.made, good.made], options())
    clockwork.start()
    await vi.advanceTimersByTimeAsync(1_500)
    expect([bad.counted.runs, good.counted.runs, failures]).toEqual([2, 2, ['bad', 'bad']])
    await clockwork.stop()
  })

  test('stop waits for what is running, then runs the last jobs once more, then nothing', async () => {
    const gate = Promise.withResolvers<void>()
    const order: string[] = []
    const slow = job('slow', () => gate.promise.then(() => void order.push('slow')))
    const last = job('last', async () => void order.push('last'))
    const clockwork = createClockwork([slow.made, last.made], options(['last']))
    clockwork.start()
    await vi.advanceTimersByTimeAsync(0)
    const stopped = clockwork.stop()
    gate.resolve()
    await stopped
    expect(order).toEqual(['last', 'slow', 'last'])
    await vi.advanceTimersByTimeAsync(10_000)
    expect([slow.counted.runs, last.counted.runs]).toEqual([1, 2])
  })

  test('a last job that fails does not keep the process', async () => {
    const { made } = job('last', () => Promise.reject(new TypeError('no')))
    const clockwork = createClockwork([made], options(['last']))
    await expect(clockwork.stop()).resolves.toBeUndefined()
    expect(failures).toEqual(['last'])
  })
})
