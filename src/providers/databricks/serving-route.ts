import { invalidRequest } from '../../base/errors.ts'
import type { Interpretation, ProviderCall, ServingRoute } from '../provider.ts'
import { servingEndpointNamePattern } from './calls.ts'
import { isPage, readJson } from './envelope.ts'

const namePattern = new RegExp(servingEndpointNamePattern)
const queryAction = 'query_inference_endpoint'
const objectPath = /^\/serving-endpoints\/[0-9A-Za-z-]{1,64}$/

/** Asks the workspace whether an endpoint has a data plane of its own. */
export function servingRouteCall(endpoint: string): ProviderCall<ServingRoute | null> {
  if (!namePattern.test(endpoint)) throw invalidRequest('/endpoint', 'not what names an endpoint')
  return {
    method: 'GET',
    path: `/api/2.0/serving-endpoints/${endpoint}`,
    headers: { accept: 'application/json' },
    interpret(status, headers, body) {
      const json = status === 200 && !isPage(headers, body) ? readJson(body) : null
      return json === null ? unknown : readRoute(json, endpoint)
    }
  }
}

const unknown = { ok: false, code: 'discovery_failed' } as const
const atWorkspace = { ok: true, value: null } as const

function readRoute(
  json: Record<string, unknown>,
  endpoint: string
): Interpretation<ServingRoute | null> {
  if (json.route_optimized !== true) return atWorkspace
  const info = memberOf(json.data_plane_info, 'query_info')
  const url = memberOf(info, 'endpoint_url')
  const details = memberOf(info, 'authorization_details')
  if (typeof url !== 'string' || typeof details !== 'string') return atWorkspace
  const parsed = URL.parse(url)
  const path = new RegExp(`^/[0-9]{1,20}/serving-endpoints/${endpoint}/invocations$`)
  if (parsed === null || parsed.search !== '' || parsed.hash !== '') return unknown
  if (!path.test(parsed.pathname) || !isOnlyToQuery(details)) return unknown
  return { ok: true, value: { url, authorizationDetails: details } }
}

/** What is asked for on the caller's behalf is to query one endpoint, whatever the document says. */
function isOnlyToQuery(text: string): boolean {
  const details = parse(text)
  if (!Array.isArray(details) || details.length !== 1) return false
  const [one] = details
  const actions = memberOf(one, 'actions')
  const path = memberOf(one, 'object_path')
  return (
    memberOf(one, 'type') === 'workspace_permission' &&
    memberOf(one, 'object_type') === 'serving-endpoints' &&
    typeof path === 'string' &&
    objectPath.test(path) &&
    Array.isArray(actions) &&
    actions.length === 1 &&
    actions[0] === queryAction
  )
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}
