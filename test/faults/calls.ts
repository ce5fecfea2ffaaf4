import { Agent, type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import type { FabricId } from '../../src/base/ids.ts'
import { publicUrl } from '../support/replicas.ts'
import type { SeededGrant } from '../support/vault-world.ts'
import type { Site } from './stage.ts'

export interface Person extends SeededGrant {
  readonly session: string
}

/** One call as its caller saw it. */
export interface Outcome {
  /** 0: there was no answer, or half of one. */
  readonly status: number
  /** The problem code; null where there is none. */
  readonly code: string | null
  readonly detail: string | null
  readonly retryAfter: string | null
  readonly ms: number
  readonly atMs: number
}

export interface Ask {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly agent?: Agent
}

const json = { 'content-type': 'application/json' }
const { host } = new URL(publicUrl)

export function personAsks({ session }: Pick<Person, 'session'>, fabricId: FabricId): Ask {
  return {
    method: 'POST',
    path: `/fabrics/${fabricId}/serving-endpoints/probe/invocations`,
    headers: {
      ...json,
      origin: publicUrl,
      cookie: `__Host-weft_session=${session}`,
      'x-weft-csrf': '1'
    },
    body: '{"inputs":[1]}'
  }
}

export function serviceAsks({ serviceFabricId, serviceKey }: Site, key = serviceKey): Ask {
  return {
    method: 'POST',
    path: `/fabrics/${serviceFabricId}/serving-endpoints/databricks-llama/invocations`,
    headers: { ...json, authorization: `Bearer ${key}` },
    body: '{"messages":[{"role":"user","content":"Hello"}]}'
  }
}

/** The head of the answer, its body to come. @throws Error of the connection */
export function open(port: number, { method = 'GET', path, headers, body, agent }: Ask) {
  return new Promise<IncomingMessage>((resolve, reject) => {
    const call = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: agent ?? false,
      headers: { host, ...headers }
    })
    call.once('error', reject).once('response', resolve)
    call.end(body)
  })
}

/** The whole exchange; never throws. */
export async function ask(port: number, call: Ask): Promise<Outcome> {
  const atMs = performance.now()
  const since = () => performance.now() - atMs
  try {
    const answer = await open(port, call)
    const body = await text(answer)
    const { statusCode = 0, headers } = answer
    const isOurs = String(headers['content-type']).startsWith('application/problem+json')
    const code = isOurs ? (/"code":"(\w+)"/.exec(body)?.[1] ?? 'unknown') : null
    const status = answer.complete ? statusCode : 0
    const detail = code === null ? null : (/"detail":"([^"]*)"/.exec(body)?.[1] ?? null)
    return { status, code, detail, retryAfter: headers['retry-after'] ?? null, ms: since(), atMs }
  } catch {
    return { status: 0, code: null, detail: null, retryAfter: null, ms: since(), atMs }
  }
}

export interface Load {
  readonly outcomes: readonly Outcome[]
  stop(): Promise<readonly Outcome[]>
}

/** So many callers, each on a connection that it keeps, one call after the other. */
export function startLoad(port: () => number, call: Ask, callers = 4, pauseMs = 25): Load {
  const outcomes: Outcome[] = []
  let isOver = false
  const agent = new Agent({ keepAlive: true })
  const loops = Array.from({ length: callers }, async () => {
    while (!isOver) {
      outcomes.push(await ask(port(), { ...call, agent }))
      await pause(pauseMs)
    }
  })
  return {
    outcomes,
    async stop() {
      isOver = true
      await Promise.all(loops)
      agent.destroy()
      return outcomes
    }
  }
}

/** `200 × 41, 503 overloaded (…) × 2`. */
export function tally(outcomes: readonly Outcome[]): string {
  const counts = new Map<string, number>()
  for (const { status, code, detail } of outcomes) {
    const words = code === null ? '' : ` ${code}${detail === null ? '' : ` (${detail})`}`
    const name = `${status === 0 ? 'broken off' : status}${words}`
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([name, count]) => `${name} × ${count}`).join(', ') || 'none'
}

/** Of a machine that gives a process no time: it is not about what went wrong. */
const starved = 'This replica is too busy to take a call now'

export const failed = (outcomes: readonly Outcome[]) =>
  outcomes.filter(({ status, detail }) => status !== 200 && detail !== starved)
export const slowestMs = (outcomes: readonly Outcome[]) =>
  Math.max(0, ...outcomes.map(({ ms }) => ms))

export function percentile(outcomes: readonly Outcome[], share: number): number {
  const sorted = outcomes.map(({ ms }) => ms).sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}

/** Asks until `isIt` or the time is over. @returns milliseconds that it took; null: it never came */
export async function until(
  isIt: () => Promise<boolean> | boolean,
  timeoutMs: number,
  everyMs = 50
): Promise<number | null> {
  const startedMs = performance.now()
  for (;;) {
    if (await isIt()) return performance.now() - startedMs
    if (performance.now() - startedMs > timeoutMs) return null
    await pause(everyMs)
  }
}

export const isReady = async (port: number) => (await ask(port, { path: '/readyz' })).status === 200
export const isAlive = async (port: number) =>
  (await ask(port, { path: '/healthz' })).status === 200
export const seconds = (ms: number | null) =>
  ms === null ? 'never' : `${(ms / 1_000).toFixed(1)} s`
