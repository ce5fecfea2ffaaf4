import { spawn } from 'node:child_process'
import { accessSync, chmodSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { portOrFree } from '../../src/local/free-port.ts'
import { endWithUs } from '../../src/local/watcher.ts'

export interface PgBouncer {
  /** The same database by way of PgBouncer. */
  via(url: string): string
  stop(): Promise<void>
}

/** The program, on PATH or where Debian puts it; null where it is not installed. */
export function findPgBouncer(): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const isProgram = (path: string) => {
    try {
      accessSync(path, constants.X_OK)
      return true
    } catch {
      return false
    }
  }
  return folders.map((folder) => join(folder, 'pgbouncer')).find(isProgram) ?? null
}

/** PgBouncer in transaction mode before one database; few server connections, so that they are shared. */
export async function startPgBouncer(program: string, url: string): Promise<PgBouncer> {
  const { hostname, port: serverPort, username, password, pathname } = new URL(url)
  const name = pathname.slice(1)
  const port = await portOrFree(0)
  const folder = mkdtempSync(join(tmpdir(), 'weft-pgbouncer-'))
  const settings = join(folder, 'pgbouncer.ini')
  const server = `host=${hostname} port=${serverPort} dbname=${name} user=${username} password=${password}`
  writeFileSync(
    settings,
    [
      '[databases]',
      `${name} = ${server}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = any',
      'pool_mode = transaction',
      'default_pool_size = 3',
      'max_client_conn = 200',
      ''
    ].join('\n')
  )
  chmodSync(folder, 0o755)
  chmodSync(settings, 0o644)
  // It refuses to run as root.
  const account = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const child = spawn(program, [...account, settings], { stdio: ['ignore', 'pipe', 'pipe'] })
  const words: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => words.push(String(chunk)))
  }
  endWithUs(child, 'INT')
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const failed = ended.then(() => {
    throw new TypeError(`PgBouncer ended:\n${words.join('')}`)
  })
  failed.catch(() => undefined)
  await Promise.race([untilListening(port), failed])

  return {
    via(wanted) {
      const changed = new URL(wanted)
      changed.hostname = '127.0.0.1'
      changed.port = String(port)
      return changed.href
    },
    async stop() {
      child.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function untilListening(port: number): Promise<void> {
  for (;;) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
