import type {
  AnswerHeaders,
  Interpretation,
  ProviderCall,
  ProviderTrials,
  StatementEnd
} from '../provider.ts'
import { notTheApi, readAnswer } from './calls.ts'
import { readEnvelope } from './envelope.ts'

const statementSeconds = 30
const handle = /^[A-Za-z0-9_-]{1,128}$/
const asked = { accept: 'application/json' } as const
const posted = { ...asked, 'content-type': 'application/json' } as const

type Members = Record<string, unknown>
type Refusal = Extract<Interpretation<never>, { ok: false }>

/** Statement execution on a warehouse; an execution context of API 1.2 on a cluster, whose members are camelCase. */
export const trials: ProviderTrials = {
  statementSeconds,
  statementCall: (warehouseId, sql) => ({
    method: 'POST',
    path: '/api/2.0/sql/statements',
    headers: posted,
    body: JSON.stringify({
      warehouse_id: warehouseId,
      statement: sql,
      wait_timeout: `${statementSeconds}s`,
      on_wait_timeout: 'CANCEL',
      row_limit: 1
    }),
    interpret: (status, headers, body) => readStatement(readAnswer(status, headers, body))
  }),

  attachCall: (clusterId) =>
    post('contexts/create', { clusterId, language: 'python' }, ({ id }) => readHandle(id)),

  isAttachedCall: (clusterId, contextId) =>
    get('contexts/status', { clusterId, contextId }, ({ status }) =>
      status === 'Running' || status === 'Pending'
        ? { ok: true, value: status === 'Running' }
        : { ok: false, code: 'upstream_unavailable', detail: 'The execution context did not start' }
    ),

  detachCall: (clusterId, contextId) =>
    post('contexts/destroy', { clusterId, contextId }, () => ({ ok: true, value: null })),

  seeCatalog: (catalog) => `SHOW SCHEMAS IN ${quoted(catalog)}`,
  seeSchema: (catalog, schema) =>
    `DESCRIBE SCHEMA ${catalog === null ? '' : `${quoted(catalog)}.`}${quoted(schema)}`
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

function post<T>(
  verb: string,
  body: Members,
  read: (json: Members) => Interpretation<T>
): ProviderCall<T> {
  return {
    method: 'POST',
    path: `/api/1.2/${verb}`,
    headers: posted,
    body: JSON.stringify(body),
    interpret: readCluster(read)
  }
}

function get<T>(
  verb: string,
  query: Record<string, string>,
  read: (json: Members) => Interpretation<T>
): ProviderCall<T> {
  const path = `/api/1.2/${verb}?${new URLSearchParams(query)}`
  return { method: 'GET', path, headers: asked, interpret: readCluster(read) }
}

function readCluster<T>(read: (json: Members) => Interpretation<T>) {
  return (status: number, headers: AnswerHeaders, body: string): Interpretation<T> => {
    const answer = readAnswer(status, headers, body)
    if (answer.ok) return read(answer.value)
    return (status < 400 ? null : refusalOf(readEnvelope(body).message)) ?? answer
  }
}

/** The older API tells some refusals with 500 and the name of a class; null: it says nothing of its own. */
function refusalOf(message: string): Refusal | null {
  if (/ClusterNotReady|cluster (is )?not running/i.test(message)) {
    return { ok: false, code: 'compute_stopped' }
  }
  if (/single[- ]user|PermissionDenied|UnauthorizedException/i.test(message)) {
    return { ok: false, code: 'compute_forbidden' }
  }
  if (/ContextLimitExceeded|too many execution contexts/i.test(message)) {
    return { ok: false, code: 'upstream_unavailable', detail: 'It has no execution context left' }
  }
  if (/^\w+: Cluster \S+ does not exist/i.test(message)) {
    return { ok: false, code: 'compute_not_found' }
  }
  return null
}

function readHandle(id: unknown): Interpretation<string> {
  return typeof id === 'string' && handle.test(id) ? { ok: true, value: id } : notTheApi
}

/** A statement that failed is told with 200. */
function readStatement(answer: Interpretation<Members>): Interpretation<StatementEnd> {
  if (!answer.ok) return answer
  const { status } = answer.value
  switch (textOf(status, 'state')) {
    case 'SUCCEEDED':
      return { ok: true, value: 'done' }
    case 'PENDING':
    case 'RUNNING':
    case 'CANCELED':
    case 'CLOSED':
      return { ok: true, value: 'late' }
    case 'FAILED': {
      const message = textOf(memberOf(status, 'error'), 'message')
      return failedSql(`${message} SQLSTATE: ${textOf(status, 'sql_state')}`)
    }
    default:
      return notTheApi
  }
}

/** By the SQLSTATE, or the bracketed name of the condition where there is none. */
function failedSql(text: string): Refusal {
  const sqlState = /SQLSTATE: ([0-9A-Z]{5})\b/.exec(text)?.[1]
  if (sqlState === '42501' || /INSUFFICIENT_PERMISSIONS|PERMISSION_DENIED/.test(text)) {
    return { ok: false, code: 'compute_forbidden' }
  }
  if (sqlState === '42704' || /NO_SUCH_(CATALOG|SCHEMA)|(CATALOG|SCHEMA)_NOT_FOUND/.test(text)) {
    return { ok: false, code: 'compute_not_found' }
  }
  const named = sqlState === undefined ? '' : ` (SQLSTATE ${sqlState})`
  return { ok: false, code: 'upstream_unavailable', detail: `The statement failed${named}` }
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return Reflect.get(value, name)
}

function textOf(value: unknown, name: string): string {
  const text = memberOf(value, name)
  return typeof text === 'string' ? text : ''
}
