import type { Teams } from '../../identity/identity.ts'
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
import { Team, TeamBody, TeamMember, TeamMemberBody, TeamPatchBody } from '../schemas/people.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/teams'
const params = Strict({ teamId: IdOfKind('team') })
const memberParams = Strict({ ...params.properties, userId: IdOfKind('user') })
const tags = ['people']

export function teamRoutes(app: App, { teams, once }: { teams: Teams; once: CreateOnce }): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'team.list' },
      schema: {
        tags,
        summary: 'List the teams that one sees',
        querystring: PageQuery,
        response: answers({ 200: PageOf(Team) })
      }
    },
    (request) => teams.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'team.create' },
      schema: {
        tags,
        summary: 'Create a team',
        headers: createHeaders,
        body: TeamBody,
        response: answers({ 201: Team })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      reply.code(201)
      return withEtag(reply, await once(request, () => teams.create(scope, body)))
    }
  )

  app.get(
    `${path}/:teamId`,
    {
      config: { access: 'caller', operation: 'team.get' },
      schema: { tags, summary: 'Read a team', params, response: answers({ 200: Team }) }
    },
    async (request, reply) => withEtag(reply, await teams.get(request.scope, request.params.teamId))
  )

  app.patch(
    `${path}/:teamId`,
    {
      config: { access: 'caller', operation: 'team.update' },
      schema: {
        tags,
        summary: 'Rename a team',
        params,
        headers: updateHeaders,
        body: TeamPatchBody,
        response: answers({ 200: Team })
      }
    },
    async (request, reply) => {
      const { scope, params, body } = request
      const patch = { ...body, version: versionOf(request, body) }
      return withEtag(reply, await teams.update(scope, params.teamId, patch))
    }
  )

  app.delete(
    `${path}/:teamId`,
    {
      config: { access: 'caller', operation: 'team.delete' },
      schema: {
        tags,
        summary: 'Delete a team that owns no fabric',
        params,
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await teams.remove(request.scope, request.params.teamId)
      return reply.code(204).send()
    }
  )

  app.get(
    `${path}/:teamId/members`,
    {
      config: { access: 'caller', operation: 'team_member.list' },
      schema: {
        tags,
        summary: 'List the members of a team',
        params,
        querystring: PageQuery,
        response: answers({ 200: PageOf(TeamMember) })
      }
    },
    ({ scope, params, query }) => teams.listMembers(scope, params.teamId, pageOf(query))
  )

  app.put(
    `${path}/:teamId/members/:userId`,
    {
      config: { access: 'caller', operation: 'team_member.put' },
      schema: {
        tags,
        summary: 'Add a member to a team, or change their role there',
        params: memberParams,
        body: TeamMemberBody,
        response: answers({ 200: TeamMember })
      }
    },
    ({ scope, params, body }) => teams.putMember(scope, params.teamId, params.userId, body.role)
  )

  app.delete(
    `${path}/:teamId/members/:userId`,
    {
      config: { access: 'caller', operation: 'team_member.delete' },
      schema: {
        tags,
        summary: 'Take a member out of a team',
        params: memberParams,
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      const { teamId, userId } = request.params
      await teams.removeMember(request.scope, teamId, userId)
      return reply.code(204).send()
    }
  )
}
