import { isJsonObject } from '../../base/json-object.ts'
import type { AnswerHeaders, Interpretation } from '../provider.ts'
import { classifyApiFailure } from './api-failures.ts'
import { isPage, readEnvelope } from './envelope.ts'
import { readRetryAfter } from './oauth-failures.ts'

export type Members = Readonly<Record<string, unknown>>

export const notTheApi = {
  ok: false,
  code: 'workspace_unreachable',
  detail: 'Something other than the workspace API answered'
} as const

const gone = /^(Job|Run) \S{1,40} does not exist/
/** Names that are shown of those that a refusal speaks of. */
const namedMax = 8

/**
 * An answer of the jobs API; its value is null where the job or run is none.
 * @param sent what was asked for, so that a refusal can be told in the caller's own words
 */
export function readJobAnswer(
  status: number,
  headers: AnswerHeaders,
  body: string,
  sent: unknown
): Interpretation<Members | null> {
  if (status === 200) {
    const value = isPage(headers, body) ? null : parseExact(body)
    return isJsonObject(value) ? { ok: true, value } : notTheApi
  }
  const { errorCode, message } = readEnvelope(body)
  if (status < 500 && gone.test(message)) return { ok: true, value: null }
  const code = classifyApiFailure(status, headers, body)
  if (code === 'compute_forbidden') return { ok: false, code, detail: forbidden }
  const isRefusal = status === 400 || status === 409
  if (code !== 'upstream_unavailable' || !isRefusal) {
    const retryAfterSeconds = readRetryAfter(headers)
    return { ok: false, code, ...(retryAfterSeconds !== null && { retryAfterSeconds }) }
  }
  const named = namesOf(sent).filter((name) => message.includes(name))
  const word = /^[A-Z_]{1,60}$/.test(String(errorCode)) ? ` (${errorCode})` : ''
  const where = named.length === 0 ? '' : `; it names ${named.slice(0, namedMax).join(', ')}`
  return { ok: false, code: 'invalid_request', detail: `The workspace refuses it${word}${where}` }
}

const forbidden = 'The service principal may not manage this job, or not use what its settings name'

/** Names of members, and texts, of what was sent: no more than the sender knows already. */
function namesOf(sent: unknown): string[] {
  const names = new Set<string>()
  const collect = (value: unknown): void => {
    if (typeof value === 'string' && value.length >= 3 && value.length <= 100) names.add(value)
    if (typeof value !== 'object' || value === null) return
    for (const [name, member] of Object.entries(value)) {
      if (!Array.isArray(value) && name.length >= 3) names.add(name)
      collect(member)
    }
  }
  collect(sent)
  return [...names]
}

/** JSON whose integers beyond 2^53 become texts of their digits. */
function parseExact(body: string): unknown {
  try {
    return JSON.parse(body, (_name, value: unknown, context?: { readonly source?: string }) =>
      typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)
        ? (context?.source ?? value)
        : value
    )
  } catch {
    return null
  }
}

/** An int64 as its digits; null: it is none. */
export function digitsOf(value: unknown): string | null {
  const text = typeof value === 'number' || typeof value === 'string' ? String(value) : ''
  return /^[0-9]{1,19}$/.test(text) ? text : null
}

export function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value.length <= 1_000 ? value : null
}

export function membersOf(value: unknown): Members {
  return isJsonObject(value) ? value : {}
}
