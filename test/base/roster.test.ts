import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { type Listed, Roster } from '../../src/base/roster.ts'

interface Member extends Listed {
  readonly name: string
}

const member = (name: string): Member => ({ name, place: -1 })

test('whoever leaves is off the roster, and all others stay on it', () => {
  const roster = new Roster<Member>()
  const [a, b, c, d] = [member('a'), member('b'), member('c'), member('d')]
  for (const one of [a, b, c, d]) roster.add(one)
  expect(roster.delete(b)).toBe(true)
  expect(roster.delete(b)).toBe(false)
  expect(roster.size).toBe(3)
  expect(roster.delete(d)).toBe(true)
  roster.add(b)
  expect(roster.filter(() => true).map(({ name }) => name)).toEqual(['a', 'c', 'b'])
  expect(roster.filter(({ name }) => name > 'a')).toEqual([c, b])
  for (const one of [a, b, c]) expect(roster.delete(one)).toBe(true)
  expect(roster.size).toBe(0)
  expect(roster.delete(a)).toBe(false)
})

test('a list of who is on it stays as it is while they leave', () => {
  const roster = new Roster<Member>()
  const members = ['a', 'b', 'c'].map(member)
  for (const one of members) roster.add(one)
  const left = roster.filter(() => true).filter((one) => roster.delete(one))
  expect(left).toEqual(members)
})

/** What a collection of young objects alone leaves behind of a crowd that came and went, bytes for each. */
function keptBytes(
  roster: { add(one: Member): void; delete(one: Member): boolean },
  collect: () => void
): number {
  const loaded = () => ({ ...member('one'), load: new Array(500).fill(0) })
  const present = Array.from({ length: 40 }, loaded)
  for (const one of present) roster.add(one)
  for (let turn = 0; turn < 4; turn += 1) collect()
  const { heapUsed: before } = process.memoryUsage()
  for (let at = 0; at < 2_000; at += 1) {
    const one = loaded()
    roster.add(one)
    present.push(one)
    const left = present.shift()
    if (left !== undefined) roster.delete(left)
  }
  collect()
  collect()
  return (process.memoryUsage().heapUsed - before) / 2_000
}

test('who has left is collected with the young, which a set does not allow', () => {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'minor' }) => void // V8's own
  const collect = () => gc({ type: 'minor' })
  expect(keptBytes(new Roster<Member>(), collect)).toBeLessThan(500)
  expect(keptBytes(new Set<Member>(), collect)).toBeGreaterThan(1_500)
})
