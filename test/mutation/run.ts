/**
 * `npm run test:mutation -- [room …] [--only src/crypto/bearer.ts …] [--force]`: changes the source in every way
 * that Stryker knows, one change at a time, and sees whether a test notices. Exit 1 when a score is under the goal.
 * What is known from the last run is not tried again unless its source or a test has changed, or by force.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'
import { mutatedRooms } from './rooms.ts'

const scoreMin = 85
const root = join(import.meta.dirname, '..', '..')

/** Changes that time out count as noticed; those that no test reaches count against the score. */
const weights: Readonly<Record<string, number>> = {
  Killed: 1,
  Timeout: 1,
  Survived: 0,
  NoCoverage: 0
}

/** Per cent of the changes that a test noticed. */
async function scoreOf(name: string, mutate: readonly string[], isForced: boolean) {
  const folder = `.data/mutation/${name}`
  // Of a run that was stopped.
  rmSync(join(root, folder, 'sandbox'), { recursive: true, force: true })
  const stryker = new Stryker({
    mutate: [...mutate],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner'],
    // Not `testFiles`: with it, what stands outside functions would never be changed.
    vitest: { configFile: `test/mutation/${name}.config.ts`, related: false },
    coverageAnalysis: 'perTest',
    concurrency: 2,
    incremental: true,
    incrementalFile: `${folder}/incremental.json`,
    force: isForced,
    tempDirName: `${folder}/sandbox`,
    // It would rewrite tsconfig.json by an interface that the native TypeScript does not have.
    ignorePatterns: ['/tsconfig.json', '/.data', '/deploy', '/docs', '/coverage'],
    reporters: ['progress-append-only', 'clear-text', 'json'],
    clearTextReporter: { allowColor: false, allowEmojis: false, reportTests: false },
    jsonReporter: { fileName: `${folder}/report.json` },
    dryRunTimeoutMinutes: 20
  })
  const results = await stryker.runMutationTest()
  const noticed = results.flatMap(({ status }) => weights[status] ?? [])
  return (100 * noticed.reduce((sum, weight) => sum + weight, 0)) / noticed.length
}

process.chdir(root)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    force: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true }
  }
})
for (const name of positionals.length > 0 ? positionals : Object.keys(mutatedRooms)) {
  const mutate = mutatedRooms[name]
  if (mutate === undefined) throw new TypeError(`no such room: ${name}`)
  const score = await scoreOf(name, values.only ?? mutate, values.force)
  process.stdout.write(`${name}: ${score.toFixed(1)} % noticed, ${scoreMin} % wanted\n`)
  if (!(score >= scoreMin)) process.exitCode = 1
}
