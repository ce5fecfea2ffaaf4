import { asId } from '../base/ids.ts'
import type { WebhookDeliveryRow, WebhookRow } from '../store/webhooks.ts'
import type {
  DeliveryError,
  DeliveryView,
  WebhookCause,
  WebhookStatus,
  WebhookView
} from './webhooks.ts'

/** A webhook as its admins see it, beside a record of `auditSeq` events. */
export function viewOf(row: WebhookRow, auditSeq: bigint, now: Date): WebhookView {
  const { stream, secrets } = row
  const isFailing = stream.state === 'active' && stream.failures > 0
  return {
    id: asId('webhook', row.id),
    name: row.name,
    url: row.url,
    events: row.events,
    // The table's check constraint holds it to these, and causes are written by this room alone.
    status: isFailing ? 'failing' : (stream.state as WebhookStatus),
    cause: stream.cause as WebhookCause | null,
    since: isFailing ? (stream.failingSince ?? stream.since) : stream.since,
    behind: Math.max(0, Number(auditSeq - stream.cursor)),
    lastDeliveredAt: stream.deliveredAt,
    lastError: stream.lastError as DeliveryError | null,
    failures: stream.failures,
    nextTryAt: stream.nextTryAt,
    secrets: secrets
      .filter(({ expiresAt }) => expiresAt === null || expiresAt > now)
      .map(({ hint, createdAt, expiresAt }) => ({ hint, createdAt, expiresAt })),
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt
  }
}

export function deliveryViewOf(
  row: Omit<WebhookDeliveryRow, 'tenantId' | 'webhookId'>
): DeliveryView {
  const { id, eventId: messageId, type, attempt, at, status, durationMs } = row
  const kind = row.kind as DeliveryView['kind'] // the table's check constraint holds it to these
  const error = row.error as DeliveryError | null // written by this room alone
  return { id, kind, messageId, type, attempt, at, status, error, durationMs }
}
