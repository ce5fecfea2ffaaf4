/**
 * `npm run tour`: walks the main job end to end and says how each step went.
 * Owns: which stack it walks, and the exit code. May touch: a stack that runs, or one that it starts.
 * Never: passes when a step did anything but what it should.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { defaultDataDir } from './data-folder.ts'
import { StackError } from './stack-error.ts'
import { running, type StackSummary } from './stack-file.ts'
import { tourSteps } from './tour/steps.ts'
import { startTemporaryStack, type TemporaryStack } from './tour/temporary-stack.ts'

const help = `Walks the main job of Weft end to end and prints each step.

  npm run tour -- [options]

  --stack FILE   walk the stack whose --json line FILE holds
  --fresh        start a stack of its own on free ports, also when one is running

Without options it walks the running stack of this repository, or starts one of its own.
`

const { values } = parseArgs({
  options: {
    stack: { type: 'string' },
    fresh: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' }
  }
})

async function find(): Promise<{ summary: StackSummary; own: TemporaryStack | undefined }> {
  if (values.stack !== undefined) {
    const lines = readFileSync(values.stack, 'utf8').trim().split('\n')
    return { summary: JSON.parse(lines.at(-1) ?? ''), own: undefined }
  }
  const held = values.fresh ? undefined : running(join(defaultDataDir(), 'stack.json'))
  if (held?.summary) return { summary: held.summary, own: undefined }
  process.stdout.write('Starting a stack on free ports with data of its own …\n')
  const own = await startTemporaryStack()
  return { summary: own.summary, own }
}

async function walk(summary: StackSummary): Promise<boolean> {
  process.stdout.write(`Walking ${summary.weft}\n`)
  const { steps, cleanUp } = tourSteps(summary)
  const startedAt = performance.now()
  let done = 0
  for (const { title, run } of steps) {
    const from = performance.now()
    const tell = (mark: string, text: string) =>
      process.stdout.write(
        `${mark} ${title} (${Math.round(performance.now() - from)} ms): ${text}\n`
      )
    try {
      tell('✓', await run())
      done++
    } catch (error) {
      tell('✗', error instanceof Error ? error.message : 'unknown error')
      break
    }
  }
  await cleanUp()
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(`${done} of ${steps.length} steps did what they should, in ${seconds} s\n`)
  return done === steps.length
}

async function run(): Promise<number> {
  if (values.help) {
    process.stdout.write(help)
    return 0
  }
  const { summary, own } = await find()
  try {
    return (await walk(summary)) ? 0 : 1
  } finally {
    await own?.stop()
  }
}

try {
  process.exitCode = await run()
} catch (error) {
  const words = error instanceof StackError ? error.message : error
  process.stderr.write(`${words instanceof Error ? words.stack : words}\n`)
  process.exitCode = 1
}
