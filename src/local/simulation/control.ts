import type { IncomingMessage } from 'node:http'
import { parseJson } from './exchange.ts'
import type { FaultBoard } from './faults.ts'
import type { Recorder } from './recorder.ts'

/** Takes one control call beyond faults and log; returns what is wrong with its body, if anything. */
export type Registrar = (body: unknown) => string[]

export interface ControlAnswer {
  readonly status: number
  readonly value: unknown
}

/** Answers `/_sim/*`: faults, log, and the simulator's own registers by path. */
export function createControl(
  faults: FaultBoard,
  recorder: Recorder,
  registers: Readonly<Record<string, Registrar>>
) {
  const refuse = (errors: string[], status = 400): ControlAnswer => ({ status, value: { errors } })
  const onFaults = (method: string, body: Buffer): ControlAnswer => {
    const wrong = method === 'PATCH' ? faults.merge(parseJson(body)) : []
    if (wrong.length > 0) return refuse(wrong)
    if (method === 'DELETE') faults.reset()
    return { status: 200, value: faults.current }
  }
  const onLog = (since: string | null): ControlAnswer => {
    const from = since === null ? undefined : new Date(since)
    if (from && Number.isNaN(from.getTime())) return refuse(['since: not a time (RFC 3339)'])
    return { status: 200, value: { items: recorder.entriesSince(from) } }
  }
  return (req: IncomingMessage, body: Buffer): ControlAnswer => {
    const url = new URL(req.url ?? '/', 'http://localhost')
    const method = req.method ?? 'GET'
    if (url.pathname === '/_sim/faults' && ['GET', 'PATCH', 'DELETE'].includes(method)) {
      return onFaults(method, body)
    }
    if (url.pathname === '/_sim/log' && method === 'GET')
      return onLog(url.searchParams.get('since'))
    const register = registers[url.pathname]
    if (register && ['POST', 'PUT'].includes(method)) {
      const wrong = register(parseJson(body))
      return wrong.length > 0 ? refuse(wrong) : { status: 201, value: {} }
    }
    return refuse([`no control at ${method} ${url.pathname}`], 404)
  }
}
