import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import { idPattern } from '../../base/ids.ts'
import type { RequestMeasures } from '../metrics/requests.ts'
import { newLine } from '../request-line.ts'
import type { App } from '../route.ts'

const fabricIdPattern = new RegExp(idPattern('fabric'))

interface LogDeps {
  readonly logger: FastifyBaseLogger
  readonly clock: Clock
  readonly requests: RequestMeasures
}

/** One line per request, and one count, when its answer has ended: the route's pattern, never the URL. */
export function installLog(
  app: App,
  { logger, clock, requests }: LogDeps
): { settle: (request: FastifyRequest, reply: FastifyReply) => void } {
  function settle(request: FastifyRequest, reply: FastifyReply): void {
    const { line } = request
    line.pending -= 1
    if (line.pending > 0) return
    const tookMs = clock.monotonicMs() - line.startedAtMs
    requests.note(request, reply, line.code ?? line.outcome?.code ?? null, tookMs)
    const facts = factsOf(request, reply, tookMs)
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
    code: line.code ?? outcome?.code ?? undefined,
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
