import { request } from 'node:http'
import { text } from 'node:stream/consumers'

/** Who calls: a person by their session, or a service account by its key. */
export type Caller = { readonly session: string } | { readonly key: string }

export interface Call {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Answer {
  readonly status: number
  readonly text: string
  /** The problem code; null where the workspace itself answered, or nothing is wrong. */
  readonly code: string | null
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Longer than everything that a call may wait for; a call that takes longer hangs. */
export const callTimeoutMs = 60_000
const publicUrl = 'https://weft.test'

/** One HTTP request to one server process, on a connection of its own. @throws Error of the connection */
export function callProcess(port: number, caller: Caller, call: Call): Promise<Answer> {
  const { method, path, body, signal } = call
  return new Promise((resolve, reject) => {
    const sent = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: false,
      timeout: callTimeoutMs,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        host: new URL(publicUrl).host,
        ...('key' in caller
          ? { authorization: `Bearer ${caller.key}` }
          : {
              origin: publicUrl,
              'x-weft-csrf': '1',
              cookie: `__Host-weft_session=${caller.session}`
            }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers
      }
    })
    sent.once('timeout', () => sent.destroy(new TimeoutError(`${method} ${path}`)))
    sent.once('error', reject)
    sent.once('response', (response) => {
      text(response).then((body) => {
        const { headers, statusCode: status = 0 } = response
        resolve({ status, headers, text: body, code: codeOf(headers, body, status) })
      }, reject)
    })
    sent.end(body === undefined ? undefined : JSON.stringify(body))
  })
}

export class TimeoutError extends Error {
  override readonly name = 'TimeoutError'
}

function codeOf(headers: Answer['headers'], body: string, status: number): string | null {
  const told = headers['x-weft-problem']
  if (typeof told === 'string') return told
  const isProblem = String(headers['content-type']).startsWith('application/problem+json')
  if (isProblem) return /"code":"(\w+)"/.exec(body)?.[1] ?? `status ${status}`
  return null
}
