/**
 * The gate in front of a workspace's API: request ids, credentials, IP list, scopes, routes, faults.
 * Owns: what is answered before any API sees the call. May touch: the issued tokens, the faults.
 * Never: knows what an API does.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { sendJson } from '../simulation/exchange.ts'
import type { LogEntry, Recorder } from '../simulation/recorder.ts'
import { type Answer, failure, type Route, type WorkspaceDeps } from './api/answer.ts'
import type { BearerClaims, IssuedTokens } from './issued-tokens.ts'

export interface EdgeDeps extends WorkspaceDeps {
  readonly issued: IssuedTokens
  readonly recorder: Recorder
  readonly routes: readonly Route[]
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
  const { apiDelayMs, apiStatus, apiRetryAfterSeconds } = deps.faults.current
  if (apiDelayMs > 0) await pause(apiDelayMs)
  if (apiStatus !== null) {
    const retry =
      apiRetryAfterSeconds === null ? {} : { 'retry-after': String(apiRetryAfterSeconds) }
    return sendJson(res, apiStatus, imposed(apiStatus), { ...common, ...retry })
  }
  const claims = await bearerOf(req, deps)
  if (claims && claims !== 'unknown') {
    entry.tokenId = claims.tokenId
    entry.familyId = claims.familyId
    entry.principal = claims.principal
    entry.clientId = claims.clientId
  }
  const identity =
    claims && claims !== 'unknown' ? deps.registry.identity(claims.principal) : undefined
  const refusal = refusalOf(deps, claims, identity === undefined, req, requestId)
  if (refusal || !claims || claims === 'unknown' || !identity) {
    const { status, message } = refusal ?? deadToken(deps)
    return sendJson(
      res,
      status,
      { error_code: status, message: `${message} [ReqId: ${requestId}]` },
      {
        ...common,
        'x-databricks-reason-phrase': message,
        ...(status === 401 ? { 'www-authenticate': 'Bearer realm="DatabricksRealm"' } : {})
      }
    )
  }
  const headers = { ...common, 'x-databricks-org-id': deps.workspaceId }
  const call = { method: req.method ?? 'GET', path: url.pathname, query: url.searchParams, body }
  const found = findRoute(deps.routes, call.method, call.path)
  if (!found) return send(deps, res, unknownPath(call.method, call.path, requestId), headers)
  const { route, params } = found
  if (!allows(claims.scopes, route.scope)) {
    const message = `Provided OAuth token does not have required scopes: ${route.scope} [ReqId: ${requestId}]`
    return sendJson(res, 403, { error_code: 403, message }, headers)
  }
  const answer = await route.handle({ ...call, requestId, caller: identity, params })
  return send(deps, res, answer, headers)
}

export function isApiPath(path: string): boolean {
  return apiPaths.test(path)
}

function requestIdOf(req: IncomingMessage): string {
  const given = req.headers['x-request-id']
  return typeof given === 'string' && /^[\w.-]{8,64}$/.test(given) ? given : randomUUID()
}

export function commonHeaders(requestId: string): Record<string, string> {
  return {
    'x-request-id': requestId,
    server: 'databricks',
    'x-content-type-options': 'nosniff',
    'strict-transport-security': 'max-age=31536000; includeSubDomains; preload',
    vary: 'Accept-Encoding'
  }
}

type Refusal = { readonly status: number; readonly message: string }

async function bearerOf(req: IncomingMessage, { issued }: EdgeDeps) {
  const [scheme, token] = (req.headers.authorization ?? '').split(' ')
  if (scheme?.toLowerCase() !== 'bearer' || !token) return undefined
  return (await issued.read(token)) ?? 'unknown'
}

function refusalOf(
  deps: EdgeDeps,
  claims: BearerClaims | 'unknown' | undefined,
  isStranger: boolean,
  req: IncomingMessage,
  _requestId: string
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

function allows(scopes: readonly string[], needed: string | null): boolean {
  return needed === null || scopes.includes('all-apis') || scopes.includes(needed)
}

function findRoute(routes: readonly Route[], method: string, path: string) {
  for (const route of routes) {
    const match = route.method === method ? route.pattern.exec(path) : null
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

function imposed(status: number) {
  const codes: Record<number, string> = {
    400: 'BAD_REQUEST',
    403: 'PERMISSION_DENIED',
    404: 'RESOURCE_DOES_NOT_EXIST',
    409: 'RESOURCE_CONFLICT',
    429: 'REQUEST_LIMIT_EXCEEDED',
    500: 'INTERNAL_ERROR',
    503: 'TEMPORARILY_UNAVAILABLE',
    504: 'DEADLINE_EXCEEDED'
  }
  return { error_code: codes[status] ?? 'UNKNOWN', message: `The workspace answers ${status}.` }
}

async function send(
  deps: EdgeDeps,
  res: ServerResponse,
  answer: Answer,
  headers: Record<string, string>
): Promise<void> {
  if ('empty' in answer) {
    res.writeHead(answer.status, { ...headers, 'content-length': 0 }).end()
    return
  }
  if ('json' in answer)
    return sendJson(res, answer.status, answer.json, { ...headers, ...answer.headers })
  res.writeHead(200, {
    ...headers,
    ...answer.headers,
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache'
  })
  await stream(deps, res, answer.events)
}

async function stream(
  deps: EdgeDeps,
  res: ServerResponse,
  events: readonly string[]
): Promise<void> {
  let sent = 0
  for (const data of events) {
    const { streamCutAfterEvents, streamEventDelayMs } = deps.faults.current
    if (res.destroyed) return
    if (streamCutAfterEvents !== null && sent >= streamCutAfterEvents) {
      deps.recorder.cutOnPurpose(res)
      res.destroy()
      return
    }
    if (!res.write(`data: ${data}\n\n`))
      await Promise.race([once(res, 'drain'), once(res, 'close')])
    sent++
    if (streamEventDelayMs > 0) await pause(streamEventDelayMs)
  }
  res.end()
}
