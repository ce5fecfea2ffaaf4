import { afterAll, expect, inject, test } from 'vitest'
import { connectionsDropped, diskFull } from './database.ts'
import { tryFault } from './fault.ts'
import { faults } from './faults.ts'
import { readOptions } from './options.ts'
import { createStage } from './stage.ts'
import { quickStop } from './stopping.ts'
import { migrations } from './upgrades.ts'

/** The quick ones of `npm run test:faults`, which also tries the others. */
const quick = [quickStop, connectionsDropped, diskFull, migrations]
const stage = createStage(inject('superuserUrl'))
afterAll(() => stage.close())

test.each(quick.map((fault) => [fault.checks, fault.done, fault.promised, fault] as const))(
  '%s %s: %s',
  { timeout: 120_000 },
  async (_checks, _done, _promised, fault) => {
    const { broken } = await tryFault(fault, stage)
    expect(broken).toEqual([])
  }
)

test('every fault has a name of its own, by which it alone is tried', () => {
  const names = faults.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  expect(readOptions(['--only', 'stop', '--json'], names)).toMatchObject({ only: ['stop'] })
  expect(() => readOptions(['--only', 'nothing'], names)).toThrow('no such fault: nothing')
})
