import type { Audit } from '../audit/audit.ts'
import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { newId, type WebhookId } from '../base/ids.ts'
import { pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { disclose, hintOf } from '../crypto/bearer.ts'
import { newWebhookSecret } from '../crypto/webhook-signature.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { latestAuditEvent } from '../store/audit-events.ts'
import {
  deleteAuditStream,
  findAuditEvent,
  insertAuditStream,
  updateAuditStream
} from '../store/audit-streams.ts'
import type { Db, Tx } from '../store/db.ts'
import { findTenant } from '../store/tenants.ts'
import {
  countWebhooks,
  findWebhook,
  insertWebhook,
  insertWebhookDeliveries,
  insertWebhookSecret,
  pageWebhookDeliveries,
  pageWebhooks,
  retireWebhookSecrets,
  updateWebhook,
  type WebhookRow
} from '../store/webhooks.ts'
import type { Strongbox } from '../vault/strongbox.ts'
import { subscriptionFaults } from './subscriptions.ts'
import { createSendMessage } from './webhook-delivery.ts'
import { type Message, messageOf, type Origin, testMessage } from './webhook-message.ts'
import { deliveriesKept, deliveryOf, receiverOf, webhookSecretPlace } from './webhook-sender.ts'
import { deliveryViewOf, viewOf } from './webhook-view.ts'
import type { DeliveryView, WebhookPatch, Webhooks } from './webhooks.ts'

export interface WebhooksDeps {
  readonly db: Db
  readonly audit: Pick<Audit, 'append'>
  readonly strongbox: Pick<Strongbox, 'seal' | 'open'>
  readonly clock: Clock
  readonly outbound: Pick<Outbound, 'request' | 'checkUrl'>
  readonly publicUrl: string
}

/** Of one tenant. */
const webhooksMax = 20
const hourMs = 60 * 60_000

export function createWebhooks(deps: WebhooksDeps): Webhooks {
  const { db, audit, strongbox, clock, outbound, publicUrl } = deps
  const sendMessage = createSendMessage(outbound, clock)

  async function view(tx: Tx, id: string) {
    const row = await mustFind(tx, id)
    return viewOf(row, (await latestAuditEvent(tx))?.seq ?? 0n, clock.now())
  }

  function check({ url, events }: Omit<WebhookPatch, 'version'>): void {
    const errors = subscriptionFaults(events ?? [])
    if (errors.length > 0) throw new AppError('invalid_request', { errors })
    if (url !== undefined) outbound.checkUrl(url, { kind: 'public' })
  }

  async function newSecret(scope: TenantScope) {
    const id = newId('webhookSecret', clock)
    const secret = newWebhookSecret()
    const sealed = await strongbox.seal(scope, webhookSecretPlace(id), secret)
    const row = { id, sealed, hint: hintOf(secret), createdAt: clock.now() }
    return { secret: disclose(secret), row }
  }

  /** What an admin did with a webhook that is there, and its record. */
  function change(
    scope: TenantScope,
    id: WebhookId,
    action: 'webhook.pause' | 'webhook.resume',
    work: (tx: Tx, row: WebhookRow) => Promise<void>
  ) {
    return db.inTenant(scope, async (tx) => {
      await work(tx, await mustFind(tx, id))
      const cause = action === 'webhook.pause' ? { details: { cause: 'by_admin' } } : {}
      await audit.append(tx, { action, object: ['webhook', id], ...cause })
      return await view(tx, id)
    })
  }

  /** One message now, whatever state the webhook is in; what comes of it is kept among its tries. */
  async function sendNow(
    scope: TenantScope,
    id: WebhookId,
    kind: 'test' | 'redelivery',
    find: (tx: Tx, origin: Origin) => Promise<Message>
  ): Promise<DeliveryView> {
    const { row, message } = await db.inTenant(scope, async (tx) => {
      const row = await mustFind(tx, id)
      const tenant = await findTenant(tx)
      if (tenant === null) throw new AppError('not_found')
      return { row, message: await find(tx, { tenant, publicUrl }) }
    })
    const attempt = await sendMessage(await receiverOf(deps, scope, row), message)
    const delivery = deliveryOf(clock, kind, message, attempt, 1)
    await db.inTenant(scope, async (tx) => {
      await mustFind(tx, id)
      await insertWebhookDeliveries(tx, id, [delivery], deliveriesKept)
      await audit.append(tx, {
        action: kind === 'test' ? 'webhook.test' : 'webhook.redeliver',
        object: ['webhook', id],
        outcome: attempt.error === null ? 'succeeded' : 'failed',
        details: { messageId: message.id, status: attempt.status, error: attempt.error }
      })
    })
    return deliveryViewOf(delivery)
  }

  return {
    get: (scope, id) => db.inTenant(scope, (tx) => view(tx, id)),

    async list(scope, { limit, cursor }) {
      const { rows, seq } = await db.inTenant(scope, async (tx) => ({
        rows: await pageWebhooks(tx, { limit: limit + 1, cursor }),
        seq: (await latestAuditEvent(tx))?.seq ?? 0n
      }))
      return pageOf(rows, limit, (row) => viewOf(row, seq, clock.now()))
    },

    async create(scope, input) {
      check(input)
      const id = newId('webhook', clock)
      const { secret, row } = await newSecret(scope)
      const { name, url, events } = input
      const now = clock.now()
      return await db.inTenant(scope, async (tx) => {
        // First the record: it makes those wait for one another who would both be the last that there is room for.
        await audit.append(tx, {
          action: 'webhook.create',
          object: ['webhook', id],
          details: { name, origin: new URL(url).origin, events }
        })
        if ((await countWebhooks(tx)) >= webhooksMax) {
          const detail = `There are ${webhooksMax} webhooks; delete one first`
          throw new AppError('conflict', { detail })
        }
        const cursor = (await latestAuditEvent(tx))?.seq ?? 0n
        await insertAuditStream(tx, { id, kind: 'webhook', since: now, cursor })
        await insertWebhook(tx, {
          id,
          name,
          url,
          events: [...events],
          createdAt: now,
          updatedAt: now
        })
        await insertWebhookSecret(tx, { ...row, webhookId: id })
        return { ...(await view(tx, id)), secret }
      })
    },

    async update(scope, id, { version, ...patch }) {
      check(patch)
      const { name, url, events } = patch
      return await db.inTenant(scope, async (tx) => {
        const row = await mustFind(tx, id)
        const hasChanged = await updateWebhook(tx, id, version, {
          ...(name !== undefined && { name }),
          ...(url !== undefined && { url }),
          ...(events !== undefined && { events: [...events] }),
          updatedAt: clock.now()
        })
        if (!hasChanged) throw new AppError('version_conflict')
        if (url !== undefined && url !== row.url)
          await updateAuditStream(tx, id, { nextTryAt: null })
        await audit.append(tx, {
          action: 'webhook.update',
          object: ['webhook', id],
          details: {
            changed: Object.keys(patch),
            ...(url !== undefined && { origin: new URL(url).origin }),
            ...(events !== undefined && { events })
          }
        })
        return await view(tx, id)
      })
    },

    remove: (scope, id) =>
      db.inTenant(scope, async (tx) => {
        await mustFind(tx, id)
        await deleteAuditStream(tx, id)
        await audit.append(tx, { action: 'webhook.delete', object: ['webhook', id] })
      }),

    pause: (scope, id) =>
      change(scope, id, 'webhook.pause', async (tx, { stream }) => {
        if (stream.state !== 'active') return
        const rest = { state: 'paused', cause: 'by_admin', since: clock.now(), nextTryAt: null }
        await updateAuditStream(tx, id, rest)
      }),

    resume: (scope, id, skipMissed) =>
      change(scope, id, 'webhook.resume', async (tx, { stream }) => {
        const wakes = { state: 'active', cause: null, since: clock.now(), failures: 0 }
        const head = skipMissed ? await latestAuditEvent(tx) : null
        await updateAuditStream(tx, id, {
          ...(stream.state !== 'active' && wakes),
          ...(head !== null && { cursor: head.seq }),
          failingSince: null,
          nextTryAt: null
        })
      }),

    async rotateSecret(scope, id, overlapHours) {
      const { secret, row } = await newSecret(scope)
      const previousExpiresAt = plusMs(row.createdAt, overlapHours * hourMs)
      await db.inTenant(scope, async (tx) => {
        const [newest] = (await mustFind(tx, id)).secrets
        if (newest !== undefined) await retireWebhookSecrets(tx, id, newest.id, previousExpiresAt)
        await insertWebhookSecret(tx, { ...row, webhookId: id })
        const details = { overlapHours }
        await audit.append(tx, {
          action: 'webhook.rotate_secret',
          object: ['webhook', id],
          details
        })
      })
      const { hint, createdAt } = row
      return { secret, hint, createdAt, previousExpiresAt }
    },

    test: (scope, id) =>
      sendNow(scope, id, 'test', async (_tx, origin) =>
        testMessage(newId('delivery', clock), clock.now(), id, origin)
      ),

    redeliver: (scope, id, eventId) =>
      sendNow(scope, id, 'redelivery', async (tx, origin) => {
        const event = await findAuditEvent(tx, eventId)
        if (event === null) throw new AppError('not_found')
        return messageOf(event, origin)
      }),

    async deliveries(scope, id, { limit, cursor }) {
      const rows = await db.inTenant(scope, async (tx) => {
        await mustFind(tx, id)
        return await pageWebhookDeliveries(tx, id, { limit: limit + 1, cursor })
      })
      return pageOf(rows, limit, deliveryViewOf)
    }
  }
}

async function mustFind(tx: Tx, id: string): Promise<WebhookRow> {
  const row = await findWebhook(tx, id)
  if (row === null) throw new AppError('not_found')
  return row
}
