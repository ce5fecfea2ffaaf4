import { connect, type Socket } from 'node:net'
import { type Outcome, outcomeOf, pathOf, type TargetedJob } from './traffic.ts'

type HoldJob = Extract<TargetedJob, { kind: 'hold' }>

const openAtOnce = 50
const openMs = 60_000
const lastChunk = '0\r\n\r\n'
const held: Socket[] = []
let fault: string | null = null

/** Opens so many streams and leaves them open; done when each has given its first event. */
export async function holdStreams(job: HoldJob): Promise<Outcome> {
  const times: number[] = []
  const startedMs = performance.now()
  fault = null
  for (let at = 0; at < job.count && fault === null; at += openAtOnce) {
    const count = Math.min(openAtOnce, job.count - at)
    const took = await Promise.all(Array.from({ length: count }, () => openStream(job)))
    times.push(...took)
  }
  return outcomeOf(times, performance.now() - startedMs, fault)
}

/** Closes them; a fault where one had ended before. */
export async function releaseStreams(): Promise<Outcome> {
  const times = held.map(() => 0)
  const outcome = outcomeOf(times, 1, fault)
  for (const socket of held.splice(0)) socket.destroy()
  return outcome
}

function openStream({ target, endpoint }: HoldJob): Promise<number> {
  const startedMs = performance.now()
  const headers = { host: `127.0.0.1:${target.port}`, ...target.headers }
  const lines = [
    `POST ${target.prefix}${pathOf(endpoint)} HTTP/1.1`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'content-type: application/json',
    'content-length: 15'
  ]
  const socket = connect({ host: '127.0.0.1', port: target.port, noDelay: true })
  held.push(socket)
  socket.write(`${lines.join('\r\n')}\r\n\r\n{"stream":true}`)
  return new Promise((resolve) => {
    let text = ''
    const end = (why: string | null) => {
      if (held.includes(socket)) fault ??= why
      clearTimeout(late)
      resolve(performance.now() - startedMs)
    }
    const late = setTimeout(() => end('a stream gave no event'), openMs)
    const look = (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!text.includes('"held":true')) return
      socket.off('data', look)
      end(text.startsWith('HTTP/1.1 200') ? null : `status ${text.slice(9, 300)}`)
    }
    socket.on('data', look)
    socket.on('data', (chunk) => {
      if (chunk.toString('latin1').endsWith(lastChunk)) end('a stream was ended')
    })
    socket.once('error', ({ message }) => end(message))
    socket.once('close', () => end('a stream was closed'))
  })
}
