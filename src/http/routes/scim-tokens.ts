import type { ScimTokens } from '../../identity/identity.ts'
import type { CreateOnce } from '../plugins/idempotency.ts'
import { type App, answers, createHeaders, IdOfKind, Nothing, PageOf, Strict } from '../route.ts'
import { CreatedScimToken, ScimToken, ScimTokenBody } from '../schemas/scim.ts'

const path = '/api/v1/scim-tokens'
const tags = ['people']

interface Deps {
  readonly scimTokens: ScimTokens
  readonly once: CreateOnce
}

export function scimTokenRoutes(app: App, { scimTokens, once }: Deps): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'scim_token.list' },
      schema: { tags, summary: 'List SCIM tokens', response: answers({ 200: PageOf(ScimToken) }) }
    },
    async ({ scope }) => ({ items: await scimTokens.list(scope), nextCursor: null })
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'scim_token.create' },
      schema: {
        tags,
        summary: 'Create a SCIM token for the identity provider, shown this once',
        headers: createHeaders,
        body: ScimTokenBody,
        response: answers({ 201: CreatedScimToken })
      }
    },
    (request, reply) => {
      const { scope, body } = request
      const { name, expiresAt } = body
      const input = { name, ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }) }
      reply.code(201)
      return once(request, () => scimTokens.create(scope, input))
    }
  )

  app.delete(
    `${path}/:scimTokenId`,
    {
      config: { access: 'caller', operation: 'scim_token.delete' },
      schema: {
        tags,
        summary: 'Revoke a SCIM token',
        params: Strict({ scimTokenId: IdOfKind('scimToken') }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await scimTokens.remove(request.scope, request.params.scimTokenId)
      return reply.code(204).send()
    }
  )
}
