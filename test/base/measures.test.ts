import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Counts, Durations, eachOf } from '../../src/base/measures.ts'

test('every duration lies in the first bucket whose bound it does not exceed, and in all above', () => {
  const bounds = fc.uniqueArray(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 12 })
  const times = fc.array(fc.double({ min: 0, max: 2_000, noNaN: true }))
  fc.assert(
    fc.property(bounds, times, (unsorted, ms) => {
      const boundsMs = unsorted.toSorted((a, b) => a - b)
      const durations = new Durations(boundsMs)
      for (const one of ms) durations.add(one)
      const expected = boundsMs.map((bound) => ms.filter((one) => one <= bound).length)
      expect(durations.cumulative()).toEqual([...expected, ms.length])
      expect(durations.sumMs).toBeCloseTo(
        ms.reduce((sum, one) => sum + one, 0),
        3
      )
    })
  )
})

test('a set of counts tells all its members, from the start', () => {
  const counts = new Counts(['a', 'b'])
  counts.add('b')
  counts.add('b', 2)
  expect(counts.all()).toEqual([
    ['a', 0],
    ['b', 3]
  ])
  expect([...eachOf(['x', 'y'], () => new Counts(['a'])).keys()]).toEqual(['x', 'y'])
})
