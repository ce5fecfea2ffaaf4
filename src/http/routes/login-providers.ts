import type { LoginProviders } from '../../identity/identity.ts'
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
  LoginProvider,
  LoginProviderBody,
  LoginProviderCheck,
  LoginProviderPatchBody,
  loginProviderPatch,
  newLoginProvider
} from '../schemas/login-provider.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/login-providers'
const params = Strict({ loginProviderId: IdOfKind('loginProvider') })
const tags = ['login providers']

export function loginProviderRoutes(
  app: App,
  { loginProviders, once }: { loginProviders: LoginProviders; once: CreateOnce }
): void {
  app.get(
    path,
    {
      config: { access: 'caller', operation: 'login_provider.list' },
      schema: {
        tags,
        summary: 'List login providers',
        querystring: PageQuery,
        response: answers({ 200: PageOf(LoginProvider) })
      }
    },
    (request) => loginProviders.list(request.scope, pageOf(request.query))
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'login_provider.create' },
      schema: {
        tags,
        summary: 'Create a login provider',
        headers: createHeaders,
        body: LoginProviderBody,
        response: answers({ 201: LoginProvider })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      const create = () => loginProviders.create(scope, newLoginProvider(body))
      reply.code(201)
      return withEtag(reply, await once(request, create))
    }
  )

  app.get(
    `${path}/:loginProviderId`,
    {
      config: { access: 'caller', operation: 'login_provider.get' },
      schema: {
        tags,
        summary: 'Read a login provider',
        params,
        response: answers({ 200: LoginProvider })
      }
    },
    async (request, reply) => {
      const { loginProviderId } = request.params
      return withEtag(reply, await loginProviders.get(request.scope, loginProviderId))
    }
  )

  app.patch(
    `${path}/:loginProviderId`,
    {
      config: { access: 'caller', operation: 'login_provider.update' },
      schema: {
        tags,
        summary: 'Update a login provider',
        description:
          '409 where no admin could log in any more. Another issuer needs the client secret anew.',
        params,
        headers: updateHeaders,
        body: LoginProviderPatchBody,
        response: answers({ 200: LoginProvider })
      }
    },
    async (request, reply) => {
      const { loginProviderId } = request.params
      const patch = loginProviderPatch(request.body, versionOf(request, request.body))
      return withEtag(reply, await loginProviders.update(request.scope, loginProviderId, patch))
    }
  )

  app.delete(
    `${path}/:loginProviderId`,
    {
      config: { access: 'caller', operation: 'login_provider.delete' },
      schema: {
        tags,
        summary: 'Delete a login provider',
        description: '409 where no admin could log in any more.',
        params,
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      await loginProviders.remove(request.scope, request.params.loginProviderId)
      return reply.code(204).send()
    }
  )

  app.post(
    `${path}/:loginProviderId/verify`,
    {
      config: { access: 'caller', operation: 'login_provider.verify' },
      schema: {
        tags,
        summary: 'Ask the identity provider for its metadata and keys',
        params,
        response: answers({ 200: LoginProviderCheck })
      }
    },
    (request) => loginProviders.verify(request.scope, request.params.loginProviderId)
  )
}
