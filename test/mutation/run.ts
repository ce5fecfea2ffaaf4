/**
 * `npm run test:mutation -- [room …] [--force]`: changes each room's source in every way that Stryker knows, one
 * change at a time, and sees whether its tests notice. Exit 1 when a room's score is under the goal.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'
import { mutatedRooms } from './rooms.ts'

const scoreMin = 85
const root = join(import.meta.dirname, '..', '..')

interface Count {
  noticed: number
  all: number
}

/** Changes that time out count as noticed; those that no test reaches count against the score. */
const weights: Readonly<Record<string, number>> = {
  Killed: 1,
  Timeout: 1,
  Survived: 0,
  NoCoverage: 0
}

async function runRoom(name: string, mutate: readonly string[], isForced: boolean) {
  const folder = `.data/mutation/${name}`
  const stryker = new Stryker({
    mutate: [...mutate],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    // Not `testFiles`: with it, what stands outside functions would never be changed.
    vitest: { configFile: `test/mutation/${name}.config.ts`, related: false },
    coverageAnalysis: 'perTest',
    concurrency: 1,
    incremental: true,
    incrementalFile: `${folder}/incremental.json`,
    force: isForced,
    tempDirName: `${folder}/sandbox`,
    // It would rewrite tsconfig.json by an interface that the native TypeScript does not have.
    ignorePatterns: ['/tsconfig.json', '/.data', '/deploy', '/docs', '/coverage'],
    reporters: ['clear-text', 'json'],
    clearTextReporter: { allowColor: false, allowEmojis: false, reportTests: false },
    jsonReporter: { fileName: `${folder}/report.json` },
    dryRunTimeoutMinutes: 20
  })
  const results = await stryker.runMutationTest()
  rmSync(join(root, folder, 'sandbox'), { recursive: true, force: true })
  const counts = new Map<string, Count>()
  for (const { fileName, status } of results) {
    const weight = weights[status]
    if (weight === undefined) continue
    const count = counts.get(fileName) ?? { noticed: 0, all: 0 }
    counts.set(fileName, { noticed: count.noticed + weight, all: count.all + 1 })
  }
  return counts
}

function scoreOf(counts: readonly Count[]): number {
  const sum = (member: keyof Count) => counts.reduce((total, count) => total + count[member], 0)
  return (100 * sum('noticed')) / sum('all')
}

process.chdir(root)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { force: { type: 'boolean', default: false } }
})
for (const name of positionals.length > 0 ? positionals : Object.keys(mutatedRooms)) {
  const mutate = mutatedRooms[name]
  if (mutate === undefined) throw new TypeError(`no such room: ${name}`)
  const counts = await runRoom(name, mutate, values.force)
  const score = scoreOf([...counts.values()])
  process.stdout.write(`${name}: ${score.toFixed(1)} % noticed, ${scoreMin} % wanted\n`)
  if (!(score >= scoreMin)) process.exitCode = 1
}
