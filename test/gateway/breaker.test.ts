import { describe, expect, test } from 'vitest'
import { AppError } from '../../src/base/errors.ts'
import { createBreakers } from '../../src/gateway/breaker.ts'

const origin = 'https://one.cloud.databricks.com'
const other = 'https://two.cloud.databricks.com'

/** Breakers on a clock that stands still until it is told. */
function world(random = () => 1) {
  let ms = 0
  const clock = { now: () => new Date(ms), monotonicMs: () => ms }
  const breakers = createBreakers({ clock, random })
  const fail = (times: number) => {
    for (let i = 0; i < times; i += 1) breakers.failed(origin, 'call')
  }
  const admitted = () => {
    try {
      return breakers.admit(origin)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return [error.code, error.retryAt?.getTime()]
    }
  }
  const pass = (more: number) => {
    ms += more
  }
  return { breakers, fail, admitted, pass }
}

describe('H8 the breaker of a workspace', () => {
  test('stays closed under fewer failures in a row than its limit, however many there are in all', () => {
    const { breakers, fail, admitted } = world()
    for (let round = 0; round < 20; round += 1) {
      fail(4)
      expect(admitted()).toBe('call')
      breakers.succeeded(origin)
    }
  })

  test('opens at its limit, and says when it will be tried next', () => {
    const { fail, admitted, pass } = world()
    fail(5)
    expect(admitted()).toEqual(['upstream_unavailable', 1_000])
    pass(999)
    expect(admitted()).toEqual(['upstream_unavailable', 1_000])
  })

  test('lets one probe through when its time has come, and no second one', () => {
    const { fail, admitted, pass } = world()
    fail(5)
    pass(1_000)
    expect(admitted()).toBe('probe')
    for (let i = 0; i < 100; i += 1) expect(admitted()).toEqual(['upstream_unavailable', 2_000])
  })

  test('closes with a probe that is answered', () => {
    const { breakers, fail, admitted, pass } = world()
    fail(5)
    pass(1_000)
    admitted()
    breakers.succeeded(origin)
    for (let i = 0; i < 10; i += 1) expect(admitted()).toBe('call')
    fail(4)
    expect(admitted()).toBe('call')
  })

  test('closes with a call that had been under way before it opened', () => {
    const { breakers, fail, admitted } = world()
    fail(5)
    breakers.succeeded(origin)
    expect(admitted()).toBe('call')
  })

  test('waits longer after each probe that fails, up to a limit', () => {
    const { breakers, fail, admitted, pass } = world()
    fail(5)
    const waits: number[] = []
    for (let probe = 0; probe < 8; probe += 1) {
      let waited = 0
      while (admitted() !== 'probe') {
        pass(250)
        waited += 250
      }
      waits.push(waited)
      breakers.failed(origin, 'probe')
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000])
  })

  test('probes again in its time though the last probe never came back', () => {
    const { fail, admitted, pass } = world()
    fail(5)
    pass(1_000)
    expect(admitted()).toBe('probe')
    pass(1_000)
    expect(admitted()).toBe('probe')
  })

  test('is not put off by the failures of calls that were under way when it opened', () => {
    const { fail, admitted, pass } = world()
    fail(5)
    pass(900)
    fail(50)
    pass(100)
    expect(admitted()).toBe('probe')
  })

  test('draws half of each wait, so that replicas do not probe in step', () => {
    for (const [drawn, at] of [
      [0, 500],
      [0.5, 750],
      [1, 1_000]
    ] as const) {
      const { fail, admitted } = world(() => drawn)
      fail(5)
      expect(admitted()).toEqual(['upstream_unavailable', at])
    }
  })

  test('is its own for each origin', () => {
    const { breakers, fail } = world()
    fail(5)
    expect(breakers.admit(other)).toBe('call')
    breakers.succeeded(other)
    expect(() => breakers.admit(origin)).toThrow(AppError)
  })

  test('tells the first failure of a row from the others', () => {
    const { breakers, fail } = world()
    expect(breakers.isFirstFailure(origin)).toBe(false)
    fail(1)
    expect(breakers.isFirstFailure(origin)).toBe(true)
    fail(1)
    expect(breakers.isFirstFailure(origin)).toBe(false)
    breakers.succeeded(origin)
    fail(1)
    expect(breakers.isFirstFailure(origin)).toBe(true)
  })

  test('H11 keeps the trouble of so many origins and no more', () => {
    const { breakers, admitted } = world()
    for (let i = 0; i < 5; i += 1) breakers.failed(origin, 'call')
    for (let i = 0; i < 10_000; i += 1) breakers.failed(`https://${i}.example`, 'call')
    expect(admitted(), 'the oldest has been forgotten').toBe('call')
  })
})
