import type { IncomingMessage, ServerResponse } from 'node:http'
import { parseJson, sendJson } from './exchange.ts'
import type { FaultBoard } from './faults.ts'
import type { Recorder } from './recorder.ts'

/** Takes one control call beyond faults and log; returns what is wrong with its body, if anything. */
export type Registrar = (body: unknown) => string[]

/** Serves `/_sim/*`: faults, log, and the simulator's own registers by path. */
export function createControl(
  faults: FaultBoard,
  recorder: Recorder,
  registers: Readonly<Record<string, Registrar>>
) {
  return (req: IncomingMessage, res: ServerResponse, body: Buffer): void => {
    const url = new URL(req.url ?? '/', 'http://localhost')
    const refuse = (errors: string[]) => sendJson(res, 400, { errors })
    if (url.pathname === '/_sim/faults') {
      if (req.method === 'PATCH') {
        const wrong = faults.merge(parseJson(body))
        if (wrong.length > 0) return refuse(wrong)
      } else if (req.method === 'DELETE') faults.reset()
      else if (req.method !== 'GET') return sendJson(res, 405, {}, { allow: 'GET, PATCH, DELETE' })
      return sendJson(res, 200, faults.current)
    }
    if (url.pathname === '/_sim/log' && req.method === 'GET') {
      const since = url.searchParams.get('since')
      const from = since === null ? undefined : new Date(since)
      if (from && Number.isNaN(from.getTime())) return refuse(['since: not a time (RFC 3339)'])
      return sendJson(res, 200, { items: recorder.entriesSince(from) })
    }
    const register = registers[url.pathname]
    if (register && (req.method === 'POST' || req.method === 'PUT')) {
      const wrong = register(parseJson(body))
      return wrong.length > 0 ? refuse(wrong) : sendJson(res, 201, {})
    }
    return sendJson(res, 404, { errors: [`no control at ${req.method} ${url.pathname}`] })
  }
}
