import assert from 'node:assert/strict'
import type { FastifyRequest } from 'fastify'
import type { SessionId } from '../../base/ids.ts'
import type { Fabrics } from '../../fabrics/fabrics.ts'
import { textPage } from '../pages/document.ts'
import { localPath, type PublicUrl } from '../public-url.ts'
import { queryOf, queryValue } from '../raw-query.ts'
import { type App, answers, IdOfKind, Nothing, Strict } from '../route.ts'
import { Connection, SignInAttempt, SignInBody, SignInStarted } from '../schemas/fabric.ts'

const fabricParams = Strict({ fabricId: IdOfKind('fabric') })
const tags = ['sign-in']

function sessionOf({ caller }: FastifyRequest): SessionId {
  assert.ok(caller?.sessionId, 'access is session')
  return caller.sessionId
}

export function signInRoutes(
  app: App,
  { fabrics, publicUrl }: { fabrics: Fabrics; publicUrl: PublicUrl }
): void {
  app.post(
    '/api/v1/fabrics/:fabricId/sign-in',
    {
      config: { access: 'session', operation: 'fabric.sign_in' },
      schema: {
        tags,
        summary: 'Begin a sign-in at the workspace of a fabric',
        params: fabricParams,
        body: SignInBody,
        response: answers({ 200: SignInStarted })
      }
    },
    (request) => {
      const returnTo = localPath(request.body?.returnTo ?? null, publicUrl)
      const input = { sessionId: sessionOf(request), returnTo }
      return fabrics.startSignIn(request.scope, request.params.fabricId, input)
    }
  )

  app.get(
    '/api/v1/sign-in-attempts/:signInAttemptId',
    {
      config: { access: 'session', operation: 'sign_in_attempt.get' },
      schema: {
        tags,
        summary: 'How a sign-in went',
        params: Strict({ signInAttemptId: IdOfKind('signInAttempt') }),
        response: answers({ 200: SignInAttempt })
      }
    },
    (request) => fabrics.signInAttempt(request.scope, request.params.signInAttemptId)
  )

  app.get(
    '/api/v1/fabrics/:fabricId/connection',
    {
      config: { access: 'caller', operation: 'connection.get' },
      schema: {
        tags,
        summary: "State of one's own connection to the workspace of a fabric",
        params: fabricParams,
        response: answers({ 200: Connection })
      }
    },
    (request) => fabrics.connection(request.scope, request.params.fabricId)
  )

  app.delete(
    '/api/v1/fabrics/:fabricId/connection',
    {
      config: { access: 'session', operation: 'connection.delete' },
      schema: {
        tags,
        summary: 'Sign out of the workspace of a fabric',
        params: fabricParams,
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await fabrics.signOut(request.scope, request.params.fabricId)
      return reply.code(204).send()
    }
  )

  app.get(
    '/sign-in/:fabricId',
    {
      config: {
        access: 'session',
        operation: 'fabric.sign_in',
        surface: 'page',
        leadsToLogin: true
      },
      schema: { hide: true, params: fabricParams }
    },
    async (request, reply) => {
      const returnTo = localPath(queryValue(request, 'return_to'), publicUrl)
      const input = { sessionId: sessionOf(request), returnTo }
      const started = await fabrics.startSignIn(request.scope, request.params.fabricId, input)
      return reply.redirect(started.authorizationUrl, 302)
    }
  )

  app.get(
    '/oauth/callback/:appConnectionId',
    {
      config: { access: 'session', operation: 'sign_in_attempt.finish', surface: 'page' },
      schema: { hide: true, params: Strict({ appConnectionId: IdOfKind('appConnection') }) }
    },
    async (request, reply) => {
      const { returnTo } = await fabrics.finishSignIn(request.scope, {
        appConnectionId: request.params.appConnectionId,
        query: queryOf(request),
        sessionId: sessionOf(request)
      })
      const path = localPath(returnTo, publicUrl)
      if (path !== null) return reply.redirect(path, 303)
      const link = { href: publicUrl.pathOf('/console'), text: 'Go to the console' }
      reply.type('text/html; charset=utf-8')
      return textPage(publicUrl, 'Signed in', ['You can close this window.'], link)
    }
  )
}
