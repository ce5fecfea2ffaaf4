import { AppError } from '../base/errors.ts'
import { OAuthProblem } from './oauth-problem.ts'
import type { Form } from './token-request.ts'

export interface ClientCredentials {
  readonly serviceAccountId: string
  readonly serviceKey: string
}

/**
 * A form whose every parameter stands once (RFC 6749 §3.2).
 * @throws OAuthProblem `invalid_request`
 */
export function parseForm(text: string): Form {
  const form = new Map<string, string>()
  for (const [name, value] of new URLSearchParams(text)) {
    if (form.has(name)) throw new OAuthProblem('invalid_request', 'A parameter is given twice')
    form.set(name, value)
  }
  return Object.fromEntries(form)
}

/**
 * Who asks, by HTTP Basic or in the body and not by both (RFC 6749 §2.3.1).
 * @throws OAuthProblem `invalid_request`: by both; AppError `unauthenticated`: by neither
 */
export function clientOf(authorization: string | undefined, form: Form): ClientCredentials {
  const { client_id: id, client_secret: secret } = form
  if (authorization === undefined) {
    if (!id || !secret) throw new AppError('unauthenticated')
    return { serviceAccountId: id, serviceKey: secret }
  }
  const client = basicOf(authorization)
  if (secret !== undefined) {
    throw new OAuthProblem('invalid_request', 'The client authenticates in two ways at once')
  }
  if (client === null) throw new AppError('unauthenticated')
  if (id !== undefined && id !== client.serviceAccountId) {
    throw new OAuthProblem('invalid_request', 'The body names another client')
  }
  return client
}

/**
 * Ids and keys hold neither `%` nor `+`, so what clients send raw and what they send percent-encoded, as
 * RFC 6749 §2.3.1 wants it, are read alike.
 */
function basicOf(authorization: string): ClientCredentials | null {
  const [, encoded] = /^Basic +([A-Za-z0-9+/_-]{1,2048}={0,2})$/i.exec(authorization) ?? []
  if (encoded === undefined) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const [, id, secret] = /^([^:]+):(.+)$/s.exec(text) ?? []
  if (id === undefined || secret === undefined) return null
  return { serviceAccountId: decode(id), serviceKey: decode(secret) }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
