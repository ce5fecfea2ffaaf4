/**
 * Makes a clone ready and starts a program in it, on whatever Node the machine has (20 or newer).
 * Owns: installing packages, generating the database client, knowing which of both is still to do.
 * Touches npm, node_modules and stderr; never stdout, never the program's own settings.
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = join(root, 'node_modules')
const pinnedNode = join(modules, 'node', 'bin', 'node')
const client = join(root, 'src', 'store', 'generated')
const stamp = join(modules, '.weft-setup')
const nodeMajorMin = 20
const parentPollMs = 500
const stopMs = 20_000

class SetupError extends Error {}

/** The Node that programs run on: the pinned one, else the machine's own where that is new enough. */
function programNode() {
  if (existsSync(pinnedNode)) return pinnedNode
  if (Number.parseInt(process.versions.node, 10) >= 24) return process.execPath
  throw new SetupError(
    `no Node 24 for ${process.platform}-${process.arch} came with the packages: install Node 24, then run this again`
  )
}

/** The machine's PATH: npm puts our node_modules/.bin in front, and `npm ci` deletes what is there. */
function machinePath() {
  const parts = (process.env.PATH ?? '').split(delimiter)
  return parts.filter((part) => !part.startsWith(modules)).join(delimiter)
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null
}

/** Whether node_modules holds what the lockfile asks for: npm writes its own record once all is in place. */
function isInstalled() {
  const wanted = readJson(join(root, 'package-lock.json'))?.packages
  const found = readJson(join(modules, '.package-lock.json'))?.packages
  if (!wanted || !found || !existsSync(pinnedNode)) return false
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

    const parent = process.ppid
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
  const npm = process.env.npm_execpath
  const args = [
    'ci',
    '--include=dev',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--loglevel=error'
  ]
  // npm's own Node, not ours: ours is about to be deleted and installed anew.
  const isNodeScript = npm?.endsWith('.js') && process.env.npm_node_execpath
  const hostNode = process.env.npm_node_execpath?.startsWith(modules)
    ? 'node'
    : process.env.npm_node_execpath
  await step(
    'install packages (npm ci)',
    isNodeScript ? hostNode : 'npm',
    isNodeScript ? [npm, ...args] : args,
    { PATH: machinePath(), NODE_ENV: 'development', PRISMA_SCHEMA_ENGINE_BINARY: process.execPath },
    'Packages come from the npm registry and nothing else is downloaded. If this machine is offline or\n' +
      'behind a proxy, make npm reach a registry (`npm config set registry URL`, or HTTPS_PROXY), check\n' +
      'with `npm ping`, and run the same command again. It goes on where it stopped.'
  )
}

async function generate() {
  const prisma = join(modules, 'prisma', 'build', 'index.js')
  await step(
    'generate the database client (prisma generate)',
    programNode(),
    [prisma, 'generate'],
    { PRISMA_HIDE_UPDATE_MESSAGE: '1', CHECKPOINT_DISABLE: '1' },
    'prisma/schema.prisma may not be valid; `npx prisma validate` says where.'
  )
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (err) {
    return err.code === 'EPERM'
  }
}

/** Two commands started at once in one clone set it up one after the other. */
async function withLock(work) {
  const lock = join(tmpdir(), `weft-setup-${createHash('sha256').update(root).digest('hex')}`)
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
      break
    } catch (err) {
      if (err.code !== 'EEXIST') throw err
      const holder = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : 0)
      if (holder > 0 && !isAlive(holder)) rmSync(lock, { force: true })
      else await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
  try {
    await work()
  } finally {
    rmSync(lock, { force: true })
  }
}

/** What the generated client is made from; anything else makes it anew. */
function schemaFingerprint() {
  const hash = createHash('sha256')
  for (const file of ['package-lock.json', 'prisma.config.ts', join('prisma', 'schema.prisma')]) {
    hash.update(`\0${file}\0`).update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

async function setUp() {
  if (!isInstalled()) await install()
  const fingerprint = schemaFingerprint()
  const isGenerated = existsSync(client) && existsSync(stamp)
  if (isGenerated && readFileSync(stamp, 'utf8') === fingerprint) return
  await generate()
  writeFileSync(stamp, fingerprint)
}

async function main(args) {
  if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
    throw new SetupError(`Node ${nodeMajorMin} or newer is needed; this is ${process.version}`)
  }
  await withLock(setUp)
  if (args.length === 0) return 0
  const path = [join(modules, '.bin'), machinePath()].join(delimiter)
  const env = { ...process.env, PATH: path }
  return (await run(programNode(), args, { env, stdio: 'inherit' })).exitCode
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (err) {
  if (!(err instanceof SetupError)) throw err
  process.stderr.write(`set-up: ${err.message}\n`)
  process.exitCode = 1
}
