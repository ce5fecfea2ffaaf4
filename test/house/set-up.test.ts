import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { root } from './source.ts'

/** A clone with an npm that installs two files, and a Prisma that generates one. */
let clone: string
const started: ChildProcess[] = []

const prisma = `
  const { appendFileSync, mkdirSync } = require('node:fs')
  mkdirSync('src/store/generated', { recursive: true })
  appendFileSync('log', 'generate\\n')
`
const pages = `
  import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
  const built = 'src/ui/dist/fingerprint'
  if (process.argv[2] === '--is-built') {
    appendFileSync('asked', '.')
    process.exit(existsSync(built) ? 0 : 1)
  }
  mkdirSync('src/ui/dist', { recursive: true })
  writeFileSync(built, '')
  appendFileSync('log', 'pages\\n')
`
const npm = `#!/bin/sh
echo "npm $1" >> log
test -f offline && { echo 'npm error network is unreachable' >&2; exit 1; }
rm -rf node_modules
mkdir -p node_modules/node/bin node_modules/prisma/build
ln -s '${process.execPath}' node_modules/node/bin/node
cp prisma.js node_modules/prisma/build/index.js
sleep 0.2
cp package-lock.json node_modules/.package-lock.json
echo 'added 1 package'
`
const program = `
  const [, , ...args] = process.argv
  process.on('SIGTERM', () => { console.log('told'); process.exit(3) })
  if (args[0] === 'wait') setInterval(() => {}, 1000)
  if (args[0] === 'exit') process.exitCode = Number(args[1])
  console.log(JSON.stringify(args))
`

beforeEach(async () => {
  clone = await mkdtemp(join(tmpdir(), 'weft-set-up-'))
  await mkdir(join(clone, 'src/ui/build'), { recursive: true })
  await mkdir(join(clone, 'bin'))
  await copyFile(join(root, 'src/setup.mjs'), join(clone, 'src/setup.mjs'))
  const files = {
    'bin/npm': npm,
    'prisma.js': prisma,
    'src/ui/build/build.ts': pages,
    'program.mjs': program,
    log: ''
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(clone, name), text)
  await chmod(join(clone, 'bin/npm'), 0o755)
  await lock('1.0.0')
})

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  await rm(clone, { recursive: true, force: true })
})

function lock(version: string): Promise<void> {
  const packages = { '': {}, 'node_modules/a': { version, integrity: 'sha512-A' } }
  return writeFile(join(clone, 'package-lock.json'), JSON.stringify({ packages }))
}

const done = async () => (await readFile(join(clone, 'log'), 'utf8')).trim().split('\n')

function start(command: string, args: string[]): ChildProcess {
  const env = { PATH: `${join(clone, 'bin')}:/usr/bin:/bin`, TMPDIR: clone }
  const child = spawn(command, args, { cwd: clone, env, stdio: ['ignore', 'pipe', 'pipe'] })
  started.push(child)
  return child
}

async function ended(child: ChildProcess) {
  const text = { stdout: '', stderr: '' }
  child.stdout?.on('data', (chunk) => {
    text.stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    text.stderr += chunk
  })
  const [code] = await once(child, 'close')
  return { code, ...text }
}

const setUp = (...args: string[]) =>
  start(process.execPath, ['src/setup.mjs', 'program.mjs', ...args])

test('a clean clone is installed, generated and built before the program runs, which has stdout to itself', async () => {
  const { code, stdout, stderr } = await ended(setUp('--json', '--ports', '0'))
  expect(stdout).toBe('["--json","--ports","0"]\n')
  expect(stderr.match(/^set-up: .* … done in \d+\.\d s$/gm)).toHaveLength(3)
  expect(code).toBe(0)
  expect(await done()).toEqual(['npm ci', 'generate', 'pages'])
})

test('what is done is not done again, and what has changed is', async () => {
  await ended(setUp())
  expect((await ended(setUp())).stderr).toBe('')
  await writeFile(join(clone, 'prisma.config.ts'), '// changed')
  await ended(setUp())
  await rm(join(clone, 'src/ui/dist/fingerprint'))
  await ended(setUp())
  expect(await done()).toEqual(['npm ci', 'generate', 'pages', 'generate', 'pages'])
  await lock('1.0.1')
  await ended(setUp())
  expect((await done()).slice(5)).toEqual(['npm ci', 'generate'])
})

test('the build of the pages is asked whether they are built only when something of them has changed', async () => {
  const asked = async () => (await readFile(join(clone, 'asked'), 'utf8')).length
  await ended(setUp())
  await ended(setUp())
  expect(await asked()).toBe(1)
  for (const path of ['src/ui/page.tsx', 'docs/openapi.json', 'src/ui/dist/fingerprint']) {
    const before = await asked()
    await mkdir(dirname(join(clone, path)), { recursive: true })
    await writeFile(join(clone, path), 'changed')
    await ended(setUp())
    await ended(setUp())
    expect(await asked(), path).toBe(before + 1)
  }
})

test('without a registry it says what to do, and the program does not run', async () => {
  await writeFile(join(clone, 'offline'), '')
  const { code, stdout, stderr } = await ended(setUp())
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain('network is unreachable')
  expect(stderr).toContain('npm config set registry')
})

test('two commands at once in one clone install once', async () => {
  const results = await Promise.all([ended(setUp()), ended(setUp())])
  expect(results.map(({ code }) => code)).toEqual([0, 0])
  expect(await done()).toEqual(['npm ci', 'generate', 'pages'])
})

test('the program’s exit code is passed on', async () => {
  expect((await ended(setUp('exit', '7'))).code).toBe(7)
})

test('a signal reaches the program', async () => {
  const child = setUp('wait')
  const end = ended(child)
  if (child.stdout) await once(child.stdout, 'data')
  child.kill('SIGTERM')
  expect(await end).toMatchObject({ code: 3, stdout: '["wait"]\ntold\n' })
})

test('the program is told when the process that started it all is killed', async () => {
  const shell = start('/bin/sh', ['-c', `'${process.execPath}' src/setup.mjs program.mjs wait; :`])
  const end = ended(shell)
  if (shell.stdout) await once(shell.stdout, 'data')
  shell.kill('SIGKILL')
  expect(await end).toMatchObject({ stdout: '["wait"]\ntold\n' })
})
