import type { Fabrics } from '../../fabrics/fabrics.ts'
import type { CreateOnce } from '../plugins/idempotency.ts'
import {
  type App,
  answers,
  createHeaders,
  IdOfKind,
  Nothing,
  PageOf,
  pageOf,
  Strict,
  updateHeaders
} from '../route.ts'
import {
  Fabric,
  FabricBody,
  FabricFilters,
  FabricPatchBody,
  fabricPatch,
  newFabric,
  Transfer,
  TransferBody
} from '../schemas/fabric.ts'
import { Usage, UsageFilters, usageQuery } from '../schemas/usage.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/fabrics'
const params = Strict({ fabricId: IdOfKind('fabric') })
const tags = ['fabrics']

export function fabricRoutes(
  app: App,
  { fabrics, once }: { fabrics: Fabrics; once: CreateOnce }
): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'fabric.list' },
      schema: {
        tags,
        summary: 'List fabrics',
        querystring: FabricFilters,
        response: answers({ 200: PageOf(Fabric) })
      }
    },
    (request) => fabrics.list(request.scope, { ...request.query, ...pageOf(request.query) })
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'fabric.create' },
      schema: {
        tags,
        summary: 'Create a fabric',
        headers: createHeaders,
        body: FabricBody,
        response: answers({ 201: Fabric })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      reply.code(201)
      return withEtag(reply, await once(request, () => fabrics.create(scope, newFabric(body))))
    }
  )

  app.get(
    `${path}/:fabricId`,
    {
      config: { access: 'caller', operation: 'fabric.get' },
      schema: { tags, summary: 'Read a fabric', params, response: answers({ 200: Fabric }) }
    },
    async (request, reply) =>
      withEtag(reply, await fabrics.get(request.scope, request.params.fabricId))
  )

  app.patch(
    `${path}/:fabricId`,
    {
      config: { access: 'caller', operation: 'fabric.update' },
      schema: {
        tags,
        summary: 'Update a fabric',
        description: 'Another workspace drops the stored secret and sign-ins unless given anew.',
        params,
        headers: updateHeaders,
        body: FabricPatchBody,
        response: answers({ 200: Fabric })
      }
    },
    async (request, reply) => {
      const patch = fabricPatch(request.body, versionOf(request, request.body))
      return withEtag(reply, await fabrics.update(request.scope, request.params.fabricId, patch))
    }
  )

  app.delete(
    `${path}/:fabricId`,
    {
      config: { access: 'caller', operation: 'fabric.delete' },
      schema: { tags, summary: 'Delete a fabric', params, response: answers({ 204: Nothing }) }
    },
    async (request, reply) => {
      await fabrics.remove(request.scope, request.params.fabricId)
      return reply.code(204).send()
    }
  )

  app.post(
    `${path}/:fabricId/transfer`,
    {
      config: { access: 'caller', operation: 'fabric.transfer' },
      schema: {
        tags,
        summary: 'Give a fabric to another team',
        description:
          'For an admin of both teams. Secrets, and what was allowed on their strength, stay behind.',
        params,
        headers: updateHeaders,
        body: TransferBody,
        response: answers({ 200: Transfer })
      }
    },
    async (request, reply) => {
      const { scope, params, body } = request
      const input = { teamId: body.teamId, version: versionOf(request, body) }
      const transfer = await fabrics.transfer(scope, params.fabricId, input)
      withEtag(reply, transfer.fabric)
      return transfer
    }
  )

  app.post(
    `${path}/:fabricId/complete`,
    {
      config: { access: 'caller', operation: 'fabric.complete' },
      schema: {
        tags,
        summary: 'Complete a draft fabric',
        params,
        response: answers({ 200: Fabric })
      }
    },
    async (request, reply) =>
      withEtag(reply, await fabrics.complete(request.scope, request.params.fabricId))
  )

  app.get(
    `${path}/:fabricId/usage`,
    {
      config: { access: 'caller', operation: 'fabric.usage' },
      schema: {
        tags,
        summary: 'What was asked through a fabric, summed',
        description:
          "By UTC day, endpoint and caller, the last 30 days unless told otherwise. A member's items are their own calls.",
        params,
        querystring: UsageFilters,
        response: answers({ 200: Usage })
      }
    },
    (request) => fabrics.usage(request.scope, request.params.fabricId, usageQuery(request.query))
  )
}
