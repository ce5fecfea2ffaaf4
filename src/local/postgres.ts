/**
 * An embedded PostgreSQL 18 on 127.0.0.1, its data in a folder that is kept.
 * Owns: the server process and its data folder. May touch: child processes, the file system.
 * Never: leaves a server running after this process, listens beyond loopback, logs SQL.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { resolve } from 'node:path'
import process from 'node:process'
import {
  initialise,
  isInitialised,
  keepPassword,
  newPassword,
  serverEnv,
  stopStale,
  superuser,
  writePassword
} from './postgres/cluster.ts'
import { type Placement, place } from './postgres/placement.ts'
import { StackError } from './stack-error.ts'
import { endWithUs } from './watcher.ts'

export { removePostgresData } from './postgres/placement.ts'

export interface PostgresOptions {
  /** Made when absent, used again when present. */
  readonly dataDir: string
  /** 0 picks a free port. */
  readonly port: number
  /** Survive a power cut (fsync); without it, writes are faster and only good for tests. */
  readonly durable?: boolean
  /** Further settings of the server, and others in place of ours. */
  readonly settings?: Readonly<Record<string, string>>
  readonly log?: (line: string) => void
}

export interface RunningPostgres {
  /** `postgres://` URL of the superuser at database `postgres`. */
  readonly superuserUrl: string
  readonly port: number
  /** Where its data lies, which is elsewhere than was wished where its account may not go there. */
  readonly dataDir: string
  /** Of the server's first process, which leads a group of them. */
  readonly pid: number
  /** Settles with the server's last log lines when it ends, asked or not. */
  readonly ended: Promise<string>
  /** A fast shutdown; resolves once the server process has exited. */
  stop(): Promise<void>
}

const readyLine = /database system is ready to accept (read-only )?connections/
const takenLine = /Address already in use/i
const startTimeoutMs = 60_000
const stopTimeoutMs = 15_000
const portAttemptsMax = 5

/** @throws StackError with the server's own log lines when it does not come up */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const log = options.log ?? (() => {})
  const durable = options.durable ?? true
  const settings = { ...(durable ? {} : careless), ...options.settings }
  const at = await place(options.dataDir, log)
  const passwordFile = `${resolve(options.dataDir)}.password`
  const ownerFile = `${resolve(options.dataDir)}.owner`
  await stopStale(at.dataDir, ownerFile, log)
  if (!isInitialised(at.dataDir)) {
    const fresh = newPassword()
    await initialise(at, fresh, durable)
    writePassword(passwordFile, fresh)
  }
  const password = await keepPassword(at, passwordFile)
  writeFileSync(ownerFile, `${process.pid}\n`)
  for (let attempt = 1; ; attempt++) {
    const port = options.port === 0 ? await freePort() : options.port
    const server = launch(at, port, settings, log)
    const failure = await server.started
    if (failure === undefined) {
      const stop = async () => {
        await server.stop()
        rmSync(ownerFile, { force: true })
      }
      const superuserUrl = `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres`
      const { pid, ended } = server
      return { superuserUrl, port, dataDir: at.dataDir, pid, ended, stop }
    }
    await server.stop()
    const isTaken = takenLine.test(failure)
    if (isTaken && options.port === 0 && attempt < portAttemptsMax) continue
    const what = isTaken ? `port ${port} is taken` : 'Postgres did not start'
    throw new StackError(`${what}; its own words:\n${failure}`)
  }
}

const careless = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }

function launch(
  at: Placement,
  port: number,
  special: Readonly<Record<string, string>>,
  log: (line: string) => void
) {
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    wal_level: 'minimal',
    max_wal_senders: '0',
    jit: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_min_error_statement: 'panic',
    ...special
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(at.postgres, ['-D', at.dataDir, '-p', String(port), ...flags], {
    ...at.account,
    cwd: '/',
    env: serverEnv,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true
  })
  endWithUs(child, 'INT')
  const lines: string[] = []
  const ended = new Promise<string>((settle) => {
    child.on('error', (error) => settle(error.message))
    child.on('close', () => settle(lines.join('\n')))
  })
  const ready = new Promise<undefined>((settle) => {
    let rest = ''
    child.stderr.on('data', (chunk: Buffer) => {
      const parts = (rest + chunk.toString('utf8')).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        lines.push(line)
        if (lines.length > 40) lines.shift()
        log(line)
        if (readyLine.test(line)) settle(undefined)
      }
    })
  })
  const started = firstOf(ready, ended, lines)
  return { pid: child.pid ?? 0, started, ended, stop: () => stop(child, ended) }
}

async function firstOf(ready: Promise<undefined>, ended: Promise<string>, lines: string[]) {
  const { promise: late, resolve: settle } = Promise.withResolvers<string>()
  const timer = setTimeout(
    () => settle(`not ready after ${startTimeoutMs} ms\n${lines.join('\n')}`),
    startTimeoutMs
  )
  const outcome = await Promise.race([ready, ended.then((text) => text || 'no output'), late])
  clearTimeout(timer)
  return outcome
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const timers = [
    setTimeout(() => child.kill('SIGQUIT'), stopTimeoutMs),
    setTimeout(() => child.kill('SIGKILL'), 2 * stopTimeoutMs)
  ]
  child.kill('SIGINT')
  await ended
  for (const timer of timers) clearTimeout(timer)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done))
  const address = probe.address()
  await new Promise((done) => probe.close(done))
  if (address === null || typeof address === 'string') throw new StackError('no free port')
  return address.port
}
