import type { Webhooks } from '../../webhooks/webhooks.ts'
import type { CreateOnce } from '../plugins/idempotency.ts'
import {
  type App,
  answers,
  createHeaders,
  IdOfKind,
  Nothing,
  PageOf,
  PageQuery,
  pageOf,
  Strict,
  updateHeaders
} from '../route.ts'
import {
  CreatedWebhook,
  CreatedWebhookSecret,
  RedeliverBody,
  ResumeBody,
  Webhook,
  WebhookBody,
  WebhookDelivery,
  WebhookPatchBody,
  WebhookSecretBody
} from '../schemas/webhook.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/webhooks'
const params = Strict({ webhookId: IdOfKind('webhook') })
const tags = ['webhooks']

export function webhookRoutes(
  app: App,
  { webhooks, once }: { webhooks: Webhooks; once: CreateOnce }
): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'webhook.list' },
      schema: {
        tags,
        summary: 'List webhooks',
        querystring: PageQuery,
        response: answers({ 200: PageOf(Webhook) })
      }
    },
    (request) => webhooks.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'webhook.create' },
      schema: {
        tags,
        summary: 'Create a webhook; its signing secret is shown this once',
        headers: createHeaders,
        body: WebhookBody,
        response: answers({ 201: CreatedWebhook })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      reply.code(201)
      return withEtag(reply, await once(request, () => webhooks.create(scope, body)))
    }
  )

  app.get(
    `${path}/:webhookId`,
    {
      config: { access: 'caller', operation: 'webhook.get' },
      schema: { tags, summary: 'Read a webhook', params, response: answers({ 200: Webhook }) }
    },
    async (request, reply) =>
      withEtag(reply, await webhooks.get(request.scope, request.params.webhookId))
  )

  app.patch(
    `${path}/:webhookId`,
    {
      config: { access: 'caller', operation: 'webhook.update' },
      schema: {
        tags,
        summary: 'Update a webhook',
        params,
        headers: updateHeaders,
        body: WebhookPatchBody,
        response: answers({ 200: Webhook })
      }
    },
    async (request, reply) => {
      const { scope, body, params } = request
      const patch = { ...body, version: versionOf(request, body) }
      return withEtag(reply, await webhooks.update(scope, params.webhookId, patch))
    }
  )

  app.delete(
    `${path}/:webhookId`,
    {
      config: { access: 'caller', operation: 'webhook.delete' },
      schema: { tags, summary: 'Delete a webhook', params, response: answers({ 204: Nothing }) }
    },
    async (request, reply) => {
      await webhooks.remove(request.scope, request.params.webhookId)
      return reply.code(204).send()
    }
  )

  app.post(
    `${path}/:webhookId/pause`,
    {
      config: { access: 'caller', operation: 'webhook.pause' },
      schema: {
        tags,
        summary: 'Send nothing until it is resumed; nothing is forgotten',
        params,
        response: answers({ 200: Webhook })
      }
    },
    ({ scope, params }) => webhooks.pause(scope, params.webhookId)
  )

  app.post(
    `${path}/:webhookId/resume`,
    {
      config: { access: 'caller', operation: 'webhook.resume' },
      schema: {
        tags,
        summary: 'Go on at once, after a pause or a failure',
        params,
        body: ResumeBody,
        response: answers({ 200: Webhook })
      }
    },
    ({ scope, params, body }) => webhooks.resume(scope, params.webhookId, body.skipMissed ?? false)
  )

  app.post(
    `${path}/:webhookId/secrets`,
    {
      config: { access: 'caller', operation: 'webhook.rotate_secret' },
      schema: {
        tags,
        summary: 'Make a new signing secret, shown this once',
        description: 'Until the one before ends, messages carry both signatures.',
        params,
        headers: createHeaders,
        body: WebhookSecretBody,
        response: answers({ 201: CreatedWebhookSecret })
      }
    },
    (request, reply) => {
      const { scope, params, body } = request
      reply.code(201)
      return once(request, () =>
        webhooks.rotateSecret(scope, params.webhookId, body.overlapHours ?? 24)
      )
    }
  )

  app.post(
    `${path}/:webhookId/test`,
    {
      config: { access: 'caller', operation: 'webhook.test' },
      schema: {
        tags,
        summary: 'Send a message of type `webhook.test` now',
        description: 'What the receiver does with it stands in `status` and `error`.',
        params,
        response: answers({ 200: WebhookDelivery })
      }
    },
    ({ scope, params }) => webhooks.test(scope, params.webhookId)
  )

  app.post(
    `${path}/:webhookId/redeliver`,
    {
      config: { access: 'caller', operation: 'webhook.redeliver' },
      schema: {
        tags,
        summary: 'Send one event of the record once more, now and out of turn',
        params,
        body: RedeliverBody,
        response: answers({ 200: WebhookDelivery })
      }
    },
    ({ scope, params, body }) => webhooks.redeliver(scope, params.webhookId, body.eventId)
  )

  app.get(
    `${path}/:webhookId/deliveries`,
    {
      config: { access: 'caller', operation: 'webhook.list_deliveries' },
      schema: {
        tags,
        summary: 'List the newest tries to deliver, up to 200 of them',
        params,
        querystring: PageQuery,
        response: answers({ 200: PageOf(WebhookDelivery) })
      }
    },
    (request) => webhooks.deliveries(request.scope, request.params.webhookId, pageOf(request.query))
  )
}
