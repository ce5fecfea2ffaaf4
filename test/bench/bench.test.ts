import { expect, inject, test } from 'vitest'
import { bench, faultsOf } from './bench.ts'
import { caseNames, cases } from './cases.ts'
import { readOptions } from './options.ts'
import { describe as tablesOf, withTables } from './tables.ts'

const plan = {
  repetitions: { json: 1, others: 1 },
  settleMs: 50,
  warmUpMs: 10,
  closedMs: 50,
  openMs: 150,
  largeMs: 20,
  streams: 1,
  held: 20,
  coldCallers: 1,
  replicas: 1,
  storm: { callers: 20, storms: 1 },
  processes: { turns: 1, durationMs: 100 },
  verifications: 10,
  starts: 0,
  budgetMs: 0
}
const others = ['direct', 'bare proxy', 'Weft, service key']
const large = ['direct', 'bare streaming proxy', 'Weft, service key']
const credentials = ['Weft, Weft token (JWT)', 'Weft, personal token', 'Weft, session']

test('a tiny run measures every case and variant, and Weft answers each call through all of them', async () => {
  const report = await bench(plan, inject('superuserUrl'), () => undefined)
  expect(faultsOf(report)).toEqual([])
  expect(report.isCutShort).toBe(false)
  for (const name of caseNames) {
    const runs = report.runs.filter((run) => run.case === name)
    const few = cases[name].kind === 'large' ? large : others
    const expected = name === 'json-2k' ? [...others, ...credentials] : few
    expect(runs.map(({ variant }) => variant)).toEqual(expect.arrayContaining(expected))
    for (const { calls, p50, p99 } of runs) {
      expect(calls).toBeGreaterThan(0)
      expect(p50).toBeGreaterThan(0)
      expect(p99).toBeGreaterThanOrEqual(p50)
    }
  }
  expect(report.after.residentMiB).toBeGreaterThan(20)
  for (const { title, rows } of report.sections) {
    const figures = rows.flatMap(([, ...cells]) => cells)
    expect(figures.length, title).toBeGreaterThan(0)
    expect(figures, title).not.toContain('–')
  }
  const tables = tablesOf(report)
  for (const variant of [...others, ...credentials]) expect(tables).toContain(`| ${variant} |`)
  for (const { title } of Object.values(cases)) expect(tables).toContain(`### ${title}`)
}, 300_000)

const twoParts = (measured: string, scale: string) =>
  `# A\n\n<!-- measured -->\n\n${measured}\n\n<!-- end -->\n\nB\n\n<!-- scale -->\n\n${scale}\n\n<!-- end -->\n`

test('the tables of a run take the place of those before them, and nothing else changes', () => {
  const first = withTables(twoParts('old', 'kept'), '| 1 |\n', 'measured')
  expect(first).toBe(twoParts('| 1 |', 'kept'))
  expect(withTables(first, '| 1 |\n', 'measured')).toBe(first)
  expect(withTables(first, '| 2 |\n', 'scale')).toBe(twoParts('| 1 |', '| 2 |'))
  expect(() => withTables('# A\n', '| 1 |\n', 'scale')).toThrow(TypeError)
})

test('coarse figures are never written, and an argument that is none is refused', () => {
  expect(() => readOptions(['--quick', '--write'])).toThrow(TypeError)
  expect(() => readOptions(['--fast'])).toThrow(TypeError)
  expect(() => readOptions(['--scale', '--quick'])).toThrow(TypeError)
  const none = { isHelp: false, isWritten: false, isQuick: false, isScale: false, hasRivals: false }
  expect(readOptions(['--quick'])).toEqual({ ...none, isQuick: true })
  expect(readOptions(['--scale', '--write'])).toEqual({ ...none, isScale: true, isWritten: true })
})
