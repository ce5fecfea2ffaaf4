/**
 * `npm run test:faults -- [--only NAME] [--list] [--json]`: breaks one thing after the other around real server
 * processes, and tells of each what was done, what was promised and what was seen. Exit 1 when a promise was not kept.
 */
import { type Fault, lineOf, type Report, tryFault } from './fault.ts'
import { faults } from './faults.ts'
import { type FaultOptions, help, readOptions } from './options.ts'
import { createStage, type Stage } from './stage.ts'

function optionsOrExit(): FaultOptions {
  const names = faults.map(({ name }) => name)
  try {
    return readOptions(process.argv.slice(2), names)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${help}`)
    process.exit(2)
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

const options = optionsOrExit()
if (options.isHelp) process.stdout.write(help)
if (options.isList) for (const { name, checks, done } of faults) say(`${name} (${checks}): ${done}`)
if (options.isHelp || options.isList) process.exit()

const chosen = faults.filter(({ name }) => options.only.length === 0 || options.only.includes(name))
const [stage, aside] = [createStage(), createStage()]
const close = () => Promise.all([stage.close(), aside.close()])
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void close().finally(() => process.exit(130)))
}
const reports: Report[] = []
const startedMs = performance.now()
async function tell(fault: Fault, at: Stage): Promise<void> {
  const report = await tryFault(fault, at)
  reports.push(report)
  say(options.isJson ? JSON.stringify(report) : lineOf(report))
}
try {
  const beside = chosen.filter(({ isPatient }) => isPatient).map((fault) => tell(fault, aside))
  for (const fault of chosen) if (!fault.isPatient) await tell(fault, stage)
  await Promise.all(beside)
} finally {
  await close()
}
const broken = reports.filter((report) => report.broken.length > 0)
const skipped = reports.filter((report) => report.skipped !== null)
const total = (performance.now() - startedMs) / 1_000
const words = `${reports.length - broken.length - skipped.length} kept, ${broken.length} broken, ${skipped.length} skipped, ${total.toFixed(0)} s`
if (!options.isJson) say(words)
process.exit(broken.length === 0 ? 0 : 1)
