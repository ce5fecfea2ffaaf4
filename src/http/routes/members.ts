import type { Members } from '../../identity/identity.ts'
import {
  type App,
  answers,
  IdOfKind,
  Nothing,
  PageOf,
  PageQuery,
  pageOf,
  Strict,
  updateHeaders
} from '../route.ts'
import { Member, MemberPatchBody } from '../schemas/people.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/members'
const params = Strict({ userId: IdOfKind('user') })
const tags = ['people']

export function memberRoutes(app: App, { members }: { members: Members }): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'member.list' },
      schema: {
        tags,
        summary: 'List members',
        querystring: PageQuery,
        response: answers({ 200: PageOf(Member) })
      }
    },
    (request) => members.list(request.scope, pageOf(request.query))
  )

  app.get(
    `${path}/:userId`,
    {
      config: { access: 'caller', operation: 'member.get' },
      schema: { tags, summary: 'Read a member', params, response: answers({ 200: Member }) }
    },
    async (request, reply) =>
      withEtag(reply, await members.get(request.scope, request.params.userId))
  )

  app.patch(
    `${path}/:userId`,
    {
      config: { access: 'caller', operation: 'member.update' },
      schema: {
        tags,
        summary: 'Change the role of a member, suspend them or let them in again',
        params,
        headers: updateHeaders,
        body: MemberPatchBody,
        response: answers({ 200: Member })
      }
    },
    async (request, reply) => {
      const { scope, params, body } = request
      const change = { ...body, version: versionOf(request, body) }
      return withEtag(reply, await members.update(scope, params.userId, change))
    }
  )

  app.delete(
    `${path}/:userId`,
    {
      config: { access: 'caller', operation: 'member.delete' },
      schema: {
        tags,
        summary: 'Remove a member with their sessions, tokens and sign-ins',
        params,
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await members.remove(request.scope, request.params.userId)
      return reply.code(204).send()
    }
  )
}
