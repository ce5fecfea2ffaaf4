import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import fastify, { type RouteOptions } from 'fastify'
import { Type } from './json-schema.ts'
import { type Access, type App, answers } from './route.ts'

const tags = [
  { name: 'me', description: 'The person who is logged in, and their sessions' },
  { name: 'people', description: 'Members of the tenant and its teams' },
  { name: 'SCIM', description: 'For a tenant’s identity provider (RFC 7643, RFC 7644)' },
  { name: 'app connections', description: 'OAuth clients registered at the provider' },
  { name: 'fabrics', description: 'Execution environments of teams' },
  { name: 'connection tests', description: 'Step by step, from the host to the compute' },
  { name: 'deployments', description: 'Jobs that run as the service principal of a fabric' },
  { name: 'discovery', description: 'What the workspace of a fabric has' },
  { name: 'sign-in', description: 'Signing in at the workspace of a fabric' },
  { name: 'settings', description: 'App connections and fabrics as one document' },
  { name: 'service accounts', description: 'Callers that are not people, and their keys' },
  { name: 'tokens', description: 'Short-lived tokens for service accounts (OAuth 2.0)' },
  { name: 'audit', description: 'Who did what' },
  { name: 'tenants', description: 'The organisations on the platform, for its operators' },
  { name: 'operations', description: 'The deployment as its operators see it' },
  { name: 'health', description: 'For probes' },
  { name: 'document', description: 'This document' }
]

const securityOf: Readonly<Record<Access, { [scheme: string]: string[] }[]>> = {
  public: [],
  session: [{ session: [] }],
  caller: [{ session: [] }, { serviceKey: [] }]
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly describedRoutes: readonly RouteOptions[]
  }
}

/** Collects the routes that are registered after it. */
export function installOpenApi(app: App): void {
  const described: RouteOptions[] = []
  app.decorate('describedRoutes', described)
  app.addHook('onRoute', (route) => {
    if (route.schema?.hide !== true) described.push(route)
  })
}

/** By an app that answers nobody: what writes such documents is slow to load, and is when somebody asks for one. */
async function describe(routes: readonly RouteOptions[]): Promise<object> {
  const { default: swagger } = await import('@fastify/swagger')
  const app = fastify({ exposeHeadRoutes: false })
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Weft',
        version: '1',
        description:
          'The management API. The data plane, `/fabrics/{fabricId}/…`, mirrors the workspace. ' +
          'With a session, calls that change state also need the header `x-weft-csrf: 1`.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' }
      },
      servers: [{ url: '/' }],
      tags,
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: '__Host-weft_session' },
          serviceKey: { type: 'http', scheme: 'bearer' }
        }
      }
    },
    transform: ({ schema, url, route }) => {
      const { operation, access } = route.config ?? {}
      assert.ok(operation && access, 'boot lets no such route pass')
      const operationId = schema?.operationId ?? camelCase(operation)
      return { schema: { ...schema, operationId, security: securityOf[access] }, url }
    }
  })
  for (const { method, url, schema, config } of routes) {
    app.route({
      method,
      url,
      ...(schema && { schema }),
      ...(config && { config }),
      handler: nobody
    })
  }
  await app.ready()
  return app.swagger()
}

async function nobody(): Promise<void> {}

function camelCase(text: string): string {
  return text.replaceAll(/[._]([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

/** Each schema with a title becomes a component and a reference to it. */
function hoist(value: unknown, components: Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => hoist(item, components))
  if (!isObject(value)) return value
  const copy = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, hoist(member, components)])
  )
  const { title } = copy
  if (typeof title !== 'string' || !('type' in copy)) return copy
  const { title: _title, ...schema } = copy
  const known = components[title]
  assert.ok(known === undefined || isDeepStrictEqual(known, schema), `two schemas named ${title}`)
  components[title] = schema
  return { $ref: `#/components/schemas/${title}` }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** The OpenAPI 3.1 document of an app that is ready. */
export async function openApiOf({
  describedRoutes
}: Pick<App, 'describedRoutes'>): Promise<Record<string, unknown>> {
  const document: unknown = structuredClone(await describe(describedRoutes))
  assert.ok(isObject(document) && isObject(document.paths) && isObject(document.components))
  const schemas: Record<string, unknown> = {}
  const paths = hoist(document.paths, schemas)
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)))
  return { ...document, paths, components: { ...document.components, schemas: sorted } }
}

export function openApiRoute(app: App): void {
  let document: Promise<Record<string, unknown>> | undefined
  app.get(
    '/api/v1/openapi.json',
    {
      config: { access: 'public', operation: 'openapi.get' },
      schema: {
        tags: ['document'],
        summary: 'This document',
        response: answers({ 200: Type.Object({}, { additionalProperties: true }) })
      }
    },
    async () => {
      document ??= openApiOf(app)
      return await document
    }
  )
}
