import type { Tx } from './db.ts'
import type {
  AuditStream,
  Prisma,
  Webhook,
  WebhookDelivery,
  WebhookSecret
} from './generated/client.ts'

export type WebhookSecretRow = WebhookSecret
export type WebhookDeliveryRow = WebhookDelivery
export type WebhookRow = Webhook & { stream: AuditStream; secrets: WebhookSecretRow[] }

/** Newest secret first. */
const whole = {
  stream: true,
  secrets: { orderBy: { id: 'desc' } }
} satisfies Prisma.WebhookInclude

export async function insertWebhook(
  tx: Tx,
  row: Omit<Webhook, 'tenantId' | 'version'>
): Promise<void> {
  await tx.rows.webhook.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findWebhook(tx: Tx, id: string): Promise<WebhookRow | null> {
  return tx.rows.webhook.findFirst({
    where: { tenantId: tx.scope.tenantId, id },
    include: whole
  })
}

/** Newest first, from before `cursor`. */
export function pageWebhooks(
  tx: Tx,
  page: { limit: number; cursor: string | null }
): Promise<WebhookRow[]> {
  return tx.rows.webhook.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    include: whole,
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

export function countWebhooks(tx: Tx): Promise<number> {
  return tx.rows.webhook.count({ where: { tenantId: tx.scope.tenantId } })
}

/** @returns false when the row is no longer at `version` */
export async function updateWebhook(
  tx: Tx,
  id: string,
  version: number,
  patch: Partial<Pick<Webhook, 'name' | 'url' | 'events' | 'updatedAt'>>
): Promise<boolean> {
  const { count } = await tx.rows.webhook.updateMany({
    where: { tenantId: tx.scope.tenantId, id, version },
    data: { ...patch, version: version + 1 }
  })
  return count === 1
}

export async function insertWebhookSecret(
  tx: Tx,
  row: Omit<WebhookSecretRow, 'tenantId' | 'expiresAt'>
): Promise<void> {
  await tx.rows.webhookSecret.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** Of the secrets there are, the newest goes on until `endsAt`, and the others end now. */
export async function retireWebhookSecrets(
  tx: Tx,
  webhookId: string,
  newestId: string,
  endsAt: Date
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.webhookSecret.deleteMany({ where: { tenantId, webhookId, id: { not: newestId } } })
  await tx.rows.webhookSecret.updateMany({
    where: { tenantId, webhookId, id: newestId },
    data: { expiresAt: endsAt }
  })
}

/** Adds them, and forgets all of the webhook's but the newest `kept`. */
export async function insertWebhookDeliveries(
  tx: Tx,
  webhookId: string,
  rows: readonly Omit<WebhookDeliveryRow, 'tenantId' | 'webhookId'>[],
  kept: number
): Promise<void> {
  const { tenantId } = tx.scope
  if (rows.length === 0) return
  await tx.rows.webhookDelivery.createMany({
    data: rows.map((row) => ({ ...row, tenantId, webhookId }))
  })
  await tx.rows.$executeRaw`
    DELETE FROM webhook_deliveries WHERE tenant_id = ${tenantId} AND webhook_id = ${webhookId} AND id <= (
      SELECT id FROM webhook_deliveries WHERE tenant_id = ${tenantId} AND webhook_id = ${webhookId}
       ORDER BY id DESC OFFSET ${kept} LIMIT 1)`
}

/** Newest first, from before `cursor`. */
export function pageWebhookDeliveries(
  tx: Tx,
  webhookId: string,
  page: { limit: number; cursor: string | null }
): Promise<WebhookDeliveryRow[]> {
  return tx.rows.webhookDelivery.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      webhookId,
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    orderBy: { id: 'desc' },
    take: page.limit
  })
}
