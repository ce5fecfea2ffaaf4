import { describe, expect, test } from 'vitest'
import type { Clock } from '../../src/base/clock.ts'
import { createAllowance, createFlights } from '../../src/vault/flights.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

describe('flights', () => {
  test('F1 whoever asks while one runs joins it, and the next one starts after its end', async () => {
    const flights = createFlights()
    const held = Promise.withResolvers<void>()
    let starts = 0
    const start = () => {
      starts += 1
      return held.promise
    }
    const joined = Array.from({ length: 100 }, () => flights.join('a', start))
    expect(starts).toBe(1)
    expect(flights.isRunning('a')).toBe(true)
    held.resolve()
    await Promise.all(joined)
    expect(flights.isRunning('a')).toBe(false)
    await flights.join('a', start)
    expect(starts).toBe(2)
  })

  test('one key does not wait for another', async () => {
    const flights = createFlights()
    const held = Promise.withResolvers<void>()
    const slow = flights.join('a', () => held.promise)
    expect(flights.isRunning('b')).toBe(false)
    await flights.join('b', async () => undefined)
    expect(flights.isRunning('a')).toBe(true)
    held.resolve()
    await slow
  })

  test('a failure reaches everyone who waits, and the next one starts anew', async () => {
    const flights = createFlights()
    const fail = () => Promise.reject(new RangeError('as planned'))
    const joined = [flights.join('a', fail), flights.join('a', async () => undefined)]
    const ends = await Promise.allSettled(joined)
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(flights.isRunning('a')).toBe(false)
    await expect(flights.join('a', async () => undefined)).resolves.toBeUndefined()
  })

  test('a failure that nobody waits for does not end the process', async () => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', note)
    const flights = createFlights()
    void flights.join('a', () => Promise.reject(new RangeError('as planned')))
    for (let turns = 0; turns < 5; turns += 1) await turn()
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
  })

  test('settling waits for everything that runs, however it ends', async () => {
    const flights = createFlights()
    const good = Promise.withResolvers<void>()
    const bad = Promise.withResolvers<void>()
    void flights.join('good', () => good.promise)
    void flights.join('bad', () => bad.promise)
    let isSettled = false
    const settling = flights.settle().then(() => {
      isSettled = true
    })
    bad.reject(new RangeError('as planned'))
    await turn()
    expect(isSettled).toBe(false)
    good.resolve()
    await settling
    expect(isSettled).toBe(true)
    await createFlights().settle()
  })
})

describe('allowance of forced refreshes', () => {
  function at(): { clock: Clock; to(ms: number): void } {
    let nowMs = 1_000_000
    const startMs = nowMs
    return {
      clock: { now: () => new Date(nowMs), monotonicMs: () => nowMs },
      to(ms) {
        nowMs = startMs + ms
      }
    }
  }
  const taken = (times: number, take: () => boolean) =>
    Array.from({ length: times }, take).filter(Boolean).length

  test('F21 five at once, then one every ten seconds', () => {
    const time = at()
    const { take } = createAllowance(time.clock)
    expect(taken(20, () => take('a'))).toBe(5)
    time.to(9_999)
    expect(take('a')).toBe(false)
    time.to(10_000)
    expect(taken(5, () => take('a'))).toBe(1)
    time.to(40_000)
    expect(taken(5, () => take('a'))).toBe(3)
  })

  test('time that has counted halfway to the next one is not lost', () => {
    const time = at()
    const { take } = createAllowance(time.clock)
    taken(5, () => take('a'))
    time.to(15_000)
    expect(taken(5, () => take('a'))).toBe(1)
    time.to(19_999)
    expect(take('a')).toBe(false)
    time.to(20_000)
    expect(taken(5, () => take('a'))).toBe(1)
  })

  test('idle time saves up no more than five, nor a part of the next', () => {
    const time = at()
    const { take } = createAllowance(time.clock)
    expect(take('a')).toBe(true)
    time.to(95_000)
    expect(taken(20, () => take('a'))).toBe(5)
    time.to(104_999)
    expect(take('a')).toBe(false)
    time.to(105_000)
    expect(taken(5, () => take('a'))).toBe(1)
  })

  test('one key uses up nothing of another', () => {
    const { take } = createAllowance(at().clock)
    expect(taken(20, () => take('a'))).toBe(5)
    expect(taken(20, () => take('b'))).toBe(5)
  })

  test('memory is bounded: beyond 50,000 keys it begins anew', () => {
    const { take } = createAllowance(at().clock)
    taken(5, () => take('a'))
    for (let key = 1; key < 50_000; key += 1) take(`key ${key}`)
    expect(take('a')).toBe(false)
    expect(take('one more')).toBe(true)
    expect(take('a')).toBe(true)
  })
})
