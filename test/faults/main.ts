/**
 * `npm run test:faults -- [--only NAME] [--list] [--json]`: breaks one thing after the other around real server
 * processes, and tells of each what was done, what was promised and what was seen. Exit 1 when a promise was not kept.
 */
import { lineOf, type Report, tryFault } from './fault.ts'
import { faults } from './faults.ts'
import { type FaultOptions, help, readOptions } from './options.ts'
import { createStage } from './stage.ts'

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
const stage = createStage()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void stage.close().finally(() => process.exit(130)))
}
const reports: Report[] = []
try {
  for (const fault of chosen) {
    const report = await tryFault(fault, stage)
    reports.push(report)
    say(options.isJson ? JSON.stringify(report) : lineOf(report))
  }
} finally {
  await stage.close()
}
const broken = reports.filter((report) => report.broken.length > 0)
const skipped = reports.filter((report) => report.skipped !== null)
const total = reports.reduce((sum, report) => sum + report.seconds, 0)
const words = `${reports.length - broken.length - skipped.length} kept, ${broken.length} broken, ${skipped.length} skipped, ${total.toFixed(0)} s`
if (!options.isJson) say(words)
process.exit(broken.length === 0 ? 0 : 1)
