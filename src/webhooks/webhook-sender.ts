import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { AuditEventRow } from '../store/audit-events.ts'
import type { Tx } from '../store/db.ts'
import { findTenant } from '../store/tenants.ts'
import {
  findWebhook,
  insertWebhookDeliveries,
  type WebhookDeliveryRow,
  type WebhookRow
} from '../store/webhooks.ts'
import type { Place, Strongbox } from '../vault/strongbox.ts'
import type { Sender, Sent } from './stream-run.ts'
import { wantedActions } from './subscriptions.ts'
import type { Attempt, Receiver, SendMessage } from './webhook-delivery.ts'
import { type Message, messageOf } from './webhook-message.ts'

/** Messages between two moves of the cursor: so many may be sent twice when a process dies. */
const batchMax = 20
/** Tries of each webhook that are kept to be looked at. */
export const deliveriesKept = 200

export const webhookSecretPlace = (secretId: string): Place => [
  'webhook_secrets',
  secretId,
  'secret'
]

export interface WebhookSenderDeps {
  readonly strongbox: Pick<Strongbox, 'open'>
  readonly clock: Clock
  readonly publicUrl: string
  readonly sendMessage: SendMessage
}

/** Whom to send to, with every secret that is good now. */
export async function receiverOf(
  { strongbox, clock }: Pick<WebhookSenderDeps, 'strongbox' | 'clock'>,
  scope: TenantScope,
  { url, secrets }: Pick<WebhookRow, 'url' | 'secrets'>
): Promise<Receiver> {
  const now = clock.now()
  const good = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
  const opened: Secret[] = []
  for (const { id, sealed } of good) {
    opened.push(await strongbox.open(scope, webhookSecretPlace(id), sealed))
  }
  return { url, secrets: opened }
}

export type DeliveryFacts = Omit<WebhookDeliveryRow, 'tenantId' | 'webhookId'>

/** What is kept of one try. */
export function deliveryOf(
  clock: Clock,
  kind: 'event' | 'redelivery' | 'test',
  { id, type }: Message,
  attempt: Attempt,
  number: number
): DeliveryFacts {
  const { at, status, error, durationMs } = attempt
  const what = { kind, eventId: id, type, attempt: number }
  return { id: newId('delivery', clock), ...what, at, status, error, durationMs }
}

/** One message after the other, each once the one before it was taken. */
export function createWebhookSender(deps: WebhookSenderDeps): Sender {
  const { clock, publicUrl, sendMessage } = deps

  async function sendAll(
    { scope, webhook, tenant }: Told,
    events: readonly AuditEventRow[],
    mayGoOn: () => boolean
  ): Promise<Sent> {
    const tried: DeliveryFacts[] = []
    const keep = (tx: Tx) => insertWebhookDeliveries(tx, webhook.id, tried, deliveriesKept)
    let taken = 0
    try {
      const receiver = await receiverOf(deps, scope, webhook)
      for (const event of events) {
        if (!mayGoOn()) break
        const message = messageOf(event, { tenant, publicUrl })
        const attempt = await sendMessage(receiver, message)
        const number = taken === 0 ? webhook.stream.failures + 1 : 1
        tried.push(deliveryOf(clock, 'event', message, attempt, number))
        const { error, retryAfterMs } = attempt
        if (error !== null) return { taken, failure: { error, retryAfterMs }, keep }
        taken += 1
      }
      return { taken, failure: null, keep }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return { taken, failure: { error: 'internal', retryAfterMs: null }, keep }
    }
  }

  return {
    isGivenUp: true,
    async prepare(tx, { id }) {
      const webhook = await findWebhook(tx, id)
      const tenant = await findTenant(tx)
      if (webhook === null || tenant === null) return null
      const told = { scope: tx.scope, webhook, tenant }
      return {
        wanted: wantedActions(webhook.events),
        limit: batchMax,
        send: (events, mayGoOn) => sendAll(told, events, mayGoOn)
      }
    }
  }
}

interface Told {
  readonly scope: TenantScope
  readonly webhook: WebhookRow
  readonly tenant: { readonly id: string; readonly slug: string; readonly name: string }
}
