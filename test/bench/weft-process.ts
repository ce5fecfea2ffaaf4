import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { VaultWorld } from '../support/vault-world.ts'
import { type Child, lastWordsOf, type Place, startChild } from './children.ts'

/** Weft as it is deployed: `src/main.ts`, its log on, into a pipe that somebody empties. */
export interface WeftProcess extends Child {
  readonly port: number
  readonly adminPort: number
  /** What its metrics say now. */
  look(): Promise<Vitals>
  /** Its garbage is collected, so that what it holds can be told from what it has let go of. */
  collect(): Promise<void>
}

export interface Vitals {
  readonly residentMiB: number
  readonly heapMiB: number
  /** Of the event loop, since the look before. */
  readonly lagP50Ms: number
  readonly lagP99Ms: number
  readonly handles: number
  readonly openFiles: number
  /** Whose tokens it remembers. */
  readonly grantsHeld: number
  /** Calls that met a bound of ours, and records given up: both must be 0, or nothing was measured. */
  readonly refused: number
  readonly recordsDropped: number
}

export const publicUrl = 'https://weft.test'
export const host = new URL(publicUrl).host
const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const collector = fileURLToPath(new URL('collector.ts', import.meta.url))
const collectMs = 500
/** prom-client's default. */
const resolutionMs = 10

export interface LaunchOptions {
  /** Workspaces on loopback that it may call. */
  readonly origins: readonly string[]
  readonly place?: Place
  /** Default: the world's own. */
  readonly databaseUrl?: string
}

export function environmentOf(
  world: Pick<VaultWorld, 'database' | 'keyRing'>,
  { origins, databaseUrl = world.database.appUrl }: LaunchOptions
): Record<string, string> {
  return {
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
    WEFT_PUBLIC_URL: publicUrl,
    WEFT_PORT: '0',
    WEFT_ADMIN_PORT: '0',
    WEFT_DATABASE_URL: databaseUrl,
    WEFT_KEY_RING: world.keyRing,
    WEFT_EXTRA_WORKSPACE_ORIGINS: origins.join(',')
  }
}

/** @throws TypeError with its last words, when it does not start */
export async function launchWeft(world: VaultWorld, options: LaunchOptions): Promise<WeftProcess> {
  const command = [process.execPath, '--expose-gc', '--import', collector, program] as const
  const child = startChild([...command], options.place ?? 'measured', {
    env: environmentOf(world, options)
  })
  const line = await lineOf(child, /^.*"msg":"ready".*$/m)
  const { port, adminPort } = JSON.parse(line) as { port: number; adminPort: number } // its own line
  return {
    ...child,
    port,
    adminPort,
    look: () => look(adminPort),
    stop: () => stopHurriedly(child),
    async collect() {
      process.kill(child.pid, 'SIGUSR2')
      await pause(collectMs)
    }
  }
}

/** A second signal spares the seconds in which a replica serves on for its balancer. */
export function stopHurriedly(child: Child): Promise<void> {
  child.process.kill('SIGINT')
  return child.stop()
}

/** The first line of its stdout that is one; whatever comes later is read and let go. */
export async function lineOf(child: Child, wanted: RegExp): Promise<string> {
  const words = lastWordsOf(child)
  const { stdout } = child.process
  let output = ''
  const line = await new Promise<string>((resolve, reject) => {
    const take = (chunk: unknown) => {
      output += String(chunk)
      const found = wanted.exec(output)?.[0]
      if (found === undefined) return
      stdout?.off('data', take)
      resolve(found)
    }
    stdout?.on('data', take)
    child.process.once('close', () => reject(new TypeError(`it did not start:\n${words()}`)))
  })
  stdout?.resume()
  return line
}

async function look(adminPort: number): Promise<Vitals> {
  const metrics = await ask(adminPort, '/metrics')
  const sum = (name: string) =>
    [...metrics.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
      (total, [, value]) => total + Number(value),
      0
    )
  // Node's histogram holds its own resolution too; it is emptied at each look.
  const lag = (share: string) =>
    Math.max(0, sum(`weft_nodejs_eventloop_lag_${share}_seconds`) * 1_000 - resolutionMs)
  const mebibytes = (name: string) => sum(name) / 1024 / 1024
  return {
    residentMiB: mebibytes('weft_process_resident_memory_bytes'),
    heapMiB: mebibytes('weft_nodejs_heap_size_used_bytes'),
    lagP50Ms: lag('p50'),
    lagP99Ms: lag('p99'),
    handles: sum('weft_nodejs_active_handles_total'),
    openFiles: sum('weft_process_open_fds'),
    grantsHeld: sum('weft_token_cache_entries'),
    refused: sum('weft_gateway_calls_refused_total'),
    recordsDropped: sum('weft_audit_records_dropped_total')
  }
}

/** @throws TypeError it is not 200 */
export function ask(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  body?: string
): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const options = { host: '127.0.0.1', port, method, path, agent: false } as const
    const call = request({ ...options, headers: { host, ...headers } }, (response) => {
      text(response).then((answer) => {
        if (response.statusCode === 200) resolve(answer)
        else reject(new TypeError(`${path}: status ${response.statusCode}: ${answer}`))
      }, reject)
    })
    call.once('error', reject)
    call.end(body)
  })
}
