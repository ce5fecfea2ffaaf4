import type { ServiceAccounts } from '../../identity/identity.ts'
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
  CreatedServiceKey,
  FabricAccessBody,
  ServiceAccount,
  ServiceAccountBody,
  ServiceAccountPatchBody,
  ServiceKey,
  ServiceKeyBody
} from '../schemas/identity.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/service-accounts'
const params = Strict({ serviceAccountId: IdOfKind('serviceAccount') })
const tags = ['service accounts']

interface Deps {
  readonly serviceAccounts: ServiceAccounts
  readonly once: CreateOnce
}

export function serviceAccountRoutes(app: App, { serviceAccounts, once }: Deps): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'service_account.list' },
      schema: {
        tags,
        summary: 'List service accounts',
        querystring: PageQuery,
        response: answers({ 200: PageOf(ServiceAccount) })
      }
    },
    (request) => serviceAccounts.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'service_account.create' },
      schema: {
        tags,
        summary: 'Create a service account',
        headers: createHeaders,
        body: ServiceAccountBody,
        response: answers({ 201: ServiceAccount })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      reply.code(201)
      return withEtag(reply, await once(request, () => serviceAccounts.create(scope, body)))
    }
  )

  app.get(
    `${path}/:serviceAccountId`,
    {
      config: { access: 'caller', operation: 'service_account.get' },
      schema: {
        tags,
        summary: 'Read a service account',
        params,
        response: answers({ 200: ServiceAccount })
      }
    },
    async (request, reply) => {
      const { serviceAccountId } = request.params
      return withEtag(reply, await serviceAccounts.get(request.scope, serviceAccountId))
    }
  )

  app.patch(
    `${path}/:serviceAccountId`,
    {
      config: { access: 'caller', operation: 'service_account.update' },
      schema: {
        tags,
        summary: 'Rename a service account, disable it, or say from where it may come',
        params,
        headers: updateHeaders,
        body: ServiceAccountPatchBody,
        response: answers({ 200: ServiceAccount })
      }
    },
    async (request, reply) => {
      const { scope, params, body } = request
      const patch = { ...body, version: versionOf(request, body) }
      return withEtag(reply, await serviceAccounts.update(scope, params.serviceAccountId, patch))
    }
  )

  app.delete(
    `${path}/:serviceAccountId`,
    {
      config: { access: 'caller', operation: 'service_account.delete' },
      schema: {
        tags,
        summary: 'Delete a service account and its keys',
        params,
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await serviceAccounts.remove(request.scope, request.params.serviceAccountId)
      return reply.code(204).send()
    }
  )

  app.put(
    `${path}/:serviceAccountId/fabrics`,
    {
      config: { access: 'caller', operation: 'service_account.set_fabrics' },
      schema: {
        tags,
        summary: 'Replace the fabrics that a service account may reach',
        description: 'Nothing listed, nothing allowed.',
        params,
        body: FabricAccessBody,
        response: answers({ 200: ServiceAccount })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      const { serviceAccountId } = request.params
      const account = await serviceAccounts.setFabrics(scope, serviceAccountId, body.fabrics)
      return withEtag(reply, account)
    }
  )

  app.get(
    `${path}/:serviceAccountId/keys`,
    {
      config: { access: 'caller', operation: 'service_key.list' },
      schema: {
        tags,
        summary: 'List the keys of a service account',
        params,
        response: answers({ 200: PageOf(ServiceKey) })
      }
    },
    async ({ scope, params: { serviceAccountId } }) => ({
      items: await serviceAccounts.listKeys(scope, serviceAccountId),
      nextCursor: null
    })
  )

  app.post(
    `${path}/:serviceAccountId/keys`,
    {
      config: { access: 'caller', operation: 'service_key.create' },
      schema: {
        tags,
        summary: 'Create a key, shown this once',
        params,
        headers: createHeaders,
        body: ServiceKeyBody,
        response: answers({ 201: CreatedServiceKey })
      }
    },
    async (request, reply) => {
      const { scope, params, body } = request
      const { name, expiresAt } = body
      const input = { name, ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }) }
      reply.code(201)
      return once(request, () => serviceAccounts.createKey(scope, params.serviceAccountId, input))
    }
  )

  app.delete(
    `${path}/:serviceAccountId/keys/:keyId`,
    {
      config: { access: 'caller', operation: 'service_key.revoke' },
      schema: {
        tags,
        summary: 'Revoke a key',
        params: Strict({ ...params.properties, keyId: IdOfKind('key') }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      const { serviceAccountId, keyId } = request.params
      await serviceAccounts.revokeKey(request.scope, serviceAccountId, keyId)
      return reply.code(204).send()
    }
  )
}
