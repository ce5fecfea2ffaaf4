import type { PersonalTokens } from '../../identity/identity.ts'
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
import {
  CreatedPersonalToken,
  PersonalToken,
  PersonalTokenBody
} from '../schemas/personal-token.ts'

const path = '/api/v1/tokens'
const memberPath = '/api/v1/members/:userId/tokens'
const params = Strict({ tokenId: IdOfKind('personalToken') })
const memberParams = Strict({ userId: IdOfKind('user') })
const tags = ['personal access tokens']

interface Deps {
  readonly personalTokens: PersonalTokens
  readonly once: CreateOnce
}

export function personalTokenRoutes(app: App, { personalTokens, once }: Deps): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'personal_token.list' },
      schema: {
        tags,
        summary: 'List one’s own tokens',
        querystring: PageQuery,
        response: answers({ 200: PageOf(PersonalToken) })
      }
    },
    (request) => personalTokens.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'session', operation: 'personal_token.create' },
      schema: {
        tags,
        summary: 'Create a token, shown this once',
        headers: createHeaders,
        body: PersonalTokenBody,
        response: answers({ 201: CreatedPersonalToken })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      const input = { ...body, expiresAt: new Date(body.expiresAt) }
      reply.code(201)
      return once(request, () => personalTokens.create(scope, input))
    }
  )

  app.delete(
    `${path}/:tokenId`,
    {
      config: { access: 'session', operation: 'personal_token.revoke' },
      schema: { tags, summary: 'Revoke a token', params, response: answers({ 204: Nothing }) }
    },
    async (request, reply) => {
      await personalTokens.revoke(request.scope, request.params.tokenId)
      return reply.code(204).send()
    }
  )

  app.get(
    memberPath,
    {
      config: { access: 'caller', operation: 'personal_token.list_of_member' },
      schema: {
        tags,
        summary: 'List the tokens of a member',
        params: memberParams,
        querystring: PageQuery,
        response: answers({ 200: PageOf(PersonalToken) })
      }
    },
    ({ scope, params: { userId }, query }) =>
      personalTokens.listOfMember(scope, userId, pageOf(query))
  )

  app.delete(
    `${memberPath}/:tokenId`,
    {
      config: { access: 'session', operation: 'personal_token.revoke_of_member' },
      schema: {
        tags,
        summary: 'Revoke a token of a member',
        params: Strict({ ...memberParams.properties, ...params.properties }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      const { userId, tokenId } = request.params
      await personalTokens.revokeOfMember(request.scope, userId, tokenId)
      return reply.code(204).send()
    }
  )
}
