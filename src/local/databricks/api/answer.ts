import type { Clock } from '../../../base/clock.ts'
import type { FaultBoard } from '../../simulation/faults.ts'
import type { Identity, Registry } from '../registry.ts'

/** What an API call comes to; `events` are the data of an event stream, in order. */
export type Answer =
  | { readonly status: number; readonly json: unknown; readonly headers?: Record<string, string> }
  | { readonly status: number; readonly empty: true }
  | {
      readonly status: 200
      readonly events: readonly string[]
      readonly headers?: Record<string, string>
    }

export interface Call {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
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
  readonly workspaceId: string
  readonly registry: Registry
  readonly faults: FaultBoard
  readonly clock: Clock
}

export function ok(json: unknown, headers: Record<string, string> = {}): Answer {
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
