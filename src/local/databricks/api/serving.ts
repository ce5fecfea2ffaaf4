import { setTimeout as pause } from 'node:timers/promises'
import { isObject, parseJson } from '../../simulation/exchange.ts'
import { type Answer, type Call, failure, ok, type Route, type WorkspaceDeps } from './answer.ts'
import { describe, type Endpoint, endpoints, findEndpoint, summarize } from './endpoints.ts'
import { type Family, families } from './model.ts'

export function createServing(deps: WorkspaceDeps) {
  const awakeAtMs = new Map<string, number>()
  deps.faults.onChange((names) => {
    if (names.includes('coldStartMs')) awakeAtMs.clear()
  })
  const warmUp = async ({ name }: Endpoint) => {
    const now = deps.clock.monotonicMs()
    const awakeAt = awakeAtMs.get(name) ?? now + deps.faults.current.coldStartMs
    awakeAtMs.set(name, awakeAt)
    if (awakeAt > now) await pause(awakeAt - now)
  }
  const query = async (
    call: Call,
    name: string,
    family: Family,
    isDataPlane = false
  ): Promise<Answer> => {
    const endpoint = findEndpoint(name)
    if (!endpoint || (isDataPlane && !endpoint.isRouteOptimized)) return missing(call, name)
    if (endpoint.isRouteOptimized && !isDataPlane) {
      const message = `Endpoint ${name} is route optimized; query it at its endpoint_url.`
      return failure(call, 400, 'BAD_REQUEST', message)
    }
    if (endpoint.isQueryable === false) {
      const message = `User does not have permission 'Query' on Endpoint ${name}`
      return failure(call, 403, 'PERMISSION_DENIED', message)
    }
    const body = parseJson(call.body)
    if (!isObject(body)) {
      return failure(
        call,
        400,
        'MALFORMED_REQUEST',
        'Invalid JSON given in the body of the request'
      )
    }
    await warmUp(endpoint)
    return families[family](call, endpoint, body)
  }
  const byModel = (family: Family) => (call: Call) => {
    const body = parseJson(call.body)
    return query(call, isObject(body) ? String(body.model) : '', family)
  }
  const routes: Route[] = [
    post(/^\/serving-endpoints\/(?<name>[^/]+)\/invocations$/, (call) =>
      query(call, call.params.name ?? '', 'any')
    ),
    post(/^\/serving-endpoints\/(?<name>[^/]+)\/served-models\/[^/]+\/invocations$/, (call) =>
      query(call, call.params.name ?? '', 'any')
    ),
    post(/^\/serving-endpoints(?:\/v1)?\/chat\/completions$/, byModel('chat')),
    post(/^\/serving-endpoints(?:\/v1)?\/completions$/, byModel('completions')),
    post(/^\/serving-endpoints(?:\/v1)?\/embeddings$/, byModel('embeddings')),
    post(/^\/serving-endpoints(?:\/v1)?\/responses$/, byModel('responses')),
    {
      method: 'GET',
      pattern: /^\/api\/2\.0\/serving-endpoints$/,
      scope: 'model-serving',
      handle: () => {
        const more = Array.from({ length: deps.faults.current.moreResources }, (_, at) => ({
          name: `model-${at + 1}`,
          task: null
        }))
        return ok({ endpoints: [...endpoints, ...more].map((one) => summarize(one, deps)) })
      }
    },
    {
      method: 'GET',
      pattern: /^\/api\/2\.0\/serving-endpoints\/(?<name>[^/]+)$/,
      scope: 'model-serving',
      handle: (call) => {
        const found = findEndpoint(call.params.name)
        return found ? ok(describe(found, deps)) : missing(call, call.params.name ?? '')
      }
    }
  ]
  /** What the data plane's own host serves. */
  const dataPlaneRoutes = [
    post(/^\/\d+\/serving-endpoints\/(?<name>[^/]+)\/invocations$/, (call) =>
      query(call, call.params.name ?? '', 'any', true)
    )
  ]
  return { routes, dataPlaneRoutes }
}

function missing(call: Call, name: string): Answer {
  const message = `Endpoint with name '${name}' does not exist.`
  return failure(call, 404, 'RESOURCE_DOES_NOT_EXIST', message)
}

function post(pattern: RegExp, handle: Route['handle']): Route {
  return { method: 'POST', pattern, scope: 'model-serving', handle }
}
