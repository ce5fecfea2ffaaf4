/**
 * `npm run test:mutation -- [room …] [--only src/crypto/bearer.ts …] [--sample 0.3 --seed 1] [--force]`: changes
 * the source in every way that Stryker knows, one change at a time, and sees whether a test notices. Exit 1 when
 * a score is under the goal. What is known from the last run is not tried again unless its source or a test has
 * changed, or by force; of a sample nothing is kept.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Stryker } from '@stryker-mutator/core'
import { mutatedRooms } from './rooms.ts'
import type { Sample } from './sample.ts'

const scoreMin = 85
const root = join(import.meta.dirname, '..', '..')

/** Changes that time out count as noticed; those that no test reaches count against the score. */
const weights: Readonly<Record<string, number>> = {
  Killed: 1,
  Timeout: 1,
  Survived: 0,
  NoCoverage: 0
}

/** 97.5 % point of the normal distribution. */
const z = 1.96

/** Wilson's interval of a share that was counted in a sample, 95 %; per cent. */
function intervalOf(noticed: number, tried: number): readonly [number, number] {
  const share = noticed / tried
  const middle = share + z ** 2 / (2 * tried)
  const half = z * Math.sqrt((share * (1 - share)) / tried + z ** 2 / (4 * tried ** 2))
  const scale = 100 / (1 + z ** 2 / tried)
  return [(middle - half) * scale, (middle + half) * scale]
}

/** How many changes were tried, and how many of them a test noticed. */
async function tryChanges(
  name: string,
  mutate: readonly string[],
  { isForced, sample }: { isForced: boolean; sample: Sample | null }
) {
  const folder = `.data/mutation/${name}`
  // Of a run that was stopped.
  rmSync(join(root, folder, 'sandbox'), { recursive: true, force: true })
  const stryker = new Stryker({
    mutate: [...mutate],
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner', join(import.meta.dirname, 'sample.ts')],
    ...(sample === null ? { incremental: true } : { checkers: ['sample'], sample }),
    // Not `testFiles`: with it, what stands outside functions would never be changed.
    vitest: { configFile: `test/mutation/${name}.config.ts`, related: false },
    coverageAnalysis: 'perTest',
    concurrency: 2,
    // Tests have their own time limits; this one is for what no test can end.
    timeoutMS: 120_000,
    timeoutFactor: 4,
    // It does not know `sample`.
    warnings: {
      unknownOptions: false,
      preprocessorErrors: true,
      unserializableOptions: true,
      slow: true
    },
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
  const tried = results.flatMap(({ status }) => weights[status] ?? [])
  return { tried: tried.length, noticed: tried.reduce((sum, weight) => sum + weight, 0) }
}

process.chdir(root)
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    force: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' }
  }
})
const sample =
  values.sample === undefined ? null : { share: Number(values.sample), seed: values.seed }
for (const name of positionals.length > 0 ? positionals : Object.keys(mutatedRooms)) {
  const mutate = mutatedRooms[name]
  if (mutate === undefined) throw new TypeError(`no such room: ${name}`)
  const options = { isForced: values.force, sample }
  const { tried, noticed } = await tryChanges(name, values.only ?? mutate, options)
  const score = (100 * noticed) / tried
  const [low, high] = intervalOf(noticed, tried)
  const drawn =
    sample === null
      ? ''
      : `, drawn with --sample ${sample.share} --seed ${sample.seed}: ${low.toFixed(1)} to ${high.toFixed(1)} % with 95 % confidence`
  process.stdout.write(
    `${name}: ${score.toFixed(1)} % noticed, ${noticed} of ${tried}${drawn}; ${scoreMin} % wanted\n`
  )
  if (!(score >= scoreMin)) process.exitCode = 1
}
