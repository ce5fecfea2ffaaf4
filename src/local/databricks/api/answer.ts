import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../../base/clock.ts'
import { isObject } from '../../simulation/exchange.ts'
import type { WorkspaceFaultBoard } from '../faults.ts'
import { parseExactJson } from '../int64-json.ts'
import type { Identity, Registry } from '../registry.ts'

type Headers = Record<string, string>

/** What an API call comes to; `events` are the data of an event stream, in order. */
export type Answer =
  | { readonly status: number; readonly json: unknown; readonly headers?: Headers }
  | { readonly status: number; readonly bytes: Buffer; readonly headers: Headers }
  | { readonly status: number; readonly empty: true }
  | { readonly status: 200; readonly events: readonly string[]; readonly headers?: Headers }

export interface Call {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly requestId: string
  /** Whom the bearer token stands for. */
  readonly caller: Identity
  /** The groups of the route's pattern. */
  readonly params: Readonly<Record<string, string>>
}

export interface Route {
  readonly method: string
  readonly pattern: RegExp
  /** The scope that opens it beside `all-apis`; null: any token. */
  readonly scope: string | null
  readonly handle: (call: Call) => Answer | Promise<Answer>
}

export interface WorkspaceDeps {
  readonly origin: string
  /** Where route-optimized endpoints are queried. */
  readonly dataPlaneOrigin: string
  readonly workspaceId: string
  readonly registry: Registry
  readonly faults: WorkspaceFaultBoard
  readonly clock: Clock
}

export function ok(json: unknown, headers: Headers = {}): Answer {
  return { status: 200, json, headers }
}

/** The standard error envelope, with the request id in `details`. */
export function failure(
  call: Pick<Call, 'requestId'>,
  status: number,
  code: string,
  message: string
): Answer {
  const details = [
    {
      '@type': 'type.googleapis.com/google.rpc.RequestInfo',
      request_id: call.requestId,
      serving_data: ''
    }
  ]
  return { status, json: { error_code: code, message, details } }
}

export function invalidParameter(call: Call, message: string): Answer {
  return failure(call, 400, 'INVALID_PARAMETER_VALUE', message)
}

/** Hands on the JSON object of a call's body, its integers exact; 400 MALFORMED_REQUEST without one. */
export function withBody(then: (call: Call, body: Record<string, unknown>) => Answer) {
  return (call: Call): Answer => {
    const body = parseExactJson(call.body)
    if (isObject(body)) return then(call, body)
    const message = 'Invalid JSON given in the body of the request - failed to parse given JSON'
    return failure(call, 400, 'MALFORMED_REQUEST', message)
  }
}
