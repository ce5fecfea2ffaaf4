import type { FastifyRequest } from 'fastify'
import type { Static } from 'typebox'
import type { Identity } from '../../identity/identity.ts'
import { clientOf, parseForm } from '../client-credentials.ts'
import { OAuthProblem, sendOAuthProblem } from '../oauth-problem.ts'
import type { ProblemWriter } from '../plugins/problem.ts'
import type { PublicUrl } from '../public-url.ts'
import { type App, answers } from '../route.ts'
import { JwkSet, OAuthError, ServerMetadata, TokenAnswer, TokenForm } from '../schemas/oauth.ts'
import { type Form, placeOf, scope, targetOf } from '../token-request.ts'

const tags = ['tokens']
const grantType = 'client_credentials'
const maxFormBytes = 16_384

/** What Weft's authorization server can do, wherever it is asked. */
export const capabilities = {
  scopes_supported: [scope],
  response_types_supported: [],
  grant_types_supported: [grantType],
  token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post']
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
    '/oauth2/jwks',
    {
      config: { access: 'public', operation: 'oauth_metadata.get' },
      schema: {
        tags,
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
          summary: 'A short-lived token for a service account and one of its keys',
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
 * RFC 6749 §4.4. A token got at a fabric's address is good for that fabric alone; one got at its host is for a
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
  if (form.grant_type !== grantType) {
    throw new OAuthProblem('unsupported_grant_type', `Only ${grantType} is served`)
  }
  const place = placeOf(request, publicUrl)
  const target = targetOf(form, place, publicUrl)
  const { id, secret } = clientOf(request.headers.authorization, form)
  const { accessToken, expiresInSeconds } = await identity.serviceTokens.issue({
    serviceAccountId: id,
    serviceKey: secret,
    tenantSlug: place.tenantSlug,
    target,
    source: request.ip,
    requestId: request.id
  })
  return { access_token: accessToken, token_type: 'Bearer', expires_in: expiresInSeconds, scope }
}
