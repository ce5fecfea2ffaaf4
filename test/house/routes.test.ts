import fastify, { type RouteShorthandOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operations } from '../../src/base/operations.ts'
import { openApiOf } from '../../src/http/openapi.ts'
import { installAccess } from '../../src/http/plugins/access.ts'
import type { App, RouteFact } from '../../src/http/route.ts'
import { auditText } from './audit-table.ts'
import { authorizationText } from './authorization-table.ts'
import { buildReadableApp, openApiText, unasked } from './readable-app.ts'
import { type Fault, readText } from './source.ts'

/** Every route that answers a stranger. */
const publicRoutes = [
  'GET /',
  'GET /.well-known/oauth-authorization-server',
  'GET /.well-known/openid-configuration',
  'GET /api/v1/openapi.json',
  'GET /auth/callback/:loginProviderId',
  'GET /auth/login',
  'GET /console',
  'GET /console/*',
  'GET /fabrics/:fabricId/.well-known/databricks-config',
  'GET /fabrics/:fabricId/oidc/.well-known/oauth-authorization-server',
  'GET /fabrics/:fabricId/oidc/.well-known/openid-configuration',
  'GET /fabrics/:fabricId/oidc/jwks.json',
  'GET /healthz',
  'GET /invitations/:token',
  'GET /oauth2/jwks',
  'GET /problems/:code',
  'GET /problems/page.css',
  'GET /readyz',
  'GET /sign-in/sign-in.js',
  'GET {fabric host}/.well-known/databricks-config',
  'GET {fabric host}/oidc/.well-known/oauth-authorization-server',
  'GET {fabric host}/oidc/.well-known/openid-configuration',
  'GET {fabric host}/oidc/jwks.json',
  'HEAD /console',
  'HEAD /console/*',
  'POST /auth/backchannel-logout/:loginProviderId',
  'POST /auth/logout',
  'POST /fabrics/:fabricId/oidc/v1/token',
  'POST /oauth2/token',
  'POST {fabric host}/oidc/v1/token'
]

function nameOf({ method, url, isOnFabricHost }: RouteFact): string {
  return `${method} ${isOnFabricHost ? '{fabric host}' : ''}${url}`
}

type Answers = Readonly<Record<string, { readonly content?: Record<string, { schema?: object }> }>>

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** What the document says of a route's answers. */
function answersOf(document: Record<string, unknown>, { method, url }: RouteFact): Answers | null {
  const { paths } = document
  const path = isObject(paths) ? paths[url.replaceAll(/:(\w+)/g, '{$1}')] : null
  const operation = isObject(path) ? path[method.toLowerCase()] : null
  return isObject(operation) && isObject(operation.responses)
    ? (operation.responses as Answers)
    : null
}

/** Routes of the API whose document leaves an answer open. */
function answerFaults(document: Record<string, unknown>, table: readonly RouteFact[]): Fault[] {
  return table
    .filter(({ surface }) => surface === 'api')
    .flatMap((route) => {
      const name = `${route.method} ${route.url}`
      const answers = Object.entries(answersOf(document, route) ?? {})
      const statuses = answers.map(([status]) => status.toUpperCase())
      const bare = answers.filter(
        ([status, { content }]) =>
          status !== '204' && !Object.values(content ?? {}).some(({ schema }) => schema)
      )
      return [
        ...(statuses.some((status) => /^[23]/.test(status)) ? [] : [`${name} never succeeds`]),
        ...(['4XX', '5XX'].every((status) => statuses.includes(status))
          ? []
          : [`${name} does not say how it fails`]),
        ...bare.map(([status]) => `${name} ${status} has no schema`)
      ]
    })
}

let app: App

beforeAll(async () => {
  app = await buildReadableApp()
})

afterAll(() => app?.close())

describe('the routes as they stand', () => {
  test('every route says who may call it and for what', () => {
    expect(app.routeTable.length).toBeGreaterThan(20)
    for (const { access, operation } of app.routeTable) {
      expect(['public', 'session', 'caller']).toContain(access)
      expect(operations).toContain(operation)
    }
  })

  test('J7 the routes that answer a stranger are these and no more', () => {
    const open = app.routeTable.filter(({ access }) => access === 'public')
    expect(open.map(nameOf).sort()).toEqual(publicRoutes)
  })

  test('J7 a fabric host has the data plane and its login, and nothing else', () => {
    const there = app.routeTable.filter(({ isOnFabricHost }) => isOnFabricHost)
    const closed = there.filter(({ access }) => access !== 'public')
    expect(new Set(closed.map(({ url }) => url))).toEqual(new Set(['/*']))
    expect(new Set(there.map(({ surface }) => surface))).toEqual(new Set(['data']))
  })

  test('every route of the API declares how it succeeds and how it fails', async () => {
    expect(answerFaults(await openApiOf(app), app.routeTable)).toEqual([])
  })

  test('docs/openapi.json is what the routes say (`npm run openapi` writes it)', async () => {
    expect(readText('docs/openapi.json')).toBe(await openApiText(app))
  })

  test('docs/audit.md has the inventory as it is (`npm run openapi` prints it)', () => {
    const text = readText('docs/audit.md')
    expect(text).toBe(auditText(text))
  })

  test('docs/authorization.md is what the role table says (`npm run openapi` writes it)', () => {
    expect(readText('docs/authorization.md')).toBe(authorizationText(app.routeTable))
  })
})

describe('a planted fault is seen', () => {
  const access = 'caller'
  const operation = 'fabric.get'
  const response = { 200: { type: 'object', properties: {} } }

  test.each<[what: string, options: RouteShorthandOptions, message: string]>([
    ['no access', { config: { operation }, schema: { response } }, 'who may call it'],
    ['no operation', { config: { access }, schema: { response } }, 'its operation'],
    ['no config', { schema: { response } }, 'who may call it'],
    ['no answers', { config: { access, operation } }, 'its answers'],
    ['no answers, but a schema', { config: { access, operation }, schema: {} }, 'its answers']
  ])('boot refuses a route with %s', async (_what, options, message) => {
    const bare: App = fastify()
    installAccess(bare, unasked())
    const boot = async () => {
      bare.get('/planted', options, async () => ({}))
      await bare.ready()
    }
    await expect(boot()).rejects.toThrow(message)
  })

  test('an answer without a schema, and a route that does not say how it fails', () => {
    const route: RouteFact = {
      method: 'GET',
      url: '/a/:id',
      access,
      operation,
      surface: 'api',
      isOnFabricHost: false
    }
    const document = (responses: object) => ({ paths: { '/a/{id}': { get: { responses } } } })
    const schema = { content: { 'application/json': { schema: {} } } }
    const whole = { 200: schema, '4XX': schema, '5XX': schema }
    expect(answerFaults(document(whole), [route])).toEqual([])
    expect(answerFaults(document({ ...whole, 200: {} }), [route])).toHaveLength(1)
    expect(answerFaults(document({ 200: schema }), [route])).toHaveLength(1)
    expect(answerFaults(document({ '4XX': schema, '5XX': schema }), [route])).toHaveLength(1)
    expect(answerFaults({ paths: {} }, [route])).toHaveLength(2)
  })
})
