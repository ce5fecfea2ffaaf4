/**
 * Makes a clone ready and starts a program in it, on whatever Node the machine has (20 or newer).
 * Owns: installing packages, generating the database client, building the pages, knowing what is still to do.
 * Touches npm, node_modules and stderr; never stdout, never the program's own settings.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Read at once: whoever started us may be gone before there is a program to tell. */
const parent = process.ppid
const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const pinnedNode = join(modules, 'node', 'bin', 'node')
const client = join(root, 'src', 'store', 'generated')
const stamp = join(modules, '.weft-setup')
const ui = join(root, 'src', 'ui')
const pagesBuild = join(ui, 'build', 'build.ts')
const pagesStamp = join(modules, '.weft-pages')
const setUpMajorMin = 20
const programMajorMin = 24
const parentPollMs = 500
const stopMs = 20_000

class SetupError extends Error {}

function majorVersion() {
  return Number.parseInt(process.versions.node, 10)
}

/** The Node that programs run on: the pinned one, else the machine's own where that is new enough. */
function findNode() {
  if (existsSync(pinnedNode)) return pinnedNode
  return majorVersion() >= programMajorMin ? process.execPath : null
}

/** The machine's PATH: npm puts our node_modules/.bin in front, and `npm ci` deletes what is there. */
function machinePath() {
  const parts = (process.env.PATH ?? '').split(delimiter)
  return parts.filter((part) => !part.startsWith(modules)).join(delimiter)
}

/** A file's text, empty where there is no such file. */
function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch (err) {
    if (err.code !== 'ENOENT') throw err
    return ''
  }
}

/** Whether node_modules holds what the lockfile asks for: npm writes its own record once all is in place. */
function isInstalled() {
  const record = readText(join(modules, '.package-lock.json'))
  if (record === '' || findNode() === null) return false
  const wanted = JSON.parse(readText(join(root, 'package-lock.json'))).packages
  const found = JSON.parse(record).packages
  const isSame = ([path, { version, integrity }]) =>
    wanted[path]?.version === version && wanted[path]?.integrity === integrity
  return (
    Object.entries(found).every(isSame) &&
    Object.entries(wanted).every(([path, entry]) => path === '' || entry.optional || found[path])
  )
}

/** Runs a child to its end; signals reach it, and it does not outlive the process that started us. */
function run(command, args, options) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, ...options })
    const output = []
    child.stdout?.on('data', (chunk) => output.push(chunk))
    child.stderr?.on('data', (chunk) => output.push(chunk))

    const told = new Set()
    const tell = (signal) => {
      if (!told.has(signal)) child.kill(signal)
      told.add(signal)
    }
    // A terminal's Ctrl-C has reached the child already: it shares our process group.
    const onInterrupt = () => process.stdin.isTTY || tell('SIGINT')
    const onTerminate = () => tell('SIGTERM')
    process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate).on('SIGHUP', onTerminate)

    const watch = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(watch)
      tell('SIGTERM')
      setTimeout(() => child.kill('SIGKILL'), stopMs).unref()
    }, parentPollMs)

    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearInterval(watch)
      process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate).off('SIGHUP', onTerminate)
      const exitCode = code ?? 128 + constants.signals[signal]
      resolve({ exitCode, wasStopped: told.size > 0, output: Buffer.concat(output).toString() })
    })
  })
}

