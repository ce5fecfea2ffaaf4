import type { Identity } from '../../identity/identity.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import type { PublicUrl } from '../public-url.ts'
import { type App, IdOfKind } from '../route.ts'
import { ScimListQuery } from '../schemas/scim.ts'
import { scimDocuments } from '../scim-documents.ts'
import { scimType, sendScimProblem } from '../scim-problem.ts'
import { groupResource, listResource, userResource } from '../scim-resources.ts'
import { scimAnswers, scimResourceRoutes, scimTags } from './scim-resource.ts'

interface Deps {
  readonly identity: Identity
  readonly problems: ProblemWriter
  readonly publicUrl: PublicUrl
}

/** SCIM 2.0 (RFC 7643, RFC 7644), in its own media type and with its own errors. */
export async function scimRoutes(app: App, { identity, problems, publicUrl }: Deps): Promise<void> {
  const { users, groups } = identity.scim
  await app.register(
    async (inner: App) => {
      const parse = inner.getDefaultJsonParser('error', 'error')
      inner.addContentTypeParser('application/scim+json', { parseAs: 'string' }, parse)
      inner.setErrorHandler((err, request, reply) => sendScimProblem(problems, request, reply, err))
      inner.addHook('preSerialization', async (_request, reply, payload: unknown) => {
        reply.type(scimType)
        return payload
      })
      documentRoutes(inner, publicUrl)
      scimResourceRoutes(inner, {
        name: 'user',
        id: IdOfKind('scimUser'),
        kept: users,
        path: '/Users',
        resource: (user) => userResource(publicUrl, user),
        isPatchAnswered: true
      })
      scimResourceRoutes(inner, {
        name: 'group',
        id: IdOfKind('team'),
        kept: groups,
        path: '/Groups',
        resource: (group, hasMembers) => groupResource(publicUrl, group, hasMembers),
        isPatchAnswered: false
      })
    },
    { prefix: '/scim/v2' }
  )
}

function documentRoutes(app: App, publicUrl: PublicUrl): void {
  const { schemas, types, config } = scimDocuments(publicUrl)
  const page = <T>(items: readonly T[]) => ({ total: items.length, startIndex: 1, items })
  const documents = {
    ServiceProviderConfig: config,
    ResourceTypes: listResource(page(types), (type) => type),
    Schemas: listResource(page(schemas), (schema) => schema)
  }
  for (const [name, document] of Object.entries(documents)) {
    app.get(
      `/${name}`,
      {
        config: { access: 'caller', operation: 'scim.describe' },
        schema: {
          tags: scimTags,
          summary: `${name} of this SCIM server`,
          operationId: `scimDescribe${name}`,
          querystring: ScimListQuery,
          response: scimAnswers(200)
        }
      },
      async () => document
    )
  }
}
