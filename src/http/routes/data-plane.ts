import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../base/errors.ts'
import { asId, idPattern } from '../../base/ids.ts'
import { Stop } from '../../base/stop.ts'
import type { FabricSlugs } from '../../fabrics/fabric-slugs.ts'
import type { Gateway, GatewayCall } from '../../gateway/gateway.ts'
import type { Identity } from '../../identity/identity.ts'
import { bodyOf } from '../data-plane/body.ts'
import { responseSink } from '../data-plane/sink.ts'
import { endOf, stopWhenGone } from '../gone-signal.ts'
import { credentialsOf } from '../plugins/access.ts'
import { onFabricHost } from '../plugins/fabric-host.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import type { SecurityHeaders } from '../plugins/security-headers.ts'
import type { App } from '../route.ts'
import type { HttpLimits } from '../server-options.ts'

interface Deps {
  readonly gateway: Gateway
  readonly identity: Identity
  readonly fabricSlugs: FabricSlugs
  readonly problems: ProblemWriter
  readonly headersOf: SecurityHeaders
  readonly settle: (request: FastifyRequest, reply: FastifyReply) => void
  readonly limits: HttpLimits
  readonly hasFabricHosts: boolean
}

type DataRequest = FastifyRequest<{ Params: { fabricId: string } }>
type Target = Pick<GatewayCall, 'fabricId' | 'path' | 'query'>

const fabricIdPattern = new RegExp(idPattern('fabric'))
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** `/fabrics/{fabricId}/…`, and all of a fabric host: the workspace's own paths, bodies untouched both ways. */
export async function dataPlane(app: App, deps: Deps): Promise<void> {
  const { gateway, identity, fabricSlugs, problems, settle, limits } = deps
  const always = Object.entries(deps.headersOf('data')).flat()
  answerAt('/fabrics/:fabricId/*', {}, ({ raw, params: { fabricId } }) => {
    if (!fabricIdPattern.test(fabricId)) throw new AppError('not_found')
    const prefix = `/fabrics/${fabricId}`
    return { fabricId: asId('fabric', fabricId), ...targetOf(raw.url ?? '', prefix) }
  })
  if (deps.hasFabricHosts) {
    answerAt('/*', { constraints: onFabricHost }, async ({ raw, scope, fabricHost }) => {
      if (fabricHost === null) throw new AppError('not_found')
      const fabricId = await fabricSlugs.findBySlug(scope, fabricHost)
      return { fabricId, ...targetOf(raw.url ?? '', '') }
    })
  }

  function answerAt(
    url: string,
    options: { constraints?: typeof onFabricHost },
    find: (request: DataRequest) => Target | Promise<Target>
  ): void {
    app.route<{ Params: { fabricId: string } }>({
      ...options,
      method: methods,
      url,
      config: { access: 'caller', operation: 'endpoint.query', surface: 'data' },
      schema: { hide: true },
      // The last of the hooks that let a request in: what follows it is for bodies that are parsed and checked.
      onRequest: async (request, reply) => {
        const leave = gateway.enter(request.scope)
        try {
          const target = find(request)
          await answer(request, reply, 'then' in target ? await target : target)
          reply.hijack()
        } finally {
          leave()
        }
      },
      handler: () => assert.fail('it is answered before')
    })
  }

  async function answer(request: DataRequest, reply: FastifyReply, target: Target): Promise<void> {
    const { scope, method, headers, line } = request
    const recheck = async () => {
      const now = await identity.authenticate(credentialsOf(request))
      await gateway.recheck({ scope: now.scope, fabricId: target.fabricId, headers })
    }
    const signal = new Stop()
    stopWhenGone(reply.raw, signal, (end) => identity.openCalls.open(scope, recheck, end))
    const body = await bodyOf(request.raw, limits)
    const sink = responseSink(request, reply.raw, always)
    const keyId = request.caller?.keyId ?? null
    line.pending += 1
    try {
      const { fabricId, path, query } = target
      const { trace, span } = line
      line.outcome = await gateway.handle(
        { scope, keyId, fabricId, method, path, query, headers, body, signal, trace, span },
        sink
      )
      const end = endOf(signal)
      if (end !== null && !reply.raw.writableEnded) throw end
    } catch (err) {
      const cause = tooLarge(body) ?? endOf(signal) ?? err
      if (!sink.isStarted()) throw cause
      problems.note(request, cause)
      sink.destroy()
    } finally {
      // A rest of it that nobody took would stand in the way of the connection's next call.
      if (body instanceof Readable) body.destroy()
      settle(request, reply)
    }
  }
}

function tooLarge(body: unknown): AppError | null {
  if (typeof body !== 'object' || body === null || !('errored' in body)) return null
  return body.errored instanceof AppError ? body.errored : null
}

/** Path and query as they came: nothing is decoded and encoded again. */
function targetOf(url: string, prefix: string): Omit<Target, 'fabricId'> {
  if (!url.startsWith(`${prefix}/`)) throw new AppError('path_not_allowed')
  const at = url.indexOf('?')
  const end = at < 0 ? url.length : at
  return { path: url.slice(prefix.length, end), query: url.slice(end + 1) }
}
