import { openConnection, type RawConnection } from './raw-connection.ts'
import {
  exchanges,
  fellBehind,
  type Job,
  jsonOf,
  type Outcome,
  outcomeOf,
  pathOf,
  type Target,
  type TargetedJob
} from './traffic.ts'

type ClosedJob = Extract<TargetedJob, { kind: 'closed' }>
type OpenJob = Extract<TargetedJob, { kind: 'open' }>
type Walk = Extract<Job, { kind: 'walk' }>

/** A gateway that is slower than the arrivals is given up on, not drowned. */
const openConnectionsMax = 512
const settleMs = 5_000
/** Of a run at a fixed rate: connections are opened then. */
const uncountedMs = 100

function prepare({ target, endpoint }: { readonly target: Target; readonly endpoint: string }) {
  const bytes = Object.entries(exchanges).find(([name]) => name === endpoint)?.[1]
  if (bytes === undefined) throw new TypeError(`no such endpoint: ${endpoint}`)
  const body = jsonOf(bytes.sent)
  const lines = [
    `POST ${target.path ?? target.prefix + pathOf(endpoint)} HTTP/1.1`,
    ...Object.entries({ host: `127.0.0.1:${target.port}`, ...target.headers }).map(
      ([name, value]) => `${name}: ${value}`
    ),
    'content-type: application/json',
    `content-length: ${body.length}`
  ]
  const request = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
  return { request, open: () => openConnection(target.port, bytes.answered) }
}

/** Each connection asks again as soon as it is answered: how much gets through. */
export function runClosed(job: ClosedJob): Promise<Outcome> {
  const { request, open } = prepare(job)
  const times: number[] = []
  const startedMs = performance.now()
  const endMs = startedMs + job.durationMs
  return new Promise((resolve) => {
    let running = job.connections
    let fault: string | null = null
    const keepAsking = (connection: RawConnection) => {
      const askedMs = performance.now()
      connection.ask(request, (wrong) => {
        const nowMs = performance.now()
        fault ??= wrong
        if (wrong === null) times.push(nowMs - askedMs)
        if (fault === null && nowMs < endMs) return keepAsking(connection)
        connection.close()
        running -= 1
        if (running === 0) resolve(outcomeOf(times, performance.now() - startedMs, fault))
      })
    }
    for (let at = 0; at < job.connections; at += 1) keepAsking(open())
  })
}

/** Calls come at their rate whatever becomes of those before them: how long one of them takes. */
export function runOpen(job: OpenJob): Promise<Outcome> {
  const { request, open } = prepare(job)
  const idle: RawConnection[] = []
  const connections: RawConnection[] = []
  const times: number[] = []
  const total = Math.round((job.perSecond * job.durationMs) / 1_000)
  const startedMs = performance.now()
  let fault: string | null = null
  let sent = 0
  let answered = 0
  return new Promise((resolve) => {
    const end = () => {
      clearInterval(timer)
      clearTimeout(late)
      for (const connection of connections) connection.close()
      resolve(outcomeOf(times, performance.now() - startedMs, fault))
    }
    const send = () => {
      sent += 1
      const connection = idle.pop() ?? add()
      if (connection === null) {
        fault ??= `${fellBehind}more than ${openConnectionsMax} calls unanswered`
        return end()
      }
      const askedMs = performance.now()
      connection.ask(request, (wrong) => {
        fault ??= wrong
        if (wrong === null && askedMs - startedMs >= uncountedMs) {
          times.push(performance.now() - askedMs)
        }
        idle.push(connection)
        answered += 1
        if (answered === total || wrong !== null) end()
      })
    }
    const add = () => {
      if (connections.length === openConnectionsMax) return null
      const connection = open()
      connections.push(connection)
      return connection
    }
    const timer = setInterval(() => {
      const due = Math.min(total, ((performance.now() - startedMs) * job.perSecond) / 1_000)
      while (sent < due && fault === null) send()
    }, 1)
    const late = setTimeout(() => {
      fault ??= `${fellBehind}${sent - answered} calls unanswered`
      end()
    }, job.durationMs + settleMs)
  })
}

/** Each step once, in turn, over connections that stay: how long one takes. All steps share a port and a size. */
export function runWalk({ steps, connections }: Walk): Promise<Outcome> {
  const times: number[] = []
  const startedMs = performance.now()
  let fault: string | null = null
  let next = 0
  async function walk(connection: RawConnection): Promise<void> {
    for (let step = steps[next++]; step !== undefined && fault === null; step = steps[next++]) {
      const { request } = prepare(step)
      const askedMs = performance.now()
      const wrong = await new Promise<string | null>((resolve) => connection.ask(request, resolve))
      if (wrong === null) times.push(performance.now() - askedMs)
      fault ??= wrong
    }
    connection.close()
  }
  const [first] = steps
  if (first === undefined) return Promise.resolve(outcomeOf([], 0, 'nobody to ask'))
  const { open } = prepare(first)
  const walks = Array.from({ length: connections }, () => walk(open()))
  return Promise.all(walks).then(() => outcomeOf(times, performance.now() - startedMs, fault))
}
