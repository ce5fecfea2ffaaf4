import { createHash } from 'node:crypto'
import { Agent, request } from 'node:http'
import { eventCount, type Outcome, pathOf, quantile, type TargetedJob } from './traffic.ts'

type StreamsJob = Extract<TargetedJob, { kind: 'streams' }>

interface Stream {
  readonly fault: string | null
  readonly firstEventMs: number
  /** How late each event came. */
  readonly delaysMs: readonly number[]
}

/** One stream after the other: until its first event, how late each event is, and whether all bytes are its own. */
export async function runStreams(job: StreamsJob): Promise<Outcome> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const startedMs = performance.now()
  const streams: Stream[] = []
  // The first is on a new connection and is not counted.
  for (let at = 0; at <= job.count; at += 1) streams.push(await readStream(job, agent))
  agent.destroy()
  const counted = streams.slice(1)
  const delays = counted.flatMap(({ delaysMs }) => delaysMs).toSorted((a, b) => a - b)
  const firsts = counted.map(({ firstEventMs }) => firstEventMs).toSorted((a, b) => a - b)
  return {
    calls: counted.length,
    fault: streams.map(({ fault }) => fault).find((fault) => fault !== null) ?? null,
    perSecond: (streams.length * 1_000) / (performance.now() - startedMs),
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    firstEvent: quantile(firsts, 0.5)
  }
}

function readStream({ target, endpoint }: StreamsJob, agent: Agent): Promise<Stream> {
  const { port, prefix, headers } = target
  const askedMs = performance.now()
  let firstEventMs = Number.NaN
  const delaysMs: number[] = []
  let text = ''
  let read = 0
  return new Promise((resolve) => {
    const end = (fault: string | null) => resolve({ fault, firstEventMs, delaysMs })
    const call = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        path: prefix + pathOf(endpoint),
        agent,
        timeout: 10_000,
        headers: { ...headers, 'content-type': 'application/json' }
      },
      (response) => {
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => {
          const now = process.hrtime.bigint()
          if (Number.isNaN(firstEventMs)) firstEventMs = performance.now() - askedMs
          text += chunk
          for (
            let next = text.indexOf('\n\n', read);
            next >= 0;
            next = text.indexOf('\n\n', read)
          ) {
            const at = /"at":"(\d+)"/.exec(text.slice(read, next))?.[1]
            if (at !== undefined) delaysMs.push(Number(now - BigInt(at)) / 1e6)
            read = next + 2
          }
        })
        response.once('end', () => end(faultOf(response.statusCode, text)))
        response.once('error', ({ message }) => end(message))
      }
    )
    call.once('timeout', () => call.destroy())
    call.once('error', ({ message }) => end(message))
    call.end('{"stream":true}')
  })
}

function faultOf(status: number | undefined, text: string): string | null {
  if (status !== 200) return `status ${status}: ${text.slice(0, 300)}`
  const [, before = '', told] = /^(.*)data: \{"sha256":"(\w+)"\}\n\n$/s.exec(text) ?? []
  const count = before.split('\n\n').length
  if (count !== eventCount) return `${count} events, not ${eventCount}`
  const isEqual = createHash('sha256').update(before).digest('hex') === told
  return isEqual ? null : 'other bytes than were sent'
}
