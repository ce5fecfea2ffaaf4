import { expect, it } from 'vitest'
import { setNewest } from '../../src/base/bounded-map.ts'

it('a full map lets the entry go that was set longest ago', () => {
  const map = new Map<string, number>()
  for (const [index, key] of ['a', 'b', 'c'].entries()) setNewest(map, key, index, 2)
  expect([...map]).toEqual([
    ['b', 1],
    ['c', 2]
  ])
})

it('an entry set again is the newest, and nothing else goes for it', () => {
  const map = new Map<string, number>()
  for (const [index, key] of ['a', 'b', 'a', 'c'].entries()) setNewest(map, key, index, 2)
  expect([...map]).toEqual([
    ['a', 2],
    ['c', 3]
  ])
})
