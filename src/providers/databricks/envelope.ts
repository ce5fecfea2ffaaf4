import { parseJsonObject } from '../../base/json-object.ts'

/** Longer bodies are no error envelopes, and are not parsed. */
const maxLength = 65_536

export function readJson(body: string): Record<string, unknown> | null {
  return body.length > maxLength ? null : parseJsonObject(body)
}

/** An error of the workspace's API, whichever of its shapes it came in. */
export interface ApiEnvelope {
  /** A number is the edge's own, a string the service's behind it. */
  readonly errorCode: string | number | null
  readonly message: string
}

export function readEnvelope(body: string): ApiEnvelope {
  const json = readJson(body)
  if (json === null) return readPlain(body)
  const code = json.error_code
  const errorCode = typeof code === 'string' || typeof code === 'number' ? code : null
  const texts = [json.message, json.error_description, json.detail, json.error]
  const message = texts.find((text): text is string => typeof text === 'string') ?? ''
  return { errorCode, message }
}

function readPlain(body: string): ApiEnvelope {
  if (body.length > maxLength || isPage({}, body)) return { errorCode: null, message: '' }
  const match = /^([A-Z][A-Z_]{2,63}): (.*)$/s.exec(body)
  return { errorCode: match?.[1] ?? null, message: match?.[2] ?? body }
}

/** Whether a web page answered in place of the API. */
export function isPage(headers: Readonly<Record<string, string>>, body: string): boolean {
  return /^text\/html\b/i.test(headers['content-type'] ?? '') || body.trimStart().startsWith('<')
}
