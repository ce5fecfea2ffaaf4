/** `npm run bench`: what a hop through Weft costs; see options.ts. Exit 1 when a figure can't be trusted. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type PostgresOptions, startPostgres } from '../../src/local/postgres.ts'
import { bench, faultsOf } from './bench.ts'
import { stepAside } from './children.ts'
import { fetchRivals } from './fetched-rivals.ts'
import { sectionText } from './markdown.ts'
import { type BenchOptions, help, plans, readOptions } from './options.ts'
import { measureScale, scalePlan, scaleSettings, scaleSizes } from './scale.ts'
import { type DocumentPart, describe, withTables } from './tables.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const document = join(root, 'docs', 'performance.md')

const say = (line: string) => void process.stderr.write(`bench: ${line}\n`)

/** What a run came to: what is kept as raw data, its tables, and why it can't be trusted. */
interface Run {
  readonly raw: object
  readonly tables: string
  readonly faults: readonly string[]
  readonly part: DocumentPart
}

async function run({ isQuick, isScale }: BenchOptions, superuserUrl: string): Promise<Run> {
  if (isScale) {
    const sections = await measureScale({ sizes: scaleSizes, plan: scalePlan }, superuserUrl, say)
    const tables = `${sections.map(sectionText).join('\n\n')}\n`
    const faults = sections.flatMap((section) => section.faults)
    return { raw: { sections }, tables, faults, part: 'scale' }
  }
  const report = await bench(isQuick ? plans.quick : plans.full, superuserUrl, say)
  return { raw: report, tables: describe(report), faults: faultsOf(report), part: 'measured' }
}

async function withPostgres<T>(
  how: Pick<PostgresOptions, 'durable' | 'settings'>,
  work: (superuserUrl: string) => Promise<T>
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-bench-'))
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), port: 0, ...how })
  try {
    return await work(postgres.superuserUrl)
  } finally {
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

async function keepRawData(raw: object): Promise<string> {
  const folder = join(root, '.data', 'bench')
  await mkdir(folder, { recursive: true })
  const at = new Date().toISOString()
  const file = join(folder, `${at.replaceAll(':', '-')}.json`)
  await writeFile(file, `${JSON.stringify({ at, ...raw }, null, 2)}\n`)
  return file
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
  if (!options.isScale) stepAside()
  const missing = options.hasRivals ? await fetchRivals() : null
  if (missing !== null) say(missing)
  const how = options.isScale ? { durable: false, settings: scaleSettings } : {}
  const { raw, tables, faults, part } = await withPostgres(how, (url) => run(options, url))
  process.stdout.write(tables)
  say(`raw data: ${await keepRawData(raw)}`)
  for (const fault of faults) say(`FAULT ${fault}`)
  if (faults.length > 0) process.exitCode = 1
  else if (options.isWritten) {
    await writeFile(document, withTables(await readFile(document, 'utf8'), tables, part))
  }
} catch (error) {
  say(error instanceof Error ? `failed: ${error.stack}` : 'failed')
  process.exitCode = 1
}
// The world's connections may outlive it.
process.exit()
