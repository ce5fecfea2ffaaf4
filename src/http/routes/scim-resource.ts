import type { TUnsafe } from 'typebox'
import type { ScimKept, ScimQuery } from '../../identity/identity.ts'
import { type App, Nothing, Strict } from '../route.ts'
import { ScimBody, ScimError, ScimListQuery, ScimReadQuery, ScimResource } from '../schemas/scim.ts'
import { listResource, type Resource } from '../scim-resources.ts'

export const scimTags = ['SCIM']
const countDefault = 100
const countMax = 200

export function scimAnswers(status: 200 | 201 | 204) {
  const body = status === 204 ? Nothing : ScimResource
  return { [status]: body, '4xx': ScimError, '5xx': ScimError }
}

/** RFC 7644 §3.4.2.4: a start below 1 is 1, a count below 0 is 0. */
function queryOf(query: {
  readonly filter?: string
  readonly startIndex?: number
  readonly count?: number
}): ScimQuery {
  const { filter = null, startIndex = 1, count = countDefault } = query
  return {
    filter,
    startIndex: Math.min(Math.max(startIndex, 1), 1_000_000_000),
    count: Math.min(Math.max(count, 0), countMax)
  }
}

/** Entra ID asks for groups without their members, which may be many. */
function wantsMembers(query: { readonly excludedAttributes?: string }): boolean {
  return !(query.excludedAttributes ?? '')
    .toLowerCase()
    .split(/\s*,\s*/)
    .includes('members')
}

/** The six ways to a kind of resource (RFC 7644 §3.2). */
export function scimResourceRoutes<Id extends string, View extends { readonly id: Id }>(
  app: App,
  kind: {
    readonly name: 'user' | 'group'
    readonly id: TUnsafe<Id>
    readonly kept: ScimKept<View, Id>
    readonly path: '/Users' | '/Groups'
    readonly resource: (view: View, hasMembers: boolean) => Resource
    /** Whether PATCH answers with the resource, or with nothing (RFC 7644 §3.5.2 allows both). */
    readonly isPatchAnswered: boolean
  }
): void {
  const { name, kept, path, resource, isPatchAnswered } = kind
  const params = Strict({ id: kind.id })
  const idName = name === 'user' ? 'scimUser' : 'scimGroup'
  const tags = scimTags
  const access = 'caller'

  app.get(
    path,
    {
      config: { access, operation: `scim_${name}.list` },
      schema: {
        tags,
        summary: `Find ${name}s`,
        querystring: ScimListQuery,
        response: scimAnswers(200)
      }
    },
    async ({ scope, query }) => {
      const page = await kept.list(scope, queryOf(query))
      return listResource(page, (view) => resource(view, wantsMembers(query)))
    }
  )

  app.post(
    path,
    {
      config: { access, operation: `scim_${name}.create` },
      schema: { tags, summary: `Make a ${name}`, body: ScimBody, response: scimAnswers(201) }
    },
    async ({ scope, body }, reply) => {
      reply.code(201)
      return resource(await kept.create(scope, body), true)
    }
  )

  app.get(
    `${path}/:id`,
    {
      config: { access, operation: `scim_${name}.get` },
      schema: {
        tags,
        summary: `Read a ${name}`,
        params,
        querystring: ScimReadQuery,
        response: scimAnswers(200)
      }
    },
    async ({ scope, params: { id }, query }) =>
      resource(await kept.get(scope, id), wantsMembers(query))
  )

  app.put(
    `${path}/:id`,
    {
      config: { access, operation: `scim_${name}.update` },
      schema: {
        tags,
        summary: `Replace a ${name}`,
        operationId: `${idName}Replace`,
        params,
        body: ScimBody,
        response: scimAnswers(200)
      }
    },
    async ({ scope, params: { id }, body }) => resource(await kept.replace(scope, id, body), true)
  )

  app.patch(
    `${path}/:id`,
    {
      config: { access, operation: `scim_${name}.update` },
      schema: {
        tags,
        summary: `Change a ${name}`,
        operationId: `${idName}Patch`,
        params,
        body: ScimBody,
        response: scimAnswers(isPatchAnswered ? 200 : 204)
      }
    },
    async ({ scope, params: { id }, body }, reply) => {
      const view = await kept.patch(scope, id, body)
      return isPatchAnswered ? resource(view, true) : reply.code(204).send()
    }
  )

  app.delete(
    `${path}/:id`,
    {
      config: { access, operation: `scim_${name}.delete` },
      schema: { tags, summary: `Remove a ${name}`, params, response: scimAnswers(204) }
    },
    async ({ scope, params: { id } }, reply) => {
      await kept.remove(scope, id)
      return reply.code(204).send()
    }
  )
}
