import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../base/clock.ts'
import { idPattern } from '../../base/ids.ts'
import { parseTraceContext, type Span, type TraceContext, type Tracer } from '../../base/trace.ts'
import type { RequestMeasures } from '../metrics/requests.ts'
import { newLine } from '../request-line.ts'
import type { App } from '../route.ts'

type Route = FastifyRequest['routeOptions']

const fabricIdPattern = new RegExp(idPattern('fabric'))

interface LogDeps {
  readonly logger: FastifyBaseLogger
  readonly clock: Clock
  readonly requests: RequestMeasures
  /** Null: nobody collects spans. */
  readonly tracer: Tracer | null
}

/** One line per request, and one count, when its answer has ended: the route's pattern, never the URL. */
export function installLog(
  app: App,
  { logger, clock, requests, tracer }: LogDeps
): { settle: (request: FastifyRequest, reply: FastifyReply) => void } {
  function settle(request: FastifyRequest, reply: FastifyReply): void {
    const { line } = request
    line.pending -= 1
    if (line.pending > 0) return
    const tookMs = clock.monotonicMs() - line.startedAtMs
    const code = line.code ?? line.outcome?.code ?? null
    const route = request.routeOptions
    requests.note(route, reply.raw, code, tookMs)
    line.span?.end(code, endOf(request, reply, route))
    const facts = factsOf(request, reply, route, tookMs)
    if (line.code === 'internal') logger.error(facts, 'request')
    else logger.info(facts, 'request')
  }

  app.decorateRequest('line')
  app.addHook('onRequest', (request, reply, done) => {
    const line = newLine(clock.monotonicMs())
    request.line = line
    const { traceparent, tracestate } = request.headers
    if (traceparent !== undefined) line.trace = parseTraceContext(traceparent, tracestate)
    if (tracer !== null) line.span = beginSpan(tracer, request, line.trace)
    reply.raw.on('close', () => {
      line.isAborted = !reply.raw.writableEnded
      settle(request, reply)
    })
    done()
  })
  return { settle }
}

/** Looks of balancers would drown everything else. */
const untraced: ReadonlySet<string | undefined> = new Set(['/healthz', '/readyz'])

function beginSpan(
  tracer: Tracer,
  { method, routeOptions: { url } }: FastifyRequest,
  parent: TraceContext | null
): Span | null {
  if (untraced.has(url)) return null
  const facts = { 'http.request.method': method, 'http.route': url ?? 'none' }
  return tracer.begin('request', parent, facts)
}

function endOf({ caller, line, params }: FastifyRequest, { raw }: FastifyReply, route: Route) {
  const { outcome } = line
  const fabric = outcome?.fabricId ?? fabricOf(params)
  const operation = outcome?.operation ?? route.config.operation
  return {
    ...(raw.headersSent && { 'http.response.status_code': raw.statusCode }),
    ...(operation && { 'weft.operation': operation }),
    ...(caller && { 'weft.tenant': caller.scope.tenantId, 'weft.via': caller.via }),
    ...(fabric && { 'weft.fabric': fabric }),
    ...(outcome?.identity && { 'weft.identity': outcome.identity })
  }
}

function factsOf(request: FastifyRequest, reply: FastifyReply, { config, url }: Route, ms: number) {
  const { line, caller } = request
  const { outcome } = line
  return {
    requestId: request.id,
    trace: (line.span?.context ?? line.trace)?.traceId,
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
