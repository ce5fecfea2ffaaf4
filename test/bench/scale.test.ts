import { expect, inject, test } from 'vitest'
import { measureScale } from './scale.ts'

const size = { fabrics: 100, grants: 400, keys: 10, events: 200, callable: 80 }
const plan = {
  turns: 1,
  warmTurns: 1,
  settleMs: 50,
  warmMs: 50,
  cold: 1,
  walked: 10,
  pages: 1,
  parts: 2,
  quietMs: 0,
  takingMs: 20
}

test('a tiny run fills two sizes, and every call and page of both is answered and measured', async () => {
  const sizes = [size, { ...size, fabrics: 200, grants: 800 }]
  const sections = await measureScale({ sizes, plan }, inject('superuserUrl'), () => undefined)
  expect(sections.flatMap(({ faults }) => faults)).toEqual([])
  expect(sections.map(({ rows }) => rows.length)).toEqual([4, 28, 4])
  for (const { title, rows } of sections) {
    expect(rows.flat().join(' | '), title).not.toContain('–')
  }
  const remembered = sections.at(-1)?.rows.find(([what]) => what === 'fabrics remembered')
  expect(remembered?.[1]).toBe('80 / 80')
}, 120_000)
