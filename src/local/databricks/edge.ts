/**
 * The gate in front of a workspace's API: request ids, credentials, IP list, scopes, routes, faults.
 * Owns: what is answered before any API sees the call. May touch: the issued tokens, the faults.
 * Never: knows what an API does.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { LogEntry, Recorder } from '../simulation/recorder.ts'
import { type Answer, failure, type Route, type WorkspaceDeps } from './api/answer.ts'
import { imposedAnswer } from './imposed.ts'
import type { BearerClaims, IssuedTokens } from './issued-tokens.ts'
import { reset, send } from './sending.ts'

export interface EdgeDeps extends WorkspaceDeps {
  readonly issued: IssuedTokens
  readonly recorder: Recorder
  readonly routes: readonly Route[]
  /** What a token must allow beyond its scopes; without it, down-scoped tokens are refused. */
  readonly admits?: (claims: BearerClaims, path: string) => boolean
}

const apiPaths = /^\/(api|serving-endpoints|sql)\//

/** Answers one API call of a workspace. */
export async function answerApi(
  deps: EdgeDeps,
  req: IncomingMessage,
  res: ServerResponse,
  body: Buffer,
  entry: LogEntry
): Promise<void> {
  const url = new URL(req.url ?? '/', deps.origin)
  const requestId = requestIdOf(req)
  const common = commonHeaders(requestId)
  const faults = deps.faults.forCall(url.pathname)
  const answerWith = (answer: Answer, headers: Record<string, string> = {}) =>
    send(deps, req, res, answer, { ...common, ...headers }, faults)
  if (faults.apiDelayMs > 0) await pause(faults.apiDelayMs)
  if (faults.dropApiAnswer) {
    res.once('close', () => {
      entry.status = null
    })
    return reset(deps, res)
  }
  const imposed = imposedAnswer(faults, deps.clock.now())
  if (imposed) return answerWith(imposed)
  const claims = await bearerOf(req, deps)
  if (claims && claims !== 'unknown') {
    entry.tokenId = claims.tokenId
    entry.familyId = claims.familyId
    entry.principal = claims.principal
    entry.clientId = claims.clientId
  }
  const identity =
    claims && claims !== 'unknown' ? deps.registry.identity(claims.principal) : undefined
  const refusal = refusalOf(deps, claims, identity === undefined, req)
  if (refusal || !claims || claims === 'unknown' || !identity) {
    const { status, message } = refusal ?? deadToken(deps)
    return answerWith(
      { status, json: { error_code: status, message: `${message} [ReqId: ${requestId}]` } },
      {
        'x-databricks-reason-phrase': message,
        ...(status === 401 ? { 'www-authenticate': 'Bearer realm="DatabricksRealm"' } : {})
      }
    )
  }
  const org = { 'x-databricks-org-id': deps.workspaceId }
  const { pathname: path, searchParams: query } = url
  const call = { method: req.method ?? 'GET', path, query, headers: req.headers, body }
  const found = findRoute(deps.routes, call.method, call.path)
  if (!found) return answerWith(unknownPath(call.method, call.path, requestId), org)
  const { route, params } = found
  if (!allows(claims, route.scope) || !(deps.admits?.(claims, path) ?? !claims.isDownScoped)) {
    const needed = route.scope ?? 'all-apis'
    const message = `Provided OAuth token does not have required scopes: ${needed} [ReqId: ${requestId}]`
    return answerWith({ status: 403, json: { error_code: 403, message } }, org)
  }
  return answerWith(await route.handle({ ...call, requestId, caller: identity, params }), org)
}

export function isApiPath(path: string): boolean {
  return apiPaths.test(path)
}

function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID()
}

function commonHeaders(requestId: string): Record<string, string> {
  return {
    'x-request-id': requestId,
    server: 'databricks',
    'x-content-type-options': 'nosniff',
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    vary: 'Accept-Encoding'
  }
}

type Refusal = { readonly status: number; readonly message: string }

async function bearerOf(req: IncomingMessage, { issued, registry }: EdgeDeps) {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'bearer' || !token) return undefined
  return registry.personalTokens.read(token) ?? (await issued.read(token)) ?? 'unknown'
}

function refusalOf(
  deps: EdgeDeps,
  claims: BearerClaims | 'unknown' | undefined,
  isStranger: boolean,
  req: IncomingMessage
): Refusal | undefined {
  if (!claims) {
    const message = 'Credential was not sent or was of an unsupported type for this API.'
    return { status: 401, message }
  }
  if (claims === 'unknown') return { status: 403, message: 'Invalid access token.' }
  if (claims.isDead) return deadToken(deps)
  if (deps.faults.current.ipBlocked) {
    const address = req.socket.remoteAddress?.replace('::ffff:', '') ?? ''
    const message = `Source IP address: ${address} is blocked by Databricks IP ACL for workspace: ${deps.workspaceId}`
    return { status: 403, message }
  }
  return isStranger ? { status: 403, message: 'Invalid access token.' } : undefined
}

function deadToken({ faults }: EdgeDeps): Refusal {
  return faults.current.deadTokenStatus === 401
    ? { status: 401, message: 'Token is expired' }
    : { status: 403, message: 'Invalid access token.' }
}

function allows({ scopes }: BearerClaims, needed: string | null): boolean {
  return needed === null || scopes.includes('all-apis') || scopes.includes(needed)
}

function findRoute(routes: readonly Route[], method: string, path: string) {
  const wanted = method === 'HEAD' ? 'GET' : method
  for (const route of routes) {
    const match = route.method === wanted ? route.pattern.exec(path) : null
    if (match) return { route, params: decoded(match.groups ?? {}) }
  }
  return undefined
}

function decoded(groups: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, value]) => [name, safeDecode(value ?? '')])
  )
}

function safeDecode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value
  }
}

function unknownPath(method: string, path: string, requestId: string): Answer {
  const isOddSql =
    path.startsWith('/api/2.0/sql/') && !/^\/api\/2\.0\/sql\/(statements|warehouses)/.test(path)
  if (isOddSql) return { status: 404, empty: true }
  const shown = path.replace(/^\/api\/[\d.]+/, '')
  return failure({ requestId }, 404, 'ENDPOINT_NOT_FOUND', `No API found for '${method} ${shown}'`)
}
