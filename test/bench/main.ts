/** `npm run bench`: what a hop through Weft costs; see options.ts. Exit 1 when a figure can't be trusted. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startPostgres } from '../../src/local/postgres.ts'
import { bench, faultsOf, type Report } from './bench.ts'
import { help, plans, readOptions } from './options.ts'
import { describe, withTables } from './tables.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const document = join(root, 'docs', 'performance.md')

const say = (line: string) => void process.stderr.write(`bench: ${line}\n`)

async function run(isQuick: boolean): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-bench-'))
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: 0 })
  try {
    return await bench(isQuick ? plans.quick : plans.full, postgres.superuserUrl, say)
  } finally {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function keepRawData(report: Report): Promise<string> {
  const folder = join(root, '.data', 'bench')
  await mkdir(folder, { recursive: true })
  const at = new Date().toISOString()
  const file = join(folder, `${at.replaceAll(':', '-')}.json`)
  await writeFile(file, `${JSON.stringify({ at, ...report }, null, 2)}\n`)
  return file
}

async function writeDocument(tables: string): Promise<void> {
  await writeFile(document, withTables(await readFile(document, 'utf8'), tables))
}

function optionsOrExit() {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n\n${help}`)
    process.exit(2)
  }
}

const options = optionsOrExit()
if (options.isHelp) {
  process.stdout.write(help)
  process.exit()
}
try {
  const report = await run(options.isQuick)
  const tables = describe(report)
  process.stdout.write(tables)
  say(`raw data: ${await keepRawData(report)}`)
  const faults = faultsOf(report)
  for (const fault of faults) say(`FAULT ${fault}`)
  if (faults.length > 0) process.exitCode = 1
  else if (options.isWritten) await writeDocument(tables)
} catch (error) {
  say(error instanceof Error ? `failed: ${error.stack}` : 'failed')
  process.exitCode = 1
}
// The world's connections may outlive it.
process.exit()
