/**
 * TCLIService over HTTP, as SQL drivers speak it to a warehouse: sessions, statements, rows by column.
 * Owns: sessions and operations. May touch: the SQL that the workspace understands.
 * Never: offers Arrow or links; drivers take columns as well.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Answer, Call, Route, WorkspaceDeps } from '../api/answer.ts'
import type { Outcome } from '../api/outcome.ts'
import { run } from '../api/sql.ts'
import type { Warehouses } from '../api/warehouses.ts'
import {
  bool,
  i32,
  type Message,
  type Read,
  readMessage,
  replyMessage,
  type Struct,
  struct,
  text,
  type Written
} from './binary.ts'
import { rowSetOf, schemaOf } from './rows.ts'

interface Operation {
  readonly id: string
  readonly caller: string
  readonly outcome: Outcome
  /** On the monotonic clock; Infinity for what never ends by itself. */
  readonly endsAtMs: number
  isCanceled: boolean
  nextRow: number
}

type Method = (call: Call, request: Struct) => Written | Promise<Written>

/** SPARK_CLI_SERVICE_PROTOCOL_V8 */
const protocolVersion = 0xa508
const columnBasedSet = 1
const fetchFirst = 4
const states = { running: 1, finished: 2, canceled: 3, error: 5 } as const
const success = struct({ 1: i32(0) })
const invalidHandle = struct({ 1: i32(4), 5: text('Invalid handle') })
const emptyRows: Extract<Outcome, { kind: 'rows' }> = {
  kind: 'rows',
  columns: [],
  rows: [],
  isTruncated: false
}

