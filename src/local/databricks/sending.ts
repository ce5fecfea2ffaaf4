/**
 * How an answer goes onto the wire: whole or as an event stream, gzip'd, dripping, cut.
 * Owns: bytes and their pace. May touch: the faults, the recorder.
 * Never: decides what is answered.
 */
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Recorder } from '../simulation/recorder.ts'
import type { Answer } from './api/answer.ts'
import type { WorkspaceFaultBoard, WorkspaceFaults } from './faults.ts'
import { exactJson } from './int64-json.ts'

export interface SendingDeps {
  readonly faults: WorkspaceFaultBoard
  readonly recorder: Recorder
}

type CallFaults = Pick<WorkspaceFaults, 'bodyCutAfterBytes' | 'dripBytes' | 'dripDelayMs'>

/** Long enough for what was written to leave before a reset would overtake it. */
const beforeResetMs = 20

export async function send(
  deps: SendingDeps,
  req: IncomingMessage,
  res: ServerResponse,
  answer: Answer,
  headers: Record<string, string>,
  faults: Readonly<CallFaults>
): Promise<void> {
  if ('events' in answer) {
    res.writeHead(200, {
      ...headers,
      ...answer.headers,
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache'
    })
    return sendEvents(deps, res, answer.events)
  }
  const isBare = answer.status === 204 || answer.status === 304
  if ('empty' in answer || isBare) {
    res.writeHead(answer.status, { ...headers, ...(isBare ? {} : { 'content-length': '0' }) }).end()
    return
  }
  const isJson = 'json' in answer
  const plain = isJson ? Buffer.from(exactJson(answer.json)) : answer.bytes
  const isZipped = deps.faults.current.gzipAnswers && allowsGzip(req)
  const body = isZipped ? gzipSync(plain) : plain
  res.writeHead(answer.status, {
    ...(isJson ? { 'content-type': 'application/json; charset=UTF-8' } : {}),
    ...headers,
    ...answer.headers,
    ...(isZipped ? { 'content-encoding': 'gzip' } : {}),
    'content-length': String(body.length)
  })
  await sendBody(deps, res, req.method === 'HEAD' ? Buffer.alloc(0) : body, faults)
}

/** Ends the connection with a TCP reset, which is the simulator's doing and not the client's. */
export function reset({ recorder }: Pick<SendingDeps, 'recorder'>, res: ServerResponse): void {
  recorder.cutOnPurpose(res)
  if (res.socket && 'resetAndDestroy' in res.socket) res.socket.resetAndDestroy()
  res.destroy()
}

async function sendBody(
  deps: SendingDeps,
  res: ServerResponse,
  body: Buffer,
  { bodyCutAfterBytes, dripBytes, dripDelayMs }: Readonly<CallFaults>
): Promise<void> {
  const end = Math.min(body.length, bodyCutAfterBytes ?? Number.POSITIVE_INFINITY)
  const isCut = bodyCutAfterBytes !== null && end < body.length
  if (dripBytes === null && !isCut) {
    res.end(body)
    return
  }
  res.flushHeaders()
  const step = dripBytes ?? end
  for (let at = 0; at < end && !res.destroyed; at += step) {
    if (dripBytes !== null && at > 0) await pause(dripDelayMs)
    await write(res, body.subarray(at, Math.min(at + step, end)))
  }
  if (res.destroyed) return
  if (!isCut) {
    res.end()
    return
  }
  await pause(beforeResetMs)
  reset(deps, res)
}

async function sendEvents(deps: SendingDeps, res: ServerResponse, events: readonly string[]) {
  let sent = 0
  for (const data of events) {
    const { streamCutAfterEvents, streamEventDelayMs } = deps.faults.current
    if (res.destroyed) return
    if (streamCutAfterEvents !== null && sent >= streamCutAfterEvents) {
      deps.recorder.cutOnPurpose(res)
      res.destroy()
      return
    }
    await write(res, Buffer.from(`data: ${data}\n\n`))
    sent++
    if (streamEventDelayMs > 0) await pause(streamEventDelayMs)
  }
  res.end()
}

async function write(res: ServerResponse, bytes: Buffer): Promise<void> {
  if (!res.write(bytes)) await Promise.race([once(res, 'drain'), once(res, 'close')])
}

function allowsGzip(req: IncomingMessage): boolean {
  const codings = String(req.headers['accept-encoding'] ?? '').split(',')
  return codings.some((coding) => {
    const [name, ...params] = coding.split(';').map((part) => part.trim().toLowerCase())
    return (name === 'gzip' || name === '*') && !params.some((param) => /^q=0(\.0*)?$/.test(param))
  })
}
