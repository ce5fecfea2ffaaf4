import assert from 'node:assert/strict'
import type { FastifyRequest } from 'fastify'
import { AppError } from '../../base/errors.ts'
import type { SessionId } from '../../base/ids.ts'
import type { Fabrics } from '../../fabrics/fabrics.ts'
import { SignInFault } from '../../fabrics/sign-in-fault.ts'
import { signInPage, signInProblemPage } from '../pages/sign-in-page.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import { localPath } from '../public-url.ts'
import { queryOf, queryValue } from '../raw-query.ts'
import { type App, answers, IdOfKind, Nothing, Strict } from '../route.ts'
import { Connection, SignInAttempt, SignInBody, SignInStarted } from '../schemas/fabric.ts'

const fabricParams = Strict({ fabricId: IdOfKind('fabric') })
const tags = ['sign-in']
const html = 'text/html; charset=utf-8'

function sessionOf({ caller }: FastifyRequest): SessionId {
  assert.ok(caller?.sessionId, 'access is session')
  return caller.sessionId
}

export function signInRoutes(
  app: App,
  { fabrics, problems }: { fabrics: Fabrics; problems: ProblemWriter }
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
      const { publicUrl } = request
      const { returnTo = null, ...options } = request.body ?? {}
      const input = {
        ...options,
        sessionId: sessionOf(request),
        publicUrl: publicUrl.at(''),
        returnTo: localPath(returnTo, publicUrl)
      }
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
      const { publicUrl } = request
      const display = queryValue(request, 'display') === 'popup' ? 'popup' : 'page'
      const returnTo = localPath(queryValue(request, 'return_to'), publicUrl)
      const { fabricId } = request.params
      const place = { sessionId: sessionOf(request), publicUrl: publicUrl.at('') }
      const input = { ...place, returnTo, display } as const
      try {
        const started = await fabrics.startSignIn(request.scope, fabricId, input)
        return reply.redirect(started.authorizationUrl, 302)
      } catch (err) {
        const error = problems.note(request, err)
        // A fabric that takes tokens instead: there they are given.
        if (error.code === 'conflict' && error.actionUrl !== undefined) {
          return reply.redirect(publicUrl.pathOf(error.actionUrl), 302)
        }
        // Whoever does not see the fabric is told nothing of it.
        const known = error.code === 'not_found' ? undefined : fabricId
        reply.code(error.status).type(html)
        return reply.send(signInProblemPage(publicUrl, error, request.id, known))
      }
    }
  )

  app.get(
    '/oauth/callback/:appConnectionId',
    {
      config: { access: 'session', operation: 'sign_in_attempt.finish', surface: 'page' },
      schema: { hide: true, params: Strict({ appConnectionId: IdOfKind('appConnection') }) }
    },
    async (request, reply) => {
      const { publicUrl } = request
      const pathOf = (attemptId: string) => publicUrl.pathOf(`/sign-in/attempts/${attemptId}`)
      try {
        const attempt = await fabrics.finishSignIn(request.scope, {
          appConnectionId: request.params.appConnectionId,
          query: queryOf(request),
          sessionId: sessionOf(request)
        })
        const path = localPath(attempt.returnTo, publicUrl)
        const hasNothingToSay = attempt.display === 'page' && attempt.mismatch === null
        return reply.redirect(hasNothingToSay && path !== null ? path : pathOf(attempt.id), 303)
      } catch (err) {
        const error = problems.note(request, err)
        if (err instanceof SignInFault) return reply.redirect(pathOf(err.attemptId), 303)
        reply.code(error.status).type(html)
        return reply.send(signInProblemPage(publicUrl, error, request.id))
      }
    }
  )

  app.get(
    '/sign-in/attempts/:signInAttemptId',
    {
      config: { access: 'session', operation: 'sign_in_attempt.get', surface: 'page' },
      schema: { hide: true, params: Strict({ signInAttemptId: IdOfKind('signInAttempt') }) }
    },
    async (request, reply) => {
      const attempt = await fabrics.signInAttempt(request.scope, request.params.signInAttemptId)
      reply.code(attempt.code === null ? 200 : new AppError(attempt.code).status).type(html)
      return reply.send(signInPage(request.publicUrl, attempt))
    }
  )
}
