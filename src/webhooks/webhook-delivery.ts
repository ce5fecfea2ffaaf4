import { type Clock, secondsOf } from '../base/clock.ts'
import { AppError, type ProblemCode } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import { signWebhook } from '../crypto/webhook-signature.ts'
import type { ControlResponse, Outbound } from '../outbound/outbound.ts'
import { retryAfterMs } from './retry.ts'
import type { Message } from './webhook-message.ts'
import type { DeliveryError } from './webhooks.ts'

/** Whom, and how they know that it is us. */
export interface Receiver {
  readonly url: string
  readonly secrets: readonly Secret[]
}

/** What came of one try. */
export interface Attempt {
  readonly at: Date
  readonly status: number | null
  /** Null: it was taken. */
  readonly error: DeliveryError | null
  readonly durationMs: number
  /** When the receiver wants the next try, milliseconds from then. */
  readonly retryAfterMs: number | null
}

/** For name look-up, connection, request and answer together, milliseconds. */
export const deliveryDeadlineMs = 10_000
/** A receiver need only say that it has the message. */
const answerMaxBytes = 64 * 1_024

const errors: Partial<Record<ProblemCode, DeliveryError>> = {
  host_not_allowed: 'not_allowed',
  dns_failed: 'dns_failed',
  tls_failed: 'tls_failed',
  workspace_unreachable: 'unreachable',
  upstream_timeout: 'timeout',
  upstream_unavailable: 'bad_answer'
}

export type SendMessage = (receiver: Receiver, message: Message) => Promise<Attempt>

/**
 * One try to deliver one message as Standard Webhooks has it. Whatever the receiver does is an outcome; what is
 * thrown is nothing of its doing.
 */
export function createSendMessage(outbound: Pick<Outbound, 'request'>, clock: Clock): SendMessage {
  return async ({ url, secrets }, { id, body }) => {
    const at = clock.now()
    const startedMs = clock.monotonicMs()
    const timestamp = secondsOf(at)
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signWebhook(secrets, { id, timestamp, body })
    }
    const limits = { deadlineMs: deliveryDeadlineMs, maxBytes: answerMaxBytes }
    const answer = await outbound
      .request({ url, rule: { kind: 'public' }, method: 'POST', headers, body, ...limits })
      .catch(errorOf)
    const durationMs = Math.round(clock.monotonicMs() - startedMs)
    const silent = { at, durationMs, status: null, retryAfterMs: null }
    if (typeof answer === 'string') return { ...silent, error: answer }
    const { status } = answer
    const asked = retryAfterMs(answer.headers['retry-after'], at)
    return { at, durationMs, status, error: refusalOf(answer), retryAfterMs: asked }
  }
}

/** What a failure of outbound is as an outcome; what it is not is thrown on. */
export function errorOf(error: unknown): DeliveryError {
  const known = error instanceof AppError ? errors[error.code] : undefined
  if (known === undefined) throw error
  return known
}

function refusalOf({ status }: ControlResponse): DeliveryError | null {
  if (status >= 200 && status < 300) return null
  if (status === 410) return 'gone'
  return status >= 300 && status < 400 ? 'redirect' : 'not_2xx'
}
