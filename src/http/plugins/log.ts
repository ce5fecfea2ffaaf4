import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import type { ProblemCode } from '../../base/errors.ts'
import { idPattern } from '../../base/ids.ts'
import type { GatewayOutcome } from '../../gateway/gateway.ts'
import type { App } from '../route.ts'

/** What the line of a request tells beside what the request itself knows. Codes, ids and numbers only. */
export interface RequestLine {
  readonly startedAtMs: number
  /** Parts that must end before the line is written: the response, and a gateway call. */
  pending: number
  bytesOut: number
  isAborted: boolean
  code: ProblemCode | null
  /** Log-only words of Weft's own about the problem. */
  note: string | null
  /** Name and place of an error that nobody foresaw; never its message. */
  fault: string | null
  outcome: GatewayOutcome | null
}

const fabricIdPattern = new RegExp(idPattern('fabric'))

/** One line per request, when its answer has ended: the route's pattern, never the URL. */
export function installLog(
  app: App,
  { logger, clock }: { logger: FastifyBaseLogger; clock: Clock }
): { settle: (request: FastifyRequest, reply: FastifyReply) => void } {
  function settle(request: FastifyRequest, reply: FastifyReply): void {
    const { line } = request
    line.pending -= 1
    if (line.pending > 0) return
    const facts = factsOf(request, reply, clock.monotonicMs() - line.startedAtMs)
    if (line.code === 'internal') logger.error(facts, 'request')
    else logger.info(facts, 'request')
  }

  app.decorateRequest('line')
  app.addHook('onRequest', (request, reply, done) => {
    request.line = newLine(clock.monotonicMs())
    reply.raw.once('close', () => {
      request.line.isAborted = !reply.raw.writableEnded
      settle(request, reply)
    })
    done()
  })
  return { settle }
}

export function newLine(startedAtMs: number): RequestLine {
  return {
    startedAtMs,
    pending: 1,
    bytesOut: 0,
    isAborted: false,
    code: null,
    note: null,
    fault: null,
    outcome: null
  }
}

function factsOf(request: FastifyRequest, reply: FastifyReply, ms: number) {
  const { line, caller } = request
  const { outcome } = line
  const { config, url } = request.routeOptions
  return {
    requestId: request.id,
    method: request.method,
    route: url ?? 'none',
    operation: outcome?.operation ?? config.operation,
    status: reply.raw.headersSent ? reply.raw.statusCode : undefined,
    code: line.code ?? undefined,
    aborted: line.isAborted || undefined,
    ms: Math.round(ms * 10) / 10,
    bytesIn: lengthOf(request.headers['content-length']),
    bytesOut: line.bytesOut || lengthOf(reply.getHeader('content-length')),
    tenant: caller?.scope.tenantId,
    actor: caller?.scope.actor.id,
    via: caller?.via,
    key: caller?.keyId ?? undefined,
    fabric: outcome?.fabricId ?? fabricOf(request.params),
    identity: outcome?.identity ?? undefined,
    tokenSource: outcome?.tokenSource ?? undefined,
    upstreamMs: outcome?.upstreamMs ?? undefined,
    upstreamStatus: outcome?.upstreamStatus ?? undefined,
    note: line.note ?? undefined,
    fault: line.fault ?? undefined
  }
}

function lengthOf(header: unknown): number | undefined {
  const length = Number(header ?? Number.NaN)
  return Number.isSafeInteger(length) ? length : undefined
}

function fabricOf(params: unknown): string | undefined {
  if (typeof params !== 'object' || params === null || !('fabricId' in params)) return undefined
  const { fabricId } = params
  return typeof fabricId === 'string' && fabricIdPattern.test(fabricId) ? fabricId : undefined
}
