import { createHmac, randomBytes } from 'node:crypto'
import { Secret } from '../base/secret.ts'

const prefix = 'whsec_'
const keyBytes = 32

/** A fresh signing secret: `whsec_` and 256 random bits in base64. @see https://www.standardwebhooks.com */
export function newWebhookSecret(): Secret {
  return new Secret(prefix + randomBytes(keyBytes).toString('base64'))
}

/** What is signed of one try to deliver one message. */
export interface WebhookMessage {
  readonly id: string
  /** Of this try, seconds since 1970. */
  readonly timestamp: number
  readonly body: string
}

/**
 * The value of `webhook-signature`: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body` by each secret, one
 * space between them. @see https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
export function signWebhook(secrets: readonly Secret[], message: WebhookMessage): string {
  const { id, timestamp, body } = message
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.reveal().slice(prefix.length), 'base64')
      const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`)
      return `v1,${digest.digest('base64')}`
    })
    .join(' ')
}
