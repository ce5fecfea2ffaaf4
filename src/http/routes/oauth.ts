import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import type { Identity } from '../../identity/identity.ts'
import { clientOf, parseForm } from '../client-credentials.ts'
import { OAuthProblem, sendOAuthProblem } from '../oauth-problem.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import type { PublicUrl } from '../public-url.ts'
import { type App, answers } from '../route.ts'
import {
  IssuerMetadata,
  JwkSet,
  OAuthError,
  ServerMetadata,
  TokenAnswer,
  TokenForm
} from '../schemas/oauth.ts'
import { issuedTokenType, subjectOf } from '../subject-token.ts'
import { type Form, placeOf, scope, targetOf } from '../token-request.ts'

const tags = ['tokens']
const keyGrant = 'client_credentials'
const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const maxFormBytes = 16_384

/** What Weft's authorization server can do, wherever it is asked. */
export const capabilities = {
  scopes_supported: [scope],
  response_types_supported: [],
  grant_types_supported: [keyGrant, exchangeGrant],
  // None: a workload is known by its subject token.
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none']
}

/** Far less than the time for which a key is published before it signs. */
export const keysCacheControl = 'public, max-age=900'

interface Deps {
  readonly identity: Identity
  readonly problems: ProblemWriter
  readonly publicUrl: PublicUrl
}

/** Tokens for service accounts, from Weft under its own name. */
export async function oauthRoutes(app: App, deps: Deps): Promise<void> {
  const { publicUrl } = deps
  app.get(
    '/.well-known/oauth-authorization-server',
    {
      config: { access: 'public', operation: 'oauth_metadata.get' },
      schema: {
        tags,
        summary: 'Authorization server metadata (RFC 8414)',
        response: answers({ 200: ServerMetadata })
      }
    },
    () => ({
      issuer: publicUrl.at(''),
      token_endpoint: publicUrl.at('/oauth2/token'),
      jwks_uri: publicUrl.at('/oauth2/jwks'),
      ...capabilities
    })
  )

  app.get(
    '/.well-known/openid-configuration',
    {
      config: { access: 'public', operation: 'oauth_metadata.get' },
      schema: {
        tags,
        operationId: 'issuerMetadataGet',
        summary: 'Weft as the issuer of workload identities (OpenID Connect Discovery §3)',
        response: answers({ 200: IssuerMetadata })
      }
    },
    (_request, reply) => {
      reply.header('cache-control', keysCacheControl)
      return {
        issuer: publicUrl.at(''),
        jwks_uri: publicUrl.at('/oauth2/jwks'),
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
        claims_supported: ['iss', 'sub', 'aud', 'jti', 'iat', 'exp']
      }
    }
  )

  app.get(
    '/oauth2/jwks',
    {
      config: { access: 'public', operation: 'oauth_metadata.get' },
      schema: {
        tags,
        operationId: 'oauthKeySetGet',
        summary: 'The keys that check tokens of Weft (RFC 7517 §5)',
        response: answers({ 200: JwkSet })
      }
    },
    async (_request, reply) => {
      reply.header('cache-control', keysCacheControl)
      return await deps.identity.signingKeys.published()
    }
  )

  await app.register(async (inner: App) => {
    takeForms(inner, deps.problems)
    inner.post(
      '/oauth2/token',
      {
        config: { access: 'public', operation: 'service_token.issue' },
        schema: {
          tags,
          summary: 'A short-lived token for a service account, by a key or a federated identity',
          consumes: ['application/x-www-form-urlencoded'],
          body: TokenForm,
          response: { 200: TokenAnswer, '4xx': OAuthError, '5xx': OAuthError }
        }
      },
      (request) => issueToken(deps, request, request.body)
    )
  })
}

/** Makes an encapsulated app take forms and nothing else, and fail in OAuth's own words. */
export function takeForms(app: App, problems: ProblemWriter): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: maxFormBytes },
    async (_request: FastifyRequest, text: string) => parseForm(text)
  )
  app.setErrorHandler((err, request, reply) => sendOAuthProblem(problems, request, reply, err))
}

/**
 * RFC 6749 §4.4 and RFC 8693 §2. A token got at a fabric's address is good for that fabric alone; one got at its host is for a
 * service account of that host's tenant.
 */
export async function issueToken(
  { identity, publicUrl }: Pick<Deps, 'identity' | 'publicUrl'>,
  request: FastifyRequest,
  form: Form
): Promise<Static<typeof TokenAnswer>> {
  if (form.grant_type === undefined) {
    throw new OAuthProblem('invalid_request', 'grant_type is missing')
  }
  const isExchange = form.grant_type === exchangeGrant
  if (!isExchange && form.grant_type !== keyGrant) {
    throw new OAuthProblem('unsupported_grant_type', `Served: ${keyGrant}, ${exchangeGrant}`)
  }
  const place = placeOf(request, publicUrl)
  const target = targetOf(form, place, publicUrl)
  const { tenantSlug } = place
  const asked = { tenantSlug, target, source: request.ip, requestId: request.id }
  const { serviceTokens } = identity
  const { authorization } = request.headers
  const { accessToken, expiresInSeconds } = isExchange
    ? await serviceTokens.exchange({ ...asked, ...subjectOf(authorization, form) })
    : await serviceTokens.issue({ ...asked, ...clientOf(authorization, form) })
  return {
    access_token: accessToken,
    ...(isExchange && { issued_token_type: issuedTokenType }),
    token_type: 'Bearer',
    expires_in: expiresInSeconds,
    scope
  }
}
