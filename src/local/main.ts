/**
 * `npm start`: the local stack as a process.
 * Owns: arguments, signals, exit codes; with src/main.ts the only reader of process.env. May touch: the stack.
 * Never: leaves anything running.
 */
import process from 'node:process'
import { announcement } from './announcement.ts'
import { help, parseArguments } from './arguments.ts'
import { defaultDataDir } from './data-folder.ts'
import { inheritedFrom } from './inherited.ts'
import { createStack } from './stack.ts'
import { StackError } from './stack-error.ts'

const parentPollMs = 500

async function run(): Promise<number> {
  const args = parseArguments(process.argv.slice(2))
  if (args.isHelp) {
    process.stdout.write(help)
    return 0
  }
  const said = args.isJson ? process.stderr : process.stdout
  const startedAt = performance.now()
  const stack = createStack({
    ...args,
    dataDir: args.dataDir ?? defaultDataDir(),
    inherited: inheritedFrom(process.env),
    isDurable: true,
    say: (line) => said.write(`${line}\n`),
    writeLog: (text) => process.stderr.write(text)
  })
  let isStopping = false
  const stopped = untilAskedToStop().then(async (reason) => {
    isStopping = true
    said.write(`Stopping (${reason})\n`)
    await stack.stop()
    return 0
  })
  const ran = async (): Promise<number> => {
    const { summary, broken } = await stack.start()
    if (args.isJson) process.stdout.write(`${JSON.stringify(summary)}\n`)
    else said.write(announcement(summary))
    said.write(`Ready in ${((performance.now() - startedAt) / 1000).toFixed(1)} s\n`)
    const reason = await broken
    if (isStopping) return stopped
    process.stderr.write(`${reason}\n`)
    await stack.stop()
    return 1
  }
  // what falls over because it is being stopped is no failure
  const outcome = ran().catch((error: unknown) => {
    if (isStopping) return stopped
    throw error
  })
  return Promise.race([stopped, outcome])
}

/** Ctrl-C, a kill, a closed terminal, or the end of whoever started us. */
function untilAskedToStop(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => resolve(signal))
    }
    const parent = process.ppid
    // Under npm our parent is a process of ours; the first process of all is nobody's parent by choice.
    const isOrphan = parent === 1 && process.env.npm_lifecycle_event !== undefined
    if (isOrphan) resolve('the process that started this is gone')
    const poll = setInterval(() => {
      if (process.ppid !== parent) resolve('the process that started this is gone')
    }, parentPollMs)
    poll.unref()
  })
}

// a reader of our output that has gone is no reason to fall over half-way through stopping
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

try {
  process.exit(await run())
} catch (error) {
  const words = error instanceof StackError ? error.message : error
  process.stderr.write(`${words instanceof Error ? words.stack : words}\n`)
  process.exit(1)
}
