import assert from 'node:assert/strict'
import type { FastifyRequest } from 'fastify'
import type { Caller, Sessions } from '../../identity/identity.ts'
import { type App, answers, IdOfKind, Nothing, PageOf, Strict } from '../route.ts'
import { Me, Session, TenantChoice } from '../schemas/identity.ts'
import { setSessionCookie } from '../session-cookie.ts'

const tags = ['me']

function callerOf({ caller }: FastifyRequest): Caller {
  assert.ok(caller, 'access is not public')
  return caller
}

export function meRoutes(app: App, { sessions }: { sessions: Sessions }): void {
  app.get(
    '/api/v1/me',
    {
      config: { access: 'caller', operation: 'me.get' },
      schema: { tags, summary: 'Who one is', response: answers({ 200: Me }) }
    },
    (request) => sessions.me(callerOf(request))
  )

  app.post(
    '/api/v1/me/tenant',
    {
      config: { access: 'session', operation: 'me.switch_tenant' },
      schema: {
        tags,
        summary: 'Move this session to another of one’s tenants',
        body: TenantChoice,
        response: answers({ 200: Me })
      }
    },
    async (request, reply) => {
      const { tenantId } = request.body
      const { me, session } = await sessions.switchTenant(callerOf(request), tenantId)
      if (session !== null) setSessionCookie(reply, session.token, session.expiresAt)
      return me
    }
  )

  app.get(
    '/api/v1/me/sessions',
    {
      config: { access: 'session', operation: 'session.list' },
      schema: { tags, summary: 'One’s own sessions', response: answers({ 200: PageOf(Session) }) }
    },
    async (request) => ({ items: await sessions.list(callerOf(request)), nextCursor: null })
  )

  app.delete(
    '/api/v1/me/sessions',
    {
      config: { access: 'session', operation: 'session.delete' },
      schema: {
        tags,
        summary: 'End all of one’s sessions but this one',
        operationId: 'sessionDeleteOthers',
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      const caller = callerOf(request)
      const others = (await sessions.list(caller)).filter(({ isCurrent }) => !isCurrent)
      for (const { id } of others) await sessions.end(caller, id)
      return reply.code(204).send()
    }
  )

  app.delete(
    '/api/v1/me/sessions/:sessionId',
    {
      config: { access: 'session', operation: 'session.delete' },
      schema: {
        tags,
        summary: 'End one of one’s sessions',
        operationId: 'sessionDelete',
        params: Strict({ sessionId: IdOfKind('session') }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await sessions.end(callerOf(request), request.params.sessionId)
      return reply.code(204).send()
    }
  )
}
