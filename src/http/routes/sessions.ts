import type { SessionEnding, TenantSettings as Settings } from '../../identity/identity.ts'
import { type App, answers, IdOfKind, Nothing, Strict, updateHeaders } from '../route.ts'
import { TenantSettings, TenantSettingsPatchBody } from '../schemas/identity.ts'
import { versionOf, withEtag } from '../version.ts'

const settingsPath = '/api/v1/tenant/settings'

/** What an admin decides about everyone's sessions, and the tenant's other policies. */
export function sessionRoutes(
  app: App,
  rooms: { readonly sessionEnding: SessionEnding; readonly tenantSettings: Settings }
): void {
  const { sessionEnding, tenantSettings } = rooms

  app.delete(
    '/api/v1/members/:userId/sessions',
    {
      config: { access: 'caller', operation: 'session.end_of_member' },
      schema: {
        tags: ['members'],
        summary: 'End all sessions of a member',
        params: Strict({ userId: IdOfKind('user') }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await sessionEnding.ofMember(request.scope, request.params.userId)
      return reply.code(204).send()
    }
  )

  app.delete(
    '/api/v1/sessions',
    {
      config: { access: 'caller', operation: 'session.end_all' },
      schema: {
        tags: ['tenant'],
        summary: 'End everyone’s sessions, one’s own too',
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await sessionEnding.all(request.scope)
      return reply.code(204).send()
    }
  )

  app.get(
    settingsPath,
    {
      config: { access: 'caller', operation: 'tenant_settings.get' },
      schema: {
        tags: ['tenant'],
        summary: 'Read the tenant’s settings',
        response: answers({ 200: TenantSettings })
      }
    },
    async (request, reply) => withEtag(reply, await tenantSettings.get(request.scope))
  )

  app.patch(
    settingsPath,
    {
      config: { access: 'caller', operation: 'tenant_settings.update' },
      schema: {
        tags: ['tenant'],
        summary: 'Update the tenant’s settings',
        description: 'Shorter limits count for sessions that live already.',
        headers: updateHeaders,
        body: TenantSettingsPatchBody,
        response: answers({ 200: TenantSettings })
      }
    },
    async (request, reply) => {
      const patch = { ...request.body, version: versionOf(request, request.body) }
      return withEtag(reply, await tenantSettings.update(request.scope, patch))
    }
  )
}
