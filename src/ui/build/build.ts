/**
 * Owns: making the pages ready to be served – types of the API, bundle, compressed copies – and knowing whether that is still to do.
 * Touches: src/ui/generated and src/ui/dist, which git ignores; reads what the pages are made from.
 * Never: runs as part of the server, which only reads src/ui/dist.
 */
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, env } from 'node:process'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { type OpenApi, operationsText } from './operations.ts'

const ui = join(import.meta.dirname, '..')
const root = join(ui, '..', '..')
const dist = join(ui, 'dist')
const generated = join(ui, 'generated')
const document = join(root, 'docs', 'openapi.json')
const stamp = join(dist, 'fingerprint')

/** What the pages are made from; anything else makes them anew. */
function fingerprint(): string {
  const own = globSync('**/*.{ts,tsx,css,html,json,svg}', {
    cwd: ui,
    exclude: (path) => path === 'dist' || path === 'generated'
  })
  const hash = createHash('sha256')
  for (const path of [...own.sort().map((path) => join(ui, path)), lockfile(), document]) {
    hash.update(`\0${path.slice(root.length)}\0`).update(readFileSync(path))
  }
  return hash.digest('hex')
}

function lockfile(): string {
  return join(root, 'package-lock.json')
}

function readStamp(): string {
  try {
    return readFileSync(stamp, 'utf8')
  } catch {
    return ''
  }
}

function writeOperations(): void {
  const openApi: OpenApi = JSON.parse(readFileSync(document, 'utf8'))
  mkdirSync(generated, { recursive: true })
  writeFileSync(join(generated, 'operations.ts'), operationsText(openApi))
}

/** Compressed once here, so that no request pays for it. */
function compress(folder: string): void {
  for (const path of globSync('**/*.{js,css,svg}', { cwd: folder })) {
    const file = join(folder, path)
    const content = readFileSync(file)
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9 }
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params }))
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }))
  }
}

async function bundle(outDir: string): Promise<void> {
  // Whoever starts us may be under test; the pages are not.
  env.NODE_ENV = 'production'
  const { build } = await import('vite')
  await build({ configFile: join(ui, 'vite.config.ts'), build: { outDir }, logLevel: 'warn' })
}

/** The new files take the old ones' place at the end, so that nobody reads half of them. */
async function buildPages(print: string): Promise<void> {
  const fresh = `${dist}.${process.pid}`
  try {
    await bundle(fresh)
    compress(fresh)
    writeFileSync(join(fresh, 'fingerprint'), print)
    rmSync(dist, { recursive: true, force: true })
    renameSync(fresh, dist)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

writeOperations()
if (argv[2] !== '--types') {
  const print = fingerprint()
  const isBuilt = readStamp() === print
  if (argv[2] === '--is-built') process.exitCode = isBuilt ? 0 : 1
  else if (!isBuilt) await buildPages(print)
}
