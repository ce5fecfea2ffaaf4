import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../base/errors.ts'
import { asId, type FabricId, idPattern } from '../../base/ids.ts'
import type { Gateway } from '../../gateway/gateway.ts'
import { bodyOf } from '../data-plane/body.ts'
import { responseSink } from '../data-plane/sink.ts'
import { goneSignal } from '../gone-signal.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import type { SecurityHeaders } from '../plugins/security-headers.ts'
import type { App } from '../route.ts'
import type { HttpLimits } from '../server-options.ts'

interface Deps {
  readonly gateway: Gateway
  readonly problems: ProblemWriter
  readonly headersOf: SecurityHeaders
  readonly settle: (request: FastifyRequest, reply: FastifyReply) => void
  readonly limits: HttpLimits
}

const fabricIdPattern = new RegExp(idPattern('fabric'))
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** `/fabrics/{fabricId}/…`: the workspace's own paths, bodies untouched both ways. */
export async function dataPlane(app: App, deps: Deps): Promise<void> {
  const { gateway, problems, settle, limits } = deps
  const always = Object.entries(deps.headersOf('data')).flat()
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))

  app.route<{ Params: { fabricId: string } }>({
    method: methods,
    url: '/fabrics/:fabricId/*',
    config: { access: 'caller', operation: 'endpoint.query', surface: 'data' },
    schema: { hide: true },
    handler: async (request, reply) => {
      const target = targetOf(request.raw.url ?? '', request.params.fabricId)
      const signal = goneSignal(reply.raw)
      const body = await bodyOf(request.raw, limits)
      const sink = responseSink(request, reply, always)
      const { scope, method, headers, line } = request
      const keyId = request.caller?.keyId ?? null
      line.pending += 1
      try {
        const call = { scope, keyId, ...target, method, headers, body, signal }
        line.outcome = await gateway.handle(call, sink)
      } catch (err) {
        const cause = tooLarge(body) ?? err
        if (!sink.isStarted()) throw cause
        problems.note(request, cause)
        sink.destroy()
      } finally {
        settle(request, reply)
      }
    }
  })
}

function tooLarge(body: unknown): AppError | null {
  if (typeof body !== 'object' || body === null || !('errored' in body)) return null
  return body.errored instanceof AppError ? body.errored : null
}

/** Fabric, path and query, the latter two as they came: nothing is decoded and encoded again. */
function targetOf(url: string, id: string): { fabricId: FabricId; path: string; query: string } {
  if (!fabricIdPattern.test(id)) throw new AppError('not_found')
  const prefix = `/fabrics/${id}`
  if (!url.startsWith(`${prefix}/`)) throw new AppError('path_not_allowed')
  const at = url.indexOf('?')
  const end = at < 0 ? url.length : at
  return {
    fabricId: asId('fabric', id),
    path: url.slice(prefix.length, end),
    query: url.slice(end + 1)
  }
}
