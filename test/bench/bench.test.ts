import { expect, inject, test } from 'vitest'
import { bench, cases, faultsOf } from './bench.ts'
import { readOptions } from './options.ts'
import { describe as tablesOf, withTables } from './tables.ts'

const plan = {
  repetitions: { json: 1, others: 1 },
  warmUpMs: 50,
  closedMs: 150,
  openMs: 200,
  streams: 1,
  verifications: 10,
  budgetMs: 0
}
const others = ['direct', 'bare proxy', 'Weft, service key']
const credentials = ['Weft, Weft token (JWT)', 'Weft, personal token', 'Weft, session']

test('a tiny run measures every case and variant, and Weft answers each call through all of them', async () => {
  const report = await bench(plan, inject('superuserUrl'), () => undefined)
  expect(faultsOf(report)).toEqual([])
  expect(report.isCutShort).toBe(false)
  for (const name of Object.keys(cases)) {
    const runs = report.runs.filter((run) => run.case === name)
    const expected = name === 'json-2k' ? [...others, ...credentials] : others
    expect(runs.map(({ variant }) => variant)).toEqual(expect.arrayContaining(expected))
    for (const { calls, p50, p99 } of runs) {
      expect(calls).toBeGreaterThan(0)
      expect(p50).toBeGreaterThan(0)
      expect(p99).toBeGreaterThanOrEqual(p50)
    }
  }
  expect(report.after.residentMiB).toBeGreaterThan(20)
  const costs = new Map(report.verification.map(({ what, micros }) => [what, micros]))
  expect([...costs.values()].every((micros) => micros > 0)).toBe(true)
  const tables = tablesOf(report)
  for (const variant of [...others, ...credentials]) expect(tables).toContain(`| ${variant} |`)
  for (const { title } of Object.values(cases)) expect(tables).toContain(`### ${title}`)
}, 180_000)

test('the tables of a run take the place of those before them, and nothing else changes', () => {
  const first = withTables('# A\n\n<!-- measured -->\n\nold\n\n<!-- end -->\n\nB\n', '| 1 |\n')
  expect(first).toBe('# A\n\n<!-- measured -->\n\n| 1 |\n\n<!-- end -->\n\nB\n')
  expect(withTables(first, '| 1 |\n')).toBe(first)
  expect(() => withTables('# A\n', '| 1 |\n')).toThrow(TypeError)
})

test('coarse figures are never written, and an argument that is none is refused', () => {
  expect(() => readOptions(['--quick', '--write'])).toThrow(TypeError)
  expect(() => readOptions(['--fast'])).toThrow(TypeError)
  expect(readOptions(['--quick'])).toEqual({ isHelp: false, isWritten: false, isQuick: true })
})
