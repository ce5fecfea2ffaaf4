import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { isObject, parseJson } from '../../simulation/exchange.ts'
import {
  type Answer,
  type Call,
  failure,
  invalidParameter,
  ok,
  type Route,
  type WorkspaceDeps
} from './answer.ts'
import type { ResultLinks } from './result-links.ts'
import { run } from './sql.ts'
import {
  chunkCount,
  chunkOf,
  type Form,
  manifestOf,
  type Result,
  root
} from './statement-result.ts'
import type { Warehouses } from './warehouses.ts'

interface Statement extends Result {
  /** On the monotonic clock. */
  readonly startsAtMs: number
  /** When it ends by itself; Infinity for what never does. */
  readonly endsAtMs: number
  isCanceled: boolean
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export function createStatements(deps: WorkspaceDeps, warehouses: Warehouses, links: ResultLinks) {
  const statements = new Map<string, Statement>()
  const isOver = (one: Statement) => one.isCanceled || deps.clock.monotonicMs() >= one.endsAtMs

  const execute = async (call: Call): Promise<Answer> => {
    const body = parseJson(call.body)
    if (!isObject(body)) {
      const message = 'Invalid JSON given in the body of the request - failed to parse given JSON'
      return failure(call, 400, 'MALFORMED_REQUEST', message)
    }
    const { warehouse_id: warehouseId, statement } = body
    if (typeof statement !== 'string' || statement === '') return badRequest(call, 'statement')
    if (typeof warehouseId !== 'string' || warehouseId === '')
      return badRequest(call, 'warehouse_id')
    if (!/^[0-9a-f]{16}$/.test(warehouseId)) {
      return invalidParameter(call, `${warehouseId} is not a valid endpoint id.`)
    }
    const form = formOf(body)
    if (form === 'incompatible') {
      const message =
        'Incompatible parameters: The format field must be JSON_ARRAY when the disposition field is INLINE.'
      return invalidParameter(call, message)
    }
    if (form === 'arrow') {
      const message = 'ARROW_STREAM is not simulated; ask for JSON_ARRAY or CSV.'
      return failure(call, 501, 'NOT_IMPLEMENTED', message)
    }
    const warehouse = warehouses.find(warehouseId)
    if (!warehouse) {
      const message =
        'You do not have permission to use the SQL Warehouse. Please contact your administrator.'
      return failure(call, 403, 'PERMISSION_DENIED', message)
    }
    const waitSeconds = parseWait(body.wait_timeout)
    if (waitSeconds === 'unreadable') {
      return invalidParameter(call, 'Error while parsing type: duration.')
    }
    if (waitSeconds === 'out of range') return waitOutOfRange(call)
    const outcome = run(statement, call.caller, body)
    const startsAtMs = deps.clock.monotonicMs() + warehouse.wake()
    const one: Statement = {
      id: randomUUID(),
      outcome,
      form,
      startsAtMs,
      endsAtMs:
        outcome.kind === 'endless'
          ? Number.POSITIVE_INFINITY
          : startsAtMs + deps.faults.current.statementRunsMs,
      isCanceled: false
    }
    statements.set(one.id, one)
    if (waitSeconds === 0) return ok({ statement_id: one.id, status: { state: 'PENDING' } })
    await waitFor(() => isOver(one), waitSeconds * 1000)
    if (!isOver(one) && body.on_wait_timeout === 'CANCEL') one.isCanceled = true
    return describe(one)
  }

  const describe = (one: Statement): Answer => {
    const { id: statement_id, outcome } = one
    if (one.isCanceled) return ok({ statement_id, status: { state: 'CANCELED' } })
    if (!isOver(one)) {
      const isWaiting = deps.clock.monotonicMs() < one.startsAtMs
      return ok({ statement_id, status: { state: isWaiting ? 'PENDING' : 'RUNNING' } })
    }
    if (outcome.kind === 'failed') {
      const error = { error_code: 'BAD_REQUEST', message: outcome.message }
      return ok({ statement_id, status: { state: 'FAILED', error, sql_state: outcome.sqlState } })
    }
    return ok({
      statement_id,
      status: { state: 'SUCCEEDED' },
      manifest: manifestOf(one),
      result: chunkCount(one) === 0 ? {} : chunkOf(one, 0, links)
    })
  }

  const lookUp = (call: Call, then: (one: Statement) => Answer): Answer => {
    const id = call.params.id ?? ''
    if (!uuid.test(id)) return invalidParameter(call, 'Error while parsing type: statement_id.')
    const one = statements.get(id)
    if (!one) return failure(call, 404, 'NOT_FOUND', `The statement ${id} was not found.`)
    return then(one)
  }

  const chunk = (call: Call): Answer =>
    lookUp(call, (one) => {
      if (one.outcome.kind !== 'rows' || !isOver(one) || one.isCanceled) {
        const message = `the statement state should be SUCCEEDED before you can start fetching the result`
        return failure(call, 404, 'NOT_FOUND', message)
      }
      const index = Number(call.params.chunk)
      if (index < Math.max(1, chunkCount(one))) return ok(chunkOf(one, index, links))
      return invalidParameter(call, `The chunk_index ${index} is out of bounds.`)
    })

  const cancel = (call: Call): Answer => {
    const one = statements.get(call.params.id ?? '')
    if (one && !isOver(one)) one.isCanceled = true
    return ok({})
  }

  const route = (method: string, pattern: RegExp, handle: Route['handle']): Route => {
    return { method, pattern, scope: 'sql', handle }
  }
  const routes = [
    route('POST', new RegExp(`^${root}/?$`), execute),
    route('GET', new RegExp(`^${root}/(?<id>[^/]+)$`), (call) => lookUp(call, describe)),
    route('GET', new RegExp(`^${root}/(?<id>[^/]+)/result/chunks/(?<chunk>\\d+)$`), chunk),
    route('POST', new RegExp(`^${root}/(?<id>[^/]+)/cancel$`), cancel),
    route('DELETE', new RegExp(`^${root}/(?<id>[^/]+)$`), () => ok({}))
  ]
  return { routes, result: (id: string): Result | undefined => statements.get(id) }
}

/** Values that are not known are ignored, as the real service does. */
function formOf({ disposition, format }: Record<string, unknown>): Form | 'incompatible' | 'arrow' {
  const isExternal = disposition === 'EXTERNAL_LINKS'
  const isKnown = format === 'ARROW_STREAM' || format === 'CSV'
  if (!isExternal) return isKnown ? 'incompatible' : { isExternal, format: 'JSON_ARRAY' }
  if (format === 'ARROW_STREAM') return 'arrow'
  return { isExternal, format: format === 'CSV' ? 'CSV' : 'JSON_ARRAY' }
}

function parseWait(value: unknown): number | 'unreadable' | 'out of range' {
  if (value === undefined) return 10
  const match = /^(\d+)s$/.exec(String(value))
  if (!match) return 'unreadable'
  const seconds = Number(match[1])
  return seconds === 0 || (seconds >= 5 && seconds <= 50) ? seconds : 'out of range'
}

async function waitFor(isDone: () => boolean, limitMs: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < limitMs && !isDone(); waitedMs += 20) await pause(20)
}

function badRequest(call: Call, member: string): Answer {
  return failure(call, 400, 'BAD_REQUEST', `Parameter ${member} is required.`)
}

function waitOutOfRange(call: Call): Answer {
  const text =
    'The wait_timeout field must be 0 seconds (disables wait), or between 5 seconds and 50 seconds.'
  const violation = {
    '@type': 'type.googleapis.com/google.rpc.BadRequest',
    field_violations: [{ field: 'wait_timeout', description: text }]
  }
  const info = {
    '@type': 'type.googleapis.com/google.rpc.RequestInfo',
    request_id: call.requestId,
    serving_data: ''
  }
  const json = { error_code: 'INVALID_PARAMETER_VALUE', message: text, details: [violation, info] }
  return { status: 400, json }
}
