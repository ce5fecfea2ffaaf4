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
import type { Warehouse } from './compute.ts'
import { type Outcome, run } from './sql.ts'

interface Statement {
  readonly id: string
  readonly outcome: Outcome
  /** When it ends by itself, on the monotonic clock; Infinity for what never does. */
  readonly endsAtMs: number
  isCanceled: boolean
}

const rowsPerChunk = 10_000
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const root = '/api/2.0/sql/statements'

export function createStatements(
  deps: WorkspaceDeps,
  findWarehouse: (id: string) => Warehouse | undefined
) {
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
    const warehouse = findWarehouse(warehouseId)
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
    const wakesForMs = warehouse.state === 'STOPPED' ? deps.faults.current.coldStartMs : 0
    warehouse.state = 'RUNNING'
    const outcome = run(statement, call.caller, body)
    const now = deps.clock.monotonicMs()
    const one: Statement = {
      id: randomUUID(),
      outcome,
      endsAtMs: outcome.kind === 'endless' ? Number.POSITIVE_INFINITY : now + wakesForMs,
      isCanceled: false
    }
    statements.set(one.id, one)
    if (waitSeconds === 0) return ok({ statement_id: one.id, status: { state: 'PENDING' } })
    await waitFor(() => isOver(one), waitSeconds * 1000)
    if (!isOver(one) && body.on_wait_timeout === 'CANCEL') one.isCanceled = true
    return ok(describe(one, isOver(one)))
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
      const isThere = index < Math.max(1, Math.ceil(one.outcome.rows.length / rowsPerChunk))
      if (!isThere) return invalidParameter(call, `The chunk_index ${index} is out of bounds.`)
      return ok(chunkOf(one, index))
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
    route('GET', new RegExp(`^${root}/(?<id>[^/]+)$`), (call) =>
      lookUp(call, (one) => ok(describe(one, isOver(one))))
    ),
    route('GET', new RegExp(`^${root}/(?<id>[^/]+)/result/chunks/(?<chunk>\\d+)$`), chunk),
    route('POST', new RegExp(`^${root}/(?<id>[^/]+)/cancel$`), cancel),
    route('DELETE', new RegExp(`^${root}/(?<id>[^/]+)$`), () => ok({}))
  ]
  return { routes }
}

function describe({ id, outcome, isCanceled }: Statement, isOver: boolean) {
  if (isCanceled) return { statement_id: id, status: { state: 'CANCELED' } }
  if (!isOver) return { statement_id: id, status: { state: 'RUNNING' } }
  if (outcome.kind === 'failed') {
    const error = { error_code: 'BAD_REQUEST', message: outcome.message }
    return {
      statement_id: id,
      status: { state: 'FAILED', error, sql_state: outcome.sqlState }
    }
  }
  const rows = outcome.kind === 'rows' ? outcome.rows : []
  const columns = outcome.kind === 'rows' ? outcome.columns : []
  const starts = Array.from({ length: Math.ceil(rows.length / rowsPerChunk) }, (_, index) => index)
  const one = { id, outcome, isCanceled, endsAtMs: 0 }
  return {
    statement_id: id,
    status: { state: 'SUCCEEDED' },
    manifest: {
      format: 'JSON_ARRAY',
      schema: {
        column_count: columns.length,
        columns: columns.map((column, position) => ({ ...column, position }))
      },
      total_chunk_count: starts.length,
      ...(starts.length > 0 ? { chunks: starts.map((index) => extentOf(rows.length, index)) } : {}),
      total_row_count: rows.length,
      truncated: outcome.kind === 'rows' && outcome.isTruncated
    },
    result: rows.length === 0 ? {} : chunkOf(one, 0)
  }
}

function extentOf(rowCount: number, index: number) {
  const offset = index * rowsPerChunk
  return {
    chunk_index: index,
    row_offset: offset,
    row_count: Math.min(rowsPerChunk, rowCount - offset)
  }
}

function chunkOf({ id, outcome }: Statement, index: number) {
  const rows = outcome.kind === 'rows' ? outcome.rows : []
  const extent = extentOf(rows.length, index)
  const end = extent.row_offset + extent.row_count
  const next =
    end < rows.length
      ? {
          next_chunk_index: index + 1,
          next_chunk_internal_link: `${root}/${id}/result/chunks/${index + 1}?row_offset=${end}`
        }
      : {}
  return { ...extent, ...next, data_array: rows.slice(extent.row_offset, end) }
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
