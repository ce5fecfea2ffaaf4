import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { setTimeout as pause } from 'node:timers/promises'
import { StackError } from '../stack-error.ts'
import { endWithUs } from '../watcher.ts'
import type { Account } from './account.ts'
import type { Placement } from './placement.ts'

export const serverEnv = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
export const superuser = 'postgres'

/** Runs `initdb` into a folder beside and renames it, so that a data folder is whole or absent. */
export async function initialise(at: Placement, password: string, durable: boolean) {
  const fresh = `${at.dataDir}.new`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(dirname(at.dataDir), { recursive: true })
  mkdirSync(fresh, { mode: 0o700 })
  const secrets = mkdtempSync(join(tmpdir(), 'weft-postgres-'))
  const pwfile = join(secrets, 'password')
  writeFileSync(pwfile, `${password}\n`, { mode: 0o600 })
  for (const path of [fresh, secrets, pwfile]) give(path, at.account)
  try {
    const child = spawn(
      at.initdb,
      [
        `--pgdata=${fresh}`,
        `--username=${superuser}`,
        `--pwfile=${pwfile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        ...(durable ? [] : ['--no-sync'])
      ],
      { ...at.account, cwd: '/', env: serverEnv, stdio: ['ignore', 'pipe', 'pipe'] }
    )
    endWithUs(child, 'TERM')
    const outcome = await collect(child)
    if (outcome.code !== 0) throw new StackError(`Postgres' initdb failed:\n${outcome.output}`)
  } finally {
    rmSync(secrets, { recursive: true, force: true })
  }
  rmSync(at.dataDir, { recursive: true, force: true })
  renameSync(fresh, at.dataDir)
}

/** Whether `dataDir` holds data; refuses what is neither data of this version nor an empty folder. */
export function isInitialised(dataDir: string): boolean {
  if (!existsSync(dataDir)) return false
  const version = join(dataDir, 'PG_VERSION')
  if (!existsSync(version)) {
    if (readdirSync(dataDir).length === 0) return false
    throw new StackError(`${dataDir} is not empty and holds no Postgres data; name another folder.`)
  }
  const major = readFileSync(version, 'utf8').trim()
  if (major === '18') return true
  throw new StackError(
    `${dataDir} holds data of PostgreSQL ${major}, this is 18; empty it with npm run reset.`
  )
}

/** The superuser's password, kept in a 0600 file; set anew in the stopped cluster when that was lost. */
export async function keepPassword(at: Placement, file: string): Promise<string> {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim()
  const password = newPassword()
  const child = spawn(at.postgres, ['--single', '-D', at.dataDir, 'postgres'], {
    ...at.account,
    cwd: '/',
    env: serverEnv,
    stdio: ['pipe', 'pipe', 'pipe']
  })
  child.stdin.end(`ALTER ROLE ${superuser} PASSWORD '${password}'\n`)
  const outcome = await collect(child)
  if (outcome.code !== 0) {
    throw new StackError(`The password in ${file} is lost and could not be set anew.`)
  }
  writePassword(file, password)
  return password
}

export function newPassword(): string {
  return randomBytes(24).toString('base64url')
}

export function writePassword(file: string, password: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${password}\n`, { mode: 0o600 })
  chmodSync(file, 0o600)
}

/** Stops a server that outlived its owner in this data folder; refuses when the owner still lives. */
export async function stopStale(dataDir: string, ownerFile: string, log: (line: string) => void) {
  const pid = firstNumber(join(dataDir, 'postmaster.pid'))
  if (pid === undefined || !commandOf(pid)?.includes(dataDir)) return
  const owner = firstNumber(ownerFile)
  if (owner !== undefined && parentOf(pid) === owner) {
    throw new StackError(
      `The database in ${dataDir} is in use by process ${owner}; stop that first.`
    )
  }
  log(`stopping the server (process ${pid}) that an earlier crash left behind`)
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    process.kill(pid, signal)
    for (let tries = 0; tries < 100; tries++) {
      await pause(50)
      if (commandOf(pid) === undefined) return
    }
  }
}

function give(path: string, account: Account): void {
  if ('uid' in account) chownSync(path, account.uid, account.gid)
}

function firstNumber(file: string): number | undefined {
  if (!existsSync(file)) return undefined
  const value = Number.parseInt(readFileSync(file, 'utf8'), 10)
  return Number.isSafeInteger(value) && value > 1 ? value : undefined
}

function commandOf(pid: number): string | undefined {
  return ask(`/proc/${pid}/cmdline`, ['-o', 'command=', '-p', String(pid)]) || undefined
}

function parentOf(pid: number): number | undefined {
  if (existsSync(`/proc/${pid}/stat`)) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  }
  return Number(ask('', ['-o', 'ppid=', '-p', String(pid)])) || undefined
}

function ask(procFile: string, psArgs: string[]): string {
  try {
    if (process.platform === 'linux') return readFileSync(procFile, 'utf8').replaceAll('\0', ' ')
    return execFileSync('ps', psArgs, { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}

async function collect(child: ChildProcess): Promise<{ code: number | null; output: string }> {
  let output = ''
  const take = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-4000)
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: null, output: `${output}${error.message}` }))
    child.on('close', (code) => resolve({ code, output }))
  })
}
