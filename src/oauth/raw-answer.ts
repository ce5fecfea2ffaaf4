import { Secret } from '../base/secret.ts'
import type { AnswerHeaders } from '../providers/provider.ts'

/** A token endpoint's answer exactly as it came, before anything judged it. */
export interface RawAnswer {
  readonly status: number
  /** Names in lower case; only `date` and `retry-after` are kept. */
  readonly headers: AnswerHeaders
  readonly body: Secret
  readonly receivedAt: Date
}

/** As one text, to be sealed. */
export function packRawAnswer(answer: RawAnswer): Secret {
  const { status, headers, body, receivedAt } = answer
  const packed = { status, headers, receivedAt: receivedAt.toISOString(), body: body.reveal() }
  return new Secret(JSON.stringify(packed))
}

/** The inverse of `packRawAnswer`; what it reads was authenticated by its seal. */
export function unpackRawAnswer(packed: Secret): RawAnswer {
  const { status, headers, receivedAt, body } = JSON.parse(packed.reveal()) as {
    status: number
    headers: AnswerHeaders
    receivedAt: string
    body: string
  }
  return { status, headers, body: new Secret(body), receivedAt: new Date(receivedAt) }
}