export function createThrift(deps: WorkspaceDeps, warehouses: Warehouses): { routes: Route[] } {
  const sessions = new Map<string, string>()
  const operations = new Map<string, Operation>()
  const withSession = (call: Call, handle: Read | undefined, then: (id: string) => Written) => {
    const id = guidOf(handle)
    return sessions.get(id) === call.caller.userName ? then(id) : struct({ 1: invalidHandle })
  }
  const withOperation = (call: Call, request: Struct, then: (one: Operation) => Written) => {
    const one = operations.get(guidOf(request.get(1)))
    return one?.caller === call.caller.userName ? then(one) : struct({ 1: invalidHandle })
  }
  const stateOf = ({ isCanceled, endsAtMs, outcome }: Operation): number => {
    if (isCanceled) return states.canceled
    if (deps.clock.monotonicMs() < endsAtMs) return states.running
    return outcome.kind === 'failed' ? states.error : states.finished
  }
  const status = (one: Operation): Written => {
    const state = stateOf(one)
    const failed = state === states.error && one.outcome.kind === 'failed' ? one.outcome : undefined
    return struct({
      1: success,
      2: i32(state),
      3: failed && text(failed.sqlState),
      5: failed && text(failed.message),
      9: bool(one.outcome.kind !== 'nothing'),
      1281: failed && text(failed.message)
    })
  }
  const metadata = ({ outcome }: Operation): Written =>
    struct({
      1: success,
      2: schemaOf(outcome.kind === 'rows' ? outcome.columns : []),
      1281: i32(columnBasedSet),
      1282: bool(false)
    })
  const fetchRows = (one: Operation, rowsMax: number): Written => {
    const outcome = one.outcome.kind === 'rows' ? one.outcome : emptyRows
    const offset = one.nextRow
    one.nextRow = Math.min(offset + rowsMax, outcome.rows.length)
    return struct({
      1: success,
      2: bool(one.nextRow < outcome.rows.length),
      3: rowSetOf(outcome, offset, rowsMax)
    })
  }
  const execute: Method = (call, request) =>
    withSession(call, request.get(1), () => {
      const parameters = parametersOf(request.get(1288))
      const outcome = run(utf8(request.get(2)), call.caller, { parameters })
      const nowMs = deps.clock.monotonicMs()
      const one: Operation = {
        id: randomUUID(),
        caller: call.caller.userName,
        outcome,
        endsAtMs:
          outcome.kind === 'endless'
            ? Number.POSITIVE_INFINITY
            : nowMs + deps.faults.current.statementRunsMs,
        isCanceled: false,
        nextRow: 0
      }
      operations.set(one.id, one)
      const hasRows = outcome.kind !== 'nothing'
      const isDone = stateOf(one) === states.finished && hasRows
      const wanted = request.get(1281)
      const direct = wanted instanceof Map ? Number(wanted.get(1) ?? 0) : null
      return struct({
        1: success,
        2: struct({ 1: handleOf(one.id), 2: i32(0), 3: bool(hasRows) }),
        1281:
          direct === null
            ? undefined
            : struct({
                1: status(one),
                2: isDone ? metadata(one) : undefined,
                3: isDone ? fetchRows(one, direct) : undefined
              })
      })
    })
  const methods: Readonly<Record<string, Method>> = {
    async OpenSession(call) {
      const waitMs = warehouses.find(call.params.id ?? '')?.wake() ?? 0
      if (waitMs > 0) await pause(waitMs)
      const id = randomUUID()
      sessions.set(id, call.caller.userName)
      return struct({
        1: success,
        2: i32(protocolVersion),
        3: struct({ 1: handleOf(id) }),
        1285: bool(true)
      })
    },
    CloseSession: (call, request) =>
      withSession(call, request.get(1), (id) => {
        sessions.delete(id)
        return struct({ 1: success })
      }),
    GetInfo: () => struct({ 1: success, 2: struct({ 1: text('Spark SQL') }) }),
    ExecuteStatement: execute,
    GetOperationStatus: (call, request) => withOperation(call, request, status),
    GetResultSetMetadata: (call, request) => withOperation(call, request, metadata),
    FetchResults: (call, request) =>
      withOperation(call, request, (one) => {
        if (request.get(2) === fetchFirst) one.nextRow = 0
        return fetchRows(one, Number(request.get(3) ?? 0))
      }),
    CancelOperation: (call, request) =>
      withOperation(call, request, (one) => {
        if (stateOf(one) === states.running) one.isCanceled = true
        return struct({ 1: success })
      }),
    CloseOperation: (call, request) =>
      withOperation(call, request, (one) => {
        operations.delete(one.id)
        return struct({ 1: success })
      })
  }

  const handle = async (call: Call): Promise<Answer> => {
    if (!warehouses.find(call.params.id ?? '')) {
      return refuse(404, `SQL warehouse ${call.params.id} does not exist.`)
    }
    const message = readMessage(call.body)
    if (!message) return refuse(400, 'The body is no Thrift call in the binary protocol.')
    const bytes = replyMessage(message, await resultOf(message, call))
    return { status: 200, bytes, headers: { 'content-type': 'application/x-thrift' } }
  }
  const resultOf = (message: Message, call: Call) => {
    const request = message.arguments.get(1)
    const method = Object.hasOwn(methods, message.name) ? methods[message.name] : undefined
    if (method && request instanceof Map) return method(call, request)
    return struct({ 1: struct({ 1: i32(3), 5: text(`${message.name} is not simulated`) }) })
  }
  const pattern = /^\/sql\/1\.0\/(?:warehouses|endpoints)\/(?<id>[^/]+)$/
  return { routes: [{ method: 'POST', pattern, scope: 'sql', handle }] }
}

/** THandleIdentifier */
function handleOf(id: string): Written {
  return struct({ 1: text(Buffer.from(id.replaceAll('-', ''), 'hex')), 2: text(Buffer.alloc(16)) })
}

function guidOf(handle: Read | undefined): string {
  const identifier = handle instanceof Map ? handle.get(1) : undefined
  const guid = identifier instanceof Map ? identifier.get(1) : undefined
  const hex = Buffer.isBuffer(guid) ? guid.toString('hex') : ''
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function parametersOf(value: Read | undefined): { name: string; value: string | null }[] {
  const given = Array.isArray(value) ? value : []
  return given.map((one) => {
    const text = one instanceof Map ? one.get(4) : undefined
    const name = one instanceof Map ? utf8(one.get(2)) : ''
    return { name, value: text instanceof Map ? utf8(text.get(1)) : null }
  })
}

function utf8(value: Read | undefined): string {
  return Buffer.isBuffer(value) ? value.toString('utf8') : ''
}

/** Drivers look for the reason in this header. */
function refuse(status: number, message: string): Answer {
  const headers = { 'content-type': 'text/plain', 'x-thriftserver-error-message': message }
  return { status, bytes: Buffer.from(message), headers }
}
