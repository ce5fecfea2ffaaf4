/**
 * Owns: every call of the pages to Weft, typed by the OpenAPI document; waits where the session has ended.
 * Touches: fetch, which nothing else in the pages may.
 * Never: keeps an answer (TanStack Query does), shows anything.
 */
import { type Operations, ways } from '../generated/operations.ts'
import { pathOf } from './prefix.ts'
import { noAnswer, type ProblemError, problemOf } from './problem.ts'
import { loggedInAgain } from './session-gate.ts'

export type OperationId = keyof Operations
export type Input<Id extends OperationId> = Operations[Id]['input']
export type Answer<Id extends OperationId> = Operations[Id]['answer']

export interface CallOptions {
  readonly signal?: AbortSignal
  /** The same for each repetition of one intent: a create has one effect however often it is sent. */
  readonly idempotencyKey?: string
  /** Server-sent events in place of one answer. */
  readonly accept?: 'text/event-stream'
  /** Whether a 401 is the caller's to handle; otherwise the call waits for a new login. */
  readonly isAnonymousAllowed?: boolean
}

interface Parts {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: Readonly<Record<string, unknown>>
  readonly body?: unknown
}

function urlOf(template: string, { path = {}, query = {} }: Parts): string {
  const filled = template.replaceAll(/\{(\w+)\}/g, (_all, name: string) =>
    encodeURIComponent(path[name] ?? '')
  )
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== '') search.append(name, String(one))
    }
  }
  const text = search.toString()
  return pathOf(text === '' ? filled : `${filled}?${text}`)
}

function headersOf({ body }: Parts, isOnce: boolean, options: CallOptions): Headers {
  const headers = new Headers({ 'x-weft-csrf': '1', accept: options.accept ?? 'application/json' })
  if (body !== undefined) headers.set('content-type', 'application/json')
  if (isOnce) headers.set('idempotency-key', options.idempotencyKey ?? crypto.randomUUID())
  return headers
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (err) {
    if (err instanceof DOMException && err.name === 'AbortError') throw err
    throw noAnswer()
  }
}

/** The answer to a request of this origin, once there is a session again. @throws ProblemError */
async function send(url: string, init: RequestInit, options: CallOptions): Promise<Response> {
  const response = await ask(url, init)
  if (response.ok) return response
  const error: ProblemError = await problemOf(response)
  if (error.problem.code !== 'unauthenticated' || options.isAnonymousAllowed) throw error
  await loggedInAgain()
  return await send(url, init, options)
}

/** The raw answer of an operation, for those that stream. @throws ProblemError */
export function open<Id extends OperationId>(
  id: Id,
  input: Input<Id>,
  options: CallOptions = {}
): Promise<Response> {
  const [method, template, once] = ways[id]
  const parts: Parts = input
  const init: RequestInit = { method, headers: headersOf(parts, once !== undefined, options) }
  if (parts.body !== undefined) init.body = JSON.stringify(parts.body)
  if (options.signal) init.signal = options.signal
  return send(urlOf(template, parts), init, options)
}

/** Asks Weft. @throws ProblemError */
export async function call<Id extends OperationId>(
  id: Id,
  input: Input<Id>,
  options: CallOptions = {}
): Promise<Answer<Id>> {
  const response = await open(id, input, options)
  if (response.status === 204) return null as Answer<Id> // the document says that there is nothing
  const answer: Answer<Id> = await response.json()
  return answer
}

/**
 * Asks the workspace through a fabric: the data plane, in the workspace's own shapes. The answer may be of any
 * status, since most are the workspace's to tell; Weft's own carry `x-weft-problem`. Where the session has ended it
 * waits for a new login.
 */
export async function askFabric(
  fabricId: string,
  path: string,
  init: RequestInit
): Promise<Response> {
  const headers = new Headers(init.headers)
  headers.set('x-weft-csrf', '1')
  const response = await ask(pathOf(`/fabrics/${fabricId}/${path}`), { ...init, headers })
  if (response.headers.get('x-weft-problem') !== 'unauthenticated') return response
  await loggedInAgain()
  return await askFabric(fabricId, path, init)
}
