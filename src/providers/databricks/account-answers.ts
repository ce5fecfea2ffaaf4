import type { AccountAnswer, AccountCall, AccountFailure } from '../account.ts'
import type { AnswerHeaders } from '../provider.ts'
import { isPage, readEnvelope, readJson } from './envelope.ts'

/** An answer of the account's API that tells nothing but that it was done. */
export const done: AccountCall<null>['interpret'] = (status, headers, body) =>
  status >= 200 && status < 300 && !isPage(headers, body)
    ? { ok: true, value: null }
    : { ok: false, failure: failureOf(status, headers, body) }

/** @param take null: not what was asked for */
export function read<T>(
  status: number,
  headers: AnswerHeaders,
  body: string,
  take: (json: Record<string, unknown>) => { readonly value: T } | null
): AccountAnswer<T> {
  const json = status === 200 || status === 201 ? readJson(body) : null
  const taken = json === null ? null : take(json)
  if (taken !== null) return { ok: true, value: taken.value }
  return { ok: false, failure: failureOf(status, headers, body) }
}

function failureOf(status: number, headers: AnswerHeaders, body: string): AccountFailure {
  if (status < 400) return 'not_the_api'
  if (status === 429 || status >= 500 || status === 408) return 'unavailable'
  const { errorCode, message } = readEnvelope(body)
  if (/\bIP ACL\b|^Source IP address\b/i.test(message)) return 'ip_not_allowed'
  if (status === 401 || status === 403) return 'not_an_admin'
  if (status === 409 || /ALREADY_EXISTS$/.test(String(errorCode))) return 'name_taken'
  if (status === 404) return isPage(headers, body) ? 'not_the_api' : 'gone'
  return 'input_refused'
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 4_096
}

export function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(isText) : []
}
