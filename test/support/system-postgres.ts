import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { portOrFree } from '../../src/local/free-port.ts'
import { serverAccount } from '../../src/local/postgres/account.ts'
import { endWithUs } from '../../src/local/watcher.ts'

export interface SystemPostgres {
  readonly superuserUrl: string
  stop(): Promise<void>
}

/** The programs of the newest PostgreSQL that Debian installed, server and client; null where it is not whole. */
export function findSystemPostgres(): string | null {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  const programs = ['initdb', 'postgres', 'pg_dump', 'pg_restore']
  const isWhole = (bin: string) => programs.every((name) => existsSync(join(bin, name)))
  const found = versions.filter((version) => Number(version) >= 15)
  return found.map((version) => join(root, version, 'bin')).find(isWhole) ?? null
}

/** A fresh cluster on loopback, by Debian's programs. @param dataDir its parent is there and ours */
export async function startSystemPostgres(bin: string, dataDir: string): Promise<SystemPostgres> {
  const account = await serverAccount(dataDir)
  const [password, port] = [randomBytes(18).toString('base64url'), await portOrFree(0)]
  const passwordFile = `${dataDir}.password`
  chmodSync(dirname(dataDir), 0o711)
  mkdirSync(dataDir, { mode: 0o700 })
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if ('uid' in account) {
    for (const path of [dataDir, passwordFile]) chownSync(path, account.uid, account.gid)
  }
  const surroundings = { ...account, cwd: '/', env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } }
  const login = ['-U', 'postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  const kind = ['--encoding=UTF8', '--locale=C', '--no-sync']
  await promisify(execFile)(join(bin, 'initdb'), ['-D', dataDir, ...login, ...kind], surroundings)
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '100',
    fsync: 'off'
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(join(bin, 'postgres'), ['-D', dataDir, '-p', String(port), ...flags], {
    ...surroundings,
    stdio: ['ignore', 'ignore', 'pipe']
  })
  endWithUs(child, 'INT')
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  await new Promise<void>((resolve, reject) => {
    let words = ''
    child.stderr.on('data', (chunk) => {
      words = `${words}${chunk}`.slice(-4_000)
      if (words.includes('ready to accept connections')) resolve()
    })
    child.once('close', () => reject(new TypeError(`Postgres ended:\n${words}`)))
  })
  return {
    superuserUrl: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    async stop() {
      child.kill('SIGINT')
      await ended
    }
  }
}
