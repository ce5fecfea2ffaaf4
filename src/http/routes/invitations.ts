import type { Invitations } from '../../identity/identity.ts'
import { Type } from '../json-schema.ts'
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
import { CreatedInvitation, Invitation, InvitationBody } from '../schemas/people.ts'
import { setInvitationCookie } from '../session-cookie.ts'

const path = '/api/v1/invitations'
const tags = ['people']

interface Deps {
  readonly invitations: Invitations
  readonly once: CreateOnce
}

export function invitationRoutes(app: App, { invitations, once }: Deps): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'invitation.list' },
      schema: {
        tags,
        summary: 'List invitations',
        querystring: PageQuery,
        response: answers({ 200: PageOf(Invitation) })
      }
    },
    (request) => invitations.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'invitation.create' },
      schema: {
        tags,
        summary: 'Invite somebody by a link, shown this once',
        description: 'Weft sends no mail: pass the link on yourself.',
        headers: createHeaders,
        body: InvitationBody,
        response: answers({ 201: CreatedInvitation })
      }
    },
    (request, reply) => {
      const { scope, body } = request
      reply.code(201)
      return once(request, () => invitations.create(scope, body))
    }
  )

  app.delete(
    `${path}/:invitationId`,
    {
      config: { access: 'caller', operation: 'invitation.delete' },
      schema: {
        tags,
        summary: 'Withdraw an invitation',
        params: Strict({ invitationId: IdOfKind('invitation') }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await invitations.remove(request.scope, request.params.invitationId)
      return reply.code(204).send()
    }
  )

  app.get(
    '/invitations/:token',
    {
      config: { access: 'public', operation: 'invitation.open', surface: 'page' },
      schema: { hide: true, params: Strict({ token: Type.String({ maxLength: 64 }) }) }
    },
    async (request, reply) => {
      const { token } = request.params
      const { tenantSlug } = await invitations.open(token, request.id)
      setInvitationCookie(reply, token)
      return reply.redirect(request.publicUrl.pathOf(`/auth/login?tenant=${tenantSlug}`), 302)
    }
  )
}
