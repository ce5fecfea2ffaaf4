import type { Delegations } from '../../identity/identity.ts'
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
  Strict
} from '../route.ts'
import { Delegation, DelegationBody } from '../schemas/delegation.ts'

const path = '/api/v1/delegations'
const tags = ['delegations']

interface Deps {
  readonly delegations: Delegations
  readonly once: CreateOnce
}

export function delegationRoutes(app: App, { delegations, once }: Deps): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'delegation.list' },
      schema: {
        tags,
        summary: 'List one’s own delegations; a tenant admin sees everybody’s',
        querystring: PageQuery,
        response: answers({ 200: PageOf(Delegation) })
      }
    },
    (request) => delegations.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'session', operation: 'delegation.create' },
      schema: {
        tags,
        summary: 'Let a service account act as oneself through a fabric',
        headers: createHeaders,
        body: DelegationBody,
        response: answers({ 201: Delegation })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      const input = { ...body, expiresAt: new Date(body.expiresAt) }
      reply.code(201)
      return once(request, () => delegations.create(scope, input))
    }
  )

  app.delete(
    `${path}/:delegationId`,
    {
      config: { access: 'session', operation: 'delegation.revoke' },
      schema: {
        tags,
        summary: 'End a delegation: one’s own, or as a tenant admin anybody’s',
        params: Strict({ delegationId: IdOfKind('delegation') }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await delegations.revoke(request.scope, request.params.delegationId)
      return reply.code(204).send()
    }
  )
}
