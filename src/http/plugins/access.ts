import assert from 'node:assert/strict'
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { AppError } from '../../base/errors.ts'
import type { Operation } from '../../base/operations.ts'
import { inSpan } from '../../base/trace.ts'
import type { Caller, Credentials, Identity } from '../../identity/identity.ts'
import { localPath } from '../public-url.ts'
import { type App, type RouteFact, Strict } from '../route.ts'
import { cookieOf, sessionCookie } from '../session-cookie.ts'
import { refuseForeignSite } from './csrf.ts'

/** What the room decides that knows the team of the thing. */
const teamBound: ReadonlySet<Operation> = new Set([
  'connection.get',
  'connection.delete',
  'connection.put_token',
  'endpoint.discover',
  'endpoint.query',
  'fabric.get',
  'fabric.create',
  'fabric.update',
  'fabric.delete',
  'fabric.complete',
  'fabric.transfer',
  'fabric.test',
  'fabric.sign_in',
  'federation_policy.get',
  'federation_policy.register',
  'service_principal.add_secret',
  'service_principal.delete_secret',
  'sign_in_attempt.get',
  'sign_in_attempt.finish'
])

/**
 * Default deny. Boot refuses a route that does not say who may call it, for what, and how it answers; a
 * request is let in by the route that matched it and by nothing else.
 */
export function installAccess(app: App, identity: Identity): void {
  const table: RouteFact[] = []
  app.decorate('routeTable', table)
  app.decorateRequest('caller', null)
  app.decorateRequest('scope', {
    getter(this: FastifyRequest) {
      assert.ok(this.caller, 'a route that is public has no scope')
      return this.caller.scope
    }
  })
  app.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) table.push(factOf(route, method))
  })
  app.addHook('onRequest', async (request, reply) => {
    const { access, operation, leadsToLogin } = request.routeOptions.config
    if (request.is404 || access === 'public') {
      if (!request.is404) refuseForeignSite(request, sessionOf(request))
      return undefined
    }
    assert.ok(access && operation, 'boot lets no such route pass')
    const entry = inSpan(request.line.span, 'authentication', () =>
      identity.authenticate(credentialsOf(request))
    )
    const leadOn = (err: unknown) => toLogin(request, reply, err)
    const caller = await (leadsToLogin === true ? entry.catch(leadOn) : entry)
    if (caller === null) return reply
    request.caller = caller
    if (caller.via === 'session') refuseForeignSite(request, sessionOf(request))
    const isPerson = caller.via === 'session' && caller.sessionId !== null
    if (access === 'session' && !isPerson) {
      throw new AppError('forbidden', { detail: 'Only a person in a browser can do this' })
    }
    refuseBeyond(caller, operation)
    return undefined
  })
}

function toLogin(request: FastifyRequest, reply: FastifyReply, err: unknown): null {
  if (!(err instanceof AppError) || err.code !== 'unauthenticated') throw err
  const { publicUrl, raw } = request
  const here = localPath(publicUrl.pathOf(raw.url ?? '/'), publicUrl)
  const back = encodeURIComponent(here ?? publicUrl.pathOf('/'))
  reply.redirect(publicUrl.pathOf(`/auth/login?return_to=${back}`), 302)
  return null
}

/** @throws AppError `forbidden`: nowhere in the tenant may the caller do this */
function refuseBeyond({ via, scope }: Caller, operation: Operation): void {
  const isToken = via === 'personal_token'
  // A token that only reads still finds out what there is; the gateway tells one path from another.
  const isDecidedByToken = isToken && operation !== 'endpoint.query'
  const isDecidedHere = !teamBound.has(operation) || via === 'scim_token' || isDecidedByToken
  if (!isDecidedHere || scope.authority.may(operation)) return
  throw new AppError('forbidden', isToken ? { detail: 'Your token does not reach this' } : {})
}

function factOf(route: RouteOptions, method: string): RouteFact {
  const name = `${method} ${route.url}`
  const { access, operation, surface = 'api' } = route.config ?? {}
  assert.ok(access, `${name} does not say who may call it`)
  assert.ok(operation, `${name} does not name its operation`)
  const { schema = {} } = route
  assert.ok(surface !== 'api' || schema.response, `${name} does not declare its answers`)
  if (surface === 'api') {
    schema.querystring ??= Strict({})
    route.schema = schema
  }
  const isOnFabricHost = route.constraints !== undefined && 'fabricHost' in route.constraints
  return { method, url: route.url, access, operation, surface, isOnFabricHost }
}

/** A session is the public host's own. */
function sessionOf(request: FastifyRequest): string | null {
  if (request.fabricHost) return null
  return cookieOf(request, sessionCookie)
}

const bearerPattern = /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i

/** What the request presents. Where there is an `Authorization`, it alone counts. */
export function credentialsOf(request: FastifyRequest): Credentials {
  const { authorization } = request.headers
  const { ip: source, id: requestId } = request
  if (authorization === undefined) {
    return { sessionToken: sessionOf(request), bearer: null, source, requestId }
  }
  const bearer = bearerPattern.exec(authorization)?.[1] ?? null
  return { sessionToken: null, bearer, source, requestId }
}
