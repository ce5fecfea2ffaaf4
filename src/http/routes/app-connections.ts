import type { AppConnections } from '../../app-connections/app-connections.ts'
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
import {
  AppConnection,
  AppConnectionBody,
  AppConnectionPatchBody,
  AppConnectionSetup,
  AppConnectionUsage,
  appConnectionPatch,
  Capability,
  newAppConnection,
  RemovalQuery,
  Verification,
  VerifyBody
} from '../schemas/app-connection.ts'
import { clientSecretInput, NewClientSecret } from '../schemas/client-secret.ts'
import { type AnswerSteps, stepsAnswer, stepsDescription } from '../step-answers.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/app-connections'
const params = Strict({ appConnectionId: IdOfKind('appConnection') })
const tags = ['app connections']

export function appConnectionRoutes(
  app: App,
  deps: { appConnections: AppConnections; once: CreateOnce; answerSteps: AnswerSteps }
): void {
  const { appConnections, once, answerSteps } = deps
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'app_connection.list' },
      schema: {
        tags,
        summary: 'List app connections',
        querystring: PageQuery,
        response: answers({ 200: PageOf(AppConnection) })
      }
    },
    (request) => appConnections.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'app_connection.create' },
      schema: {
        tags,
        summary: 'Create an app connection',
        headers: createHeaders,
        body: AppConnectionBody,
        response: answers({ 201: AppConnection })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      const create = () => appConnections.create(scope, newAppConnection(body))
      reply.code(201)
      return withEtag(reply, await once(request, create))
    }
  )

  app.get(
    `${path}/:appConnectionId`,
    {
      config: { access: 'caller', operation: 'app_connection.get' },
      schema: {
        tags,
        summary: 'Read an app connection',
        params,
        response: answers({ 200: AppConnection })
      }
    },
    async (request, reply) => {
      const { appConnectionId } = request.params
      return withEtag(reply, await appConnections.get(request.scope, appConnectionId))
    }
  )

  app.patch(
    `${path}/:appConnectionId`,
    {
      config: { access: 'caller', operation: 'app_connection.update' },
      schema: {
        tags,
        summary: 'Update an app connection',
        params,
        headers: updateHeaders,
        body: AppConnectionPatchBody,
        response: answers({ 200: AppConnection })
      }
    },
    async (request, reply) => {
      const { appConnectionId } = request.params
      const patch = appConnectionPatch(request.body, versionOf(request, request.body))
      return withEtag(reply, await appConnections.update(request.scope, appConnectionId, patch))
    }
  )

  app.delete(
    `${path}/:appConnectionId`,
    {
      config: { access: 'caller', operation: 'app_connection.delete' },
      schema: {
        tags,
        summary: 'Delete an app connection',
        description: '409 tells what would end; `endSignIns=true` agrees to that.',
        params,
        querystring: RemovalQuery,
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      const { scope, params, query } = request
      const endSignIns = query.endSignIns === 'true'
      await appConnections.remove(scope, params.appConnectionId, { endSignIns })
      return reply.code(204).send()
    }
  )

  app.post(
    `${path}/:appConnectionId/client-secrets`,
    {
      config: { access: 'caller', operation: 'app_connection.add_secret' },
      schema: {
        tags,
        summary: 'Add a client secret',
        description: 'It becomes the current one; the one before it is tried next until deleted.',
        params,
        headers: createHeaders,
        body: NewClientSecret,
        response: answers({ 201: AppConnection })
      }
    },
    async (request, reply) => {
      const { scope } = request
      const { appConnectionId } = request.params
      const secret = clientSecretInput(request.body)
      const add = () => appConnections.addSecret(scope, appConnectionId, secret)
      reply.code(201)
      return withEtag(reply, await once(request, add))
    }
  )

  app.delete(
    `${path}/:appConnectionId/client-secrets/:clientSecretId`,
    {
      config: { access: 'caller', operation: 'app_connection.delete_secret' },
      schema: {
        tags,
        summary: 'Delete a client secret',
        params: Strict({ ...params.properties, clientSecretId: IdOfKind('clientSecret') }),
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      const { appConnectionId, clientSecretId } = request.params
      await appConnections.removeSecret(request.scope, appConnectionId, clientSecretId)
      return reply.code(204).send()
    }
  )

  app.get(
    `${path}/:appConnectionId/setup`,
    {
      config: { access: 'caller', operation: 'app_connection.get' },
      schema: {
        tags,
        summary: 'What to do at the provider, cloud by cloud',
        operationId: 'appConnectionSetup',
        params,
        response: answers({ 200: AppConnectionSetup })
      }
    },
    (request) => appConnections.setup(request.scope, request.params.appConnectionId)
  )

  app.get(
    `${path}/:appConnectionId/usage`,
    {
      config: { access: 'caller', operation: 'app_connection.get' },
      schema: {
        tags,
        summary: 'Who uses it, and what follows if it is disabled or deleted',
        operationId: 'appConnectionUsage',
        params,
        response: answers({ 200: AppConnectionUsage })
      }
    },
    (request) => appConnections.usage(request.scope, request.params.appConnectionId)
  )

  app.post(
    `${path}/:appConnectionId/verify`,
    {
      config: { access: 'caller', operation: 'app_connection.verify' },
      schema: {
        tags,
        summary: 'Ask a workspace what it makes of the app connection',
        description: stepsDescription,
        operationId: 'appConnectionVerify',
        params,
        body: VerifyBody,
        response: { ...answers({}), ...stepsAnswer(Verification) }
      }
    },
    (request, reply) => {
      const { scope, params, body } = request
      return answerSteps(request, reply, (onStep, signal) =>
        appConnections.verify(scope, params.appConnectionId, body ?? {}, onStep, signal)
      )
    }
  )

  app.get(
    '/api/v1/capabilities',
    {
      config: { access: 'caller', operation: 'capability.list' },
      schema: {
        tags,
        summary: 'What can be set up now, by provider and auth method',
        response: answers({ 200: PageOf(Capability) })
      }
    },
    async (request) => ({
      items: await appConnections.capabilities(request.scope),
      nextCursor: null
    })
  )
}
