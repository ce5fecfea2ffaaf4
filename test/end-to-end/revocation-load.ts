import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { FabricId } from '../../src/base/ids.ts'
import { publicUrl, type ReplicaProcess } from '../support/replicas.ts'
import type { VaultWorld } from '../support/vault-world.ts'
import { exchange, headOf, jsonOf, type Received, send } from './wire.ts'

/** One call, as its caller saw it. */
export interface Call {
  readonly sentMs: number
  /** 0: there was no answer. */
  readonly status: number
  readonly code: string | undefined
  readonly detail: string | undefined
  /** How many calls of this credential on this replica had reached the workspace when it was over. */
  readonly arrived: number
}

/** One credential on one replica: call after call, and a stream that would never end. */
export interface Track {
  readonly calls: readonly Call[]
  /** Of the stream, in the replica's log. */
  readonly requestId: string
  /** When the stream was cut; null: not yet. */
  readonly cutMs: () => number | null
}

const paceMs = 50
/** Of a test machine that gives a process no time: it is not about the caller. */
const starved = 'This replica is too busy to take a call now'
const headersOf = (bearer: string) => ({
  host: new URL(publicUrl).host,
  authorization: `Bearer ${bearer}`,
  'content-type': 'application/json'
})

/** Every one of `bearers` (by name) is used on every replica at once, until `stop`. */
export async function startLoad(
  world: VaultWorld,
  replicas: readonly ReplicaProcess[],
  fabricId: FabricId,
  bearers: Readonly<Record<string, string>>
) {
  let isOver = false
  const streams: IncomingMessage[] = []
  const tracks = new Map<string, Track[]>()
  const loops: Promise<void>[] = []

  async function openStream(origin: string, bearer: string, requestId: string) {
    const path = `/fabrics/${fabricId}/serving-endpoints/stream/invocations`
    const headers = { ...headersOf(bearer), 'x-request-id': requestId }
    const stream = await headOf(send(origin, path, { headers, body: '{"inputs":[1]}' }))
    if (stream.statusCode !== 200) throw new TypeError(`${requestId}: ${stream.statusCode}`)
    streams.push(stream)
    let cutMs: number | null = null
    stream.once('close', () => {
      cutMs = performance.now()
    })
    await once(stream, 'data')
    return () => cutMs
  }

  async function askOn(origin: string, bearer: string, endpoint: string, calls: Call[]) {
    const path = `/serving-endpoints/${endpoint}/invocations`
    while (!isOver) {
      const sentMs = performance.now()
      const asked = { headers: headersOf(bearer), body: '{"inputs":[1]}' }
      const answer = await exchange(origin, `/fabrics/${fabricId}${path}`, asked).catch(() => null)
      const arrived = world.server.arrivals.get(path) ?? 0
      const told = outcomeOf(answer)
      if (told.detail !== starved) calls.push({ sentMs, arrived, ...told })
      await pause(paceMs)
    }
  }

  world.server.apiAnswer = {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    body: 'data: one\n\n',
    isEndless: true
  }
  const places = Object.entries(bearers).flatMap(([name, bearer]) =>
    replicas.map(({ port }, at) => ({ name, bearer, at, origin: `http://127.0.0.1:${port}` }))
  )
  const cuts = await Promise.all(
    places.map(({ name, bearer, at, origin }) =>
      openStream(origin, bearer, `stream-of-${name}-${at}`)
    )
  )
  world.server.apiAnswer = null
  for (const [index, { name, bearer, at, origin }] of places.entries()) {
    const calls: Call[] = []
    const cutMs = cuts[index] ?? (() => null)
    const track = { calls, requestId: `stream-of-${name}-${at}`, cutMs }
    tracks.set(name, [...(tracks.get(name) ?? []), track])
    loops.push(askOn(origin, bearer, `${name}-${at}`, calls))
  }

  return {
    /** Of this credential, a track for each replica in order. */
    tracksOf: (name: string): readonly Track[] => tracks.get(name) ?? [],
    async stop() {
      isOver = true
      await Promise.all(loops)
      for (const stream of streams) stream.destroy()
    }
  }
}

function outcomeOf(answer: Received | null): Pick<Call, 'status' | 'code' | 'detail'> {
  if (answer?.isWhole !== true) return { status: 0, code: undefined, detail: undefined }
  const { code, detail } = jsonOf(answer) as { code?: string; detail?: string } // or the workspace's
  return { status: answer.status, code, detail }
}

export type Load = Awaited<ReturnType<typeof startLoad>>
