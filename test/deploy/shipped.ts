import { spawn } from 'node:child_process'
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { portOrFree } from '../../src/local/free-port.ts'
import { type Account, serverAccount } from '../../src/local/postgres/account.ts'
import { endWithUs } from '../../src/local/watcher.ts'
import { readText, root } from '../house/source.ts'
import { targetOf } from '../support/fault-proxy.ts'
import { certificate } from '../support/tls/certificates.ts'

/** A program that runs by the files that are shipped for it. */
export interface Shipped {
  readonly port: number
  output(): string
  stop(): Promise<void>
}

/** What is shipped, but for the places that are named. @throws TypeError where one of them is not there */
function elsewhere(file: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new TypeError(`${file} does not say ${from}`)
    return text.replaceAll(from, to)
  }, readText(file))
}

interface Ground {
  readonly folder: string
  readonly port: number
  readonly account: Account
}

/** A folder for its files, and a port; what refuses to run as root has an account of its own. */
async function ground(isRootRefused: boolean): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-shipped-'))
  const account = isRootRefused ? await serverAccount(folder) : {}
  if ('uid' in account) chownSync(folder, account.uid, account.gid)
  return { folder, port: await portOrFree(0), account }
}

async function start(
  { folder, port, account }: Ground,
  [program, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>> = {}
): Promise<Shipped> {
  const child = spawn(program, args, {
    ...account,
    env: { PATH: '/usr/local/sbin:/usr/sbin:/usr/bin:/bin', ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const words: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => words.push(String(chunk)))
  }
  endWithUs(child, 'INT')
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const isUp = () => child.exitCode === null
  while (isUp() && !(await isOpen(port))) await pause(20)
  if (!isUp()) throw new TypeError(`${program} ended:\n${words.join('')}`)
  return {
    port,
    output: () => words.join(''),
    async stop() {
      child.kill('SIGINT')
      await ended
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** `deploy/haproxy` before two replicas; only the addresses are others. */
export async function startHaproxy(program: string, replicas: readonly number[]): Promise<Shipped> {
  const at = await ground(false)
  const [one = '', two = ''] = replicas.map((replica) => `127.0.0.1:${replica}`)
  const env = { WEFT_BALANCER_BIND: `127.0.0.1:${at.port}`, WEFT_1: one, WEFT_2: two }
  return await start(at, [program, '-db', '-f', join(root, 'deploy/haproxy/haproxy.cfg')], env)
}

/** `deploy/pgbouncer` before one database, run as the container runs it. @returns with the app role's way through it */
export async function startPgBouncer(appUrl: string): Promise<Shipped & { readonly url: string }> {
  const at = await ground(true)
  const { hostname, port, password, pathname } = new URL(appUrl)
  const file = (name: string) => join(at.folder, name)
  const settings = elsewhere('deploy/pgbouncer/pgbouncer.ini', {
    'host=postgres port=5432 dbname=weft': `host=${hostname} port=${port} dbname=${pathname.slice(1)}`,
    'listen_addr = *': 'listen_addr = 127.0.0.1',
    'listen_port = 6432': `listen_port = ${at.port}`,
    '/run/pgbouncer/': `${at.folder}/`
  })
  const script = elsewhere('deploy/pgbouncer/start.sh', {
    '/run/pgbouncer/': `${at.folder}/`,
    '/etc/weft/': `${at.folder}/`
  })
  writeFileSync(file('pgbouncer.ini'), settings, { mode: 0o644 })
  writeFileSync(file('start.sh'), script, { mode: 0o644 })
  const env = { POSTGRES_APP_PASSWORD: password }
  const running = await start(at, ['/bin/sh', file('start.sh')], env)
  const url = new URL('/weft', appUrl)
  url.host = `127.0.0.1:${running.port}`
  return { ...running, url: url.href }
}

/** `deploy/nginx` before two replicas, with TLS. */
export async function startNginx(program: string, replicas: readonly string[]): Promise<Shipped> {
  const at = await ground(false)
  const { folder, port } = at
  const { cert, key } = certificate('weft')
  const targets = replicas.map((replica) => targetOf(replica))
  const [one, two] = targets.map((target) => `${target.host}:${target.port}`)
  const site = elsewhere('deploy/nginx/weft.conf', {
    'weft-1:8080': one ?? '',
    'weft-2:8080': two ?? '',
    'listen 443 ssl': `listen 127.0.0.1:${port} ssl`,
    '/etc/nginx/weft': `${folder}/weft`,
    '/var/log/nginx/weft.log': `${folder}/access.log`
  })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => {
    mkdirSync(join(folder, name))
    return `${name}_temp_path ${folder}/${name};`
  })
  const around = `daemon off; master_process off; pid ${folder}/pid; error_log stderr warn;
events {}
http { ${temporary.join(' ')} include ${folder}/weft.conf; }
`
  writeFileSync(join(folder, 'weft.pem'), cert)
  writeFileSync(join(folder, 'weft-key.pem'), key, { mode: 0o600 })
  writeFileSync(join(folder, 'weft.conf'), site)
  writeFileSync(join(folder, 'nginx.conf'), around)
  const words = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr']
  const running = await start(at, [program, ...words])
  const log = () => readFileSync(join(folder, 'access.log'), 'utf8')
  return { ...running, output: () => `${log()}${running.output()}` }
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
