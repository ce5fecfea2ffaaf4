import type { Tenants } from '../../identity/identity.ts'
import type { CreateOnce } from '../plugins/idempotency.ts'
import {
  type App,
  answers,
  createHeaders,
  IdOfKind,
  PageOf,
  PageQuery,
  pageOf,
  Strict,
  updateHeaders
} from '../route.ts'
import {
  CreatedTenant,
  EraseQuery,
  ErasureReceipt,
  newTenant,
  Tenant,
  TenantBody,
  TenantPatchBody
} from '../schemas/tenant.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/tenants'
const params = Strict({ tenantId: IdOfKind('tenant') })
const tags = ['tenants']
/** How long an erasure's request waits for its end. */
const eraseWaitMs = 20_000

interface Deps {
  readonly tenants: Tenants
  readonly once: CreateOnce
}

export function tenantRoutes(app: App, { tenants, once }: Deps): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'tenant.list' },
      schema: {
        tags,
        summary: 'List the tenants of the platform',
        querystring: PageQuery,
        response: answers({ 200: PageOf(Tenant) })
      }
    },
    (request) => tenants.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'tenant.create' },
      schema: {
        tags,
        summary: 'Create a tenant',
        headers: createHeaders,
        body: TenantBody,
        response: answers({ 201: CreatedTenant })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      reply.code(201)
      return withEtag(reply, await once(request, () => tenants.create(scope, newTenant(body))))
    }
  )

  app.get(
    `${path}/:tenantId`,
    {
      config: { access: 'caller', operation: 'tenant.get' },
      schema: { tags, summary: 'Read a tenant', params, response: answers({ 200: Tenant }) }
    },
    async (request, reply) =>
      withEtag(reply, await tenants.get(request.scope, request.params.tenantId))
  )

  app.patch(
    `${path}/:tenantId`,
    {
      config: { access: 'caller', operation: 'tenant.update' },
      schema: {
        tags,
        summary: 'Rename a tenant',
        params,
        headers: updateHeaders,
        body: TenantPatchBody,
        response: answers({ 200: Tenant })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      const patch = { name: body.name, version: versionOf(request, body) }
      return withEtag(reply, await tenants.update(scope, request.params.tenantId, patch))
    }
  )

  app.post(
    `${path}/:tenantId/suspend`,
    {
      config: { access: 'caller', operation: 'tenant.suspend' },
      schema: {
        tags,
        summary: 'Suspend a tenant',
        description:
          'Its sessions, keys and tokens are refused (401) and its calls under way end, within 5 seconds and ' +
          'on every replica. Nothing is lost.',
        params,
        response: answers({ 200: Tenant })
      }
    },
    async (request, reply) =>
      withEtag(reply, await tenants.suspend(request.scope, request.params.tenantId))
  )

  app.post(
    `${path}/:tenantId/resume`,
    {
      config: { access: 'caller', operation: 'tenant.resume' },
      schema: {
        tags,
        summary: 'Resume a suspended tenant',
        params,
        response: answers({ 200: Tenant })
      }
    },
    async (request, reply) =>
      withEtag(reply, await tenants.resume(request.scope, request.params.tenantId))
  )

  app.delete(
    `${path}/:tenantId`,
    {
      config: { access: 'caller', operation: 'tenant.erase' },
      schema: {
        tags,
        summary: 'Erase a tenant for good',
        description:
          'Its keys are destroyed first. Answers with the receipt; where `finishedAt` is null, rows are still ' +
          'being deleted, and `GET …/erasure` tells when they are gone.',
        params,
        querystring: EraseQuery,
        response: answers({ 200: ErasureReceipt })
      }
    },
    ({ scope, params, query }) => tenants.erase(scope, params.tenantId, query.confirm, eraseWaitMs)
  )

  app.get(
    `${path}/:tenantId/erasure`,
    {
      config: { access: 'caller', operation: 'tenant.get' },
      schema: {
        tags,
        summary: 'Read the receipt of an erased tenant',
        operationId: 'tenantErasureGet',
        params,
        response: answers({ 200: ErasureReceipt })
      }
    },
    (request) => tenants.erasure(request.scope, request.params.tenantId)
  )
}
