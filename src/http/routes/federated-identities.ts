import type { Identity } from '../../identity/identity.ts'
import type { CreateOnce } from '../plugins/idempotency.ts'
import {
  type App,
  answers,
  createHeaders,
  IdOfKind,
  Nothing,
  PageOf,
  Strict,
  updateHeaders
} from '../route.ts'
import {
  FederatedIdentity,
  FederatedIdentityBody,
  FederatedIdentityPatchBody,
  FederationTest,
  FederationTestBody
} from '../schemas/federated-identity.ts'
import { versionOf, withEtag } from '../version.ts'

const path = '/api/v1/service-accounts/:serviceAccountId/federated-identities'
const accountParams = Strict({ serviceAccountId: IdOfKind('serviceAccount') })
const params = Strict({
  serviceAccountId: IdOfKind('serviceAccount'),
  federatedIdentityId: IdOfKind('federatedIdentity')
})
const tags = ['service accounts']

interface Deps {
  readonly identity: Pick<Identity, 'federatedIdentities' | 'testFederation'>
  readonly once: CreateOnce
}

export function federatedIdentityRoutes(app: App, { identity, once }: Deps): void {
  const { federatedIdentities, testFederation } = identity

  app.get(
    path,
    {
      config: { access: 'caller', operation: 'federated_identity.list' },
      schema: {
        tags,
        summary: 'List whose assertions a service account is believed by',
        params: accountParams,
        response: answers({ 200: PageOf(FederatedIdentity) })
      }
    },
    async ({ scope, params: { serviceAccountId } }) => ({
      items: await federatedIdentities.list(scope, serviceAccountId),
      nextCursor: null
    })
  )

  app.post(
    path,
    {
      config: { access: 'caller', operation: 'federated_identity.create' },
      schema: {
        tags,
        summary: 'Believe an issuer’s assertions in place of a key',
        params: accountParams,
        headers: createHeaders,
        body: FederatedIdentityBody,
        response: answers({ 201: FederatedIdentity })
      }
    },
    async (request, reply) => {
      const { scope, params, body } = request
      const absent = { subject: null, claims: {}, jwksUri: null, jwks: null, maxAgeSeconds: null }
      const input = { ...absent, oneUse: false, ...body }
      reply.code(201)
      const create = () => federatedIdentities.create(scope, params.serviceAccountId, input)
      return withEtag(reply, await once(request, create))
    }
  )

  app.get(
    `${path}/:federatedIdentityId`,
    {
      config: { access: 'caller', operation: 'federated_identity.get' },
      schema: {
        tags,
        summary: 'Read a federated identity',
        params,
        response: answers({ 200: FederatedIdentity })
      }
    },
    async (request, reply) => {
      const { serviceAccountId, federatedIdentityId } = request.params
      const { scope } = request
      const found = await federatedIdentities.get(scope, serviceAccountId, federatedIdentityId)
      return withEtag(reply, found)
    }
  )

  app.patch(
    `${path}/:federatedIdentityId`,
    {
      config: { access: 'caller', operation: 'federated_identity.update' },
      schema: {
        tags,
        summary: 'Change a federated identity; its tokens end',
        params,
        headers: updateHeaders,
        body: FederatedIdentityPatchBody,
        response: answers({ 200: FederatedIdentity })
      }
    },
    async (request, reply) => {
      const { scope, body } = request
      const { serviceAccountId, federatedIdentityId: id } = request.params
      const patch = { ...body, version: versionOf(request, body) }
      return withEtag(reply, await federatedIdentities.update(scope, serviceAccountId, id, patch))
    }
  )

  app.delete(
    `${path}/:federatedIdentityId`,
    {
      config: { access: 'caller', operation: 'federated_identity.delete' },
      schema: {
        tags,
        summary: 'Delete a federated identity; its tokens end',
        params,
        response: answers({ 204: Nothing })
      }
    },
    async (request, reply) => {
      const { serviceAccountId, federatedIdentityId } = request.params
      await federatedIdentities.remove(request.scope, serviceAccountId, federatedIdentityId)
      return reply.code(204).send()
    }
  )

  app.post(
    `${path}/test`,
    {
      config: { access: 'caller', operation: 'federated_identity.test' },
      schema: {
        tags,
        summary: 'Say claim by claim why a JWT would get a token, or would not',
        params: accountParams,
        body: FederationTestBody,
        response: answers({ 200: FederationTest })
      }
    },
    ({ scope, params, body: { jwt, subjectTokenType: type = 'jwt' } }) =>
      testFederation(scope, params.serviceAccountId, { jwt, type })
  )
}