/** One line on stderr: what is done and how long it took. */
async function step(title, command, args, env, advice) {
  const startedAt = performance.now()
  process.stderr.write(`set-up: ${title} … `)
  const { exitCode, wasStopped, output } = await run(command, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stderr.write(`${exitCode === 0 ? 'done' : 'FAILED'} in ${seconds} s\n`)
  if (wasStopped) throw new SetupError('stopped')
  if (exitCode === 0) return
  const lastLines = output.trimEnd().split('\n').slice(-20).join('\n  ')
  throw new SetupError(`${title} failed (exit ${exitCode}).\n  ${lastLines}\n\n${advice}`)
}

async function install() {
  // The npm that started us, on its own Node: ours is about to be deleted and installed anew.
  const { npm_execpath: npm, npm_node_execpath: node } = process.env
  const isKnown = npm?.endsWith('npm-cli.js') && node && !node.startsWith(modules)
  const [command, ...first] = isKnown ? [node, npm] : ['npm']
  const flags = ['--include=dev', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  await step(
    'install packages (npm ci)',
    command,
    [...first, 'ci', ...flags],
    { PATH: machinePath(), NODE_ENV: 'development', PRISMA_SCHEMA_ENGINE_BINARY: process.execPath },
    'Packages come from the npm registry and nothing else is downloaded. If this machine is offline or\n' +
      'behind a proxy, make npm reach a registry (`npm config set registry URL`, or HTTPS_PROXY), check\n' +
      'with `npm ping`, and run the same command again.'
  )
}

async function generate(node) {
  const prisma = join(modules, 'prisma', 'build', 'index.js')
  await step(
    'generate the database client (prisma generate)',
    node,
    [prisma, 'generate'],
    { PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' },
    'prisma/schema.prisma may not be valid; `npx prisma validate` says where.'
  )
}

async function buildPages(node) {
  const fingerprint = pagesFingerprint()
  if (fingerprint !== null && readText(pagesStamp) === fingerprint) return
  const { exitCode } = await run(node, [pagesBuild, '--is-built'], { stdio: 'ignore' })
  if (exitCode !== 0) {
    await step(
      'build the web pages (vite build)',
      node,
      [pagesBuild],
      {},
      'src/ui may not be whole; `npm run check` says where.'
    )
  }
  writeFileSync(pagesStamp, pagesFingerprint() ?? '')
}

/**
 * The pages and all that they may be made from; null: there are none. Where nothing of it has changed since the
 * build itself was asked, there is no need to ask it again, which costs a fifth of a start.
 */
function pagesFingerprint() {
  const built = join(ui, 'dist', 'fingerprint')
  if (!existsSync(built)) return null
  const own = readdirSync(ui, { recursive: true })
    .filter((path) => /\.[a-z]+$/.test(path) && !/^(dist|generated)\b/.test(path))
    .map((path) => join(ui, path))
  return fingerprintOf([
    built,
    join(root, 'package-lock.json'),
    join(root, 'docs', 'openapi.json'),
    ...own.sort()
  ])
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (err) {
    return err.code === 'EPERM'
  }
}

function takeLock(lock) {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (err) {
    if (err.code !== 'EEXIST') throw err
    return false
  }
}

/** Two commands started at once in one clone set it up one after the other. */
async function withLock(work) {
  const lock = join(tmpdir(), `weft-setup-${createHash('sha256').update(root).digest('hex')}`)
  for (let waits = 0; !takeLock(lock); waits += 1) {
    const holder = Number(readText(lock))
    if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true })
    if (waits === 25) process.stderr.write(`set-up: waiting for process ${holder} (${lock})\n`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** What the generated client is made from; anything else makes it anew. */
function schemaFingerprint() {
  const files = ['package-lock.json', 'prisma.config.ts', join('prisma', 'schema.prisma')]
  return fingerprintOf(files.map((file) => join(root, file)))
}

function fingerprintOf(paths) {
  const hash = createHash('sha256')
  for (const path of paths) hash.update(`\0${path.slice(root.length)}\0`).update(readText(path))
  return hash.digest('hex')
}

/** Does what is still to do, and names the Node to run on. */
async function setUp() {
  if (!isInstalled()) await install()
  const node = findNode()
  if (node === null) {
    throw new SetupError(
      `no Node ${programMajorMin} came with the packages for ${process.platform}-${process.arch}. Are install scripts\n` +
        'switched off (`npm config get ignore-scripts`)? Else install that Node, and run the same command again.'
    )
  }
  const fingerprint = schemaFingerprint()
  if (!existsSync(client) || readText(stamp) !== fingerprint) {
    await generate(node)
    writeFileSync(stamp, fingerprint)
  }
  await buildPages(node)
  return node
}

async function main(args) {
  if (majorVersion() < setUpMajorMin) {
    throw new SetupError(`Node ${setUpMajorMin} or newer is needed; this is ${process.version}`)
  }
  const node = await withLock(setUp)
  if (args.length === 0) return 0
  const env = {
    // What Node compiled once it finds again: half of the time that a process takes to start.
    NODE_COMPILE_CACHE: join(modules, '.cache', 'compiled'),
    ...process.env,
    PATH: [join(modules, '.bin'), machinePath()].join(delimiter)
  }
  return (await run(node, args, { env, stdio: 'inherit' })).exitCode
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (err) {
  if (!(err instanceof SetupError)) throw err
  process.stderr.write(`set-up: ${err.message}\n`)
  process.exitCode = 1
}
