import { AppError } from '../base/errors.ts'
import type { ControlRequest, ControlResponse } from './control-plane.ts'
import type { HostRule } from './host-guard.ts'

export interface FetchLimits {
  /** Longest answer body that is taken, default 1 MiB. */
  readonly maxBytes?: number
  /** For everything together, default 10 s. */
  readonly deadlineMs?: number
}

export interface FetchOptions {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?:
    | ArrayBuffer
    | ReadableStream
    | string
    | Uint8Array
    | URLSearchParams
    | null
    | undefined
  readonly redirect: 'manual'
  readonly signal?: AbortSignal | undefined
}

/** Fits `customFetch` of openid-client and oauth4webapi. Rejects with AppErrors, as `request` does. */
export type GuardedFetch = (url: string, options: FetchOptions) => Promise<Response>

/** Statuses that a Response refuses to give a body to (Fetch Standard, null body status). */
const withoutBody = new Set([204, 205, 304])

export function createFetch(
  request: (input: ControlRequest) => Promise<ControlResponse>,
  rule: HostRule,
  limits: FetchLimits
): GuardedFetch {
  return async (url, { method, headers, body, signal }) => {
    const bytes = bytesOf(body)
    const answer = await request({
      ...limits,
      url,
      rule,
      method,
      headers,
      signal,
      ...(bytes === undefined ? {} : { body: bytes })
    })
    return new Response(withoutBody.has(answer.status) ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: answer.headers
    })
  }
}

function bytesOf(body: FetchOptions['body']): Buffer | undefined {
  if (body === null || body === undefined) return undefined
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof URLSearchParams) return Buffer.from(body.toString())
  if (body instanceof ArrayBuffer) return Buffer.from(body)
  if (body instanceof Uint8Array) return Buffer.from(body)
  throw new AppError('internal', { note: 'a streamed body on a buffered call' })
}
