import { type ChildProcess, spawn } from 'node:child_process'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { FabricId } from '../../src/base/ids.ts'
import { endWithUs } from '../../src/local/watcher.ts'
import { type FaultProxy, startFaultProxy, targetOf, viaPort } from './fault-proxy.ts'
import type { VaultWorld } from './vault-world.ts'

export interface ReplicaAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The problem code; null where the workspace itself answered. */
  readonly code: string | null
}

/** One real server process, with a fault proxy between it and Postgres. */
export interface ReplicaProcess {
  readonly proxy: FaultProxy
  readonly port: number
  readonly adminPort: number
  readonly pid: number
  /** Its exit code once it has ended, asked to or not; null when a signal ended it. */
  readonly ended: Promise<number | null>
  /** A person asks an endpoint through a fabric, over HTTP; with the signal's abort they hang up. */
  ask(session: string, fabricId: FabricId, signal?: AbortSignal): Promise<ReplicaAnswer>
  /** The same call, its answer as it comes. */
  stream(session: string, fabricId: FabricId): Promise<IncomingMessage>
  /** Everything that it has written, at trace level. */
  output(): string
  /** `kill -9`; resolves when the process is no more. */
  kill(): Promise<void>
  /** As a platform stops it. @returns its exit code */
  stop(): Promise<number | null>
}

export interface ReplicaProcessOptions {
  /** The way to the database, before the fault proxy. */
  readonly via?: (url: string) => string
  readonly env?: Readonly<Record<string, string>>
}

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
/** Of every replica, wherever it listens. */
export const publicUrl = 'https://weft.test'

export async function startReplicas(
  world: VaultWorld,
  count: number,
  options: ReplicaProcessOptions = {}
): Promise<ReplicaProcess[]> {
  return await Promise.all(Array.from({ length: count }, () => startReplica(world, options)))
}

export async function startReplica(
  world: VaultWorld,
  { via = (url) => url, env = {} }: ReplicaProcessOptions = {}
): Promise<ReplicaProcess> {
  const url = via(world.database.appUrl)
  const proxy = await startFaultProxy(targetOf(url))
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env.PATH ?? '',
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? '',
      WEFT_PUBLIC_URL: publicUrl,
      WEFT_PORT: '0',
      WEFT_ADMIN_PORT: '0',
      WEFT_DATABASE_URL: viaPort(url, proxy.port),
      WEFT_KEY_RING: world.keyRing,
      WEFT_EXTRA_WORKSPACE_ORIGINS: world.server.origin,
      WEFT_LOG_LEVEL: 'trace',
      ...env
    }
  })
  const words: string[] = []
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => words.push(String(chunk)))
  }
  // A test that fails half-way, or is stopped itself, leaves no server behind.
  endWithUs(child, 'TERM')
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const { port, adminPort } = await portsOf(child, words)

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    child.kill(signal)
    const code = await ended
    await proxy.close()
    return code
  }

  return {
    proxy,
    port,
    adminPort,
    pid: child.pid ?? 0,
    ended,
    ask: (session, fabricId, signal) => ask(port, session, fabricId, signal),
    stream: (session, fabricId) => answerOf(callOf(port, session, fabricId)),
    output: () => words.join(''),
    async kill() {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM')
  }
}

/** The ports that it says it listens on. @throws TypeError with its last words when it ends instead */
function portsOf(
  child: ChildProcess,
  words: readonly string[]
): Promise<{ port: number; adminPort: number }> {
  return new Promise((resolve, reject) => {
    child.once('close', () => reject(new TypeError(`Weft did not start:\n${words.join('')}`)))
    const look = () => {
      const line = /^.*"msg":"ready".*$/m.exec(words.join(''))?.[0] ?? ''
      const port = /"port":(\d+)/.exec(line)?.[1]
      if (port === undefined) return
      child.stdout?.off('data', look)
      resolve({ port: Number(port), adminPort: Number(/"adminPort":(\d+)/.exec(line)?.[1]) })
    }
    child.stdout?.on('data', look)
  })
}

function callOf(
  port: number,
  session: string,
  fabricId: FabricId,
  signal?: AbortSignal
): ClientRequest {
  const call = request({
    host: '127.0.0.1',
    port,
    method: 'POST',
    path: `/fabrics/${fabricId}/serving-endpoints/probe/invocations`,
    agent: false,
    ...(signal === undefined ? {} : { signal }),
    headers: {
      host: new URL(publicUrl).host,
      origin: publicUrl,
      cookie: `__Host-weft_session=${session}`,
      'x-weft-csrf': '1',
      'content-type': 'application/json'
    }
  })
  call.end('{"inputs":[1]}')
  return call
}

function answerOf(call: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    call.once('error', reject)
    call.once('response', resolve)
  })
}

async function ask(
  port: number,
  session: string,
  fabricId: FabricId,
  signal?: AbortSignal
): Promise<ReplicaAnswer> {
  const response = await answerOf(callOf(port, session, fabricId, signal))
  const body = await text(response)
  const code = String(response.headers['x-weft-problem'] ?? '') || null
  return { status: response.statusCode ?? 0, headers: response.headers, text: body, code }
}
