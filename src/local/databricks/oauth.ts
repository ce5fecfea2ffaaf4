/**
 * The OAuth side of a workspace: oidc-provider, with what Databricks does otherwise laid around it.
 * Owns: the provider's configuration. May touch: the registry, the faults, the issued tokens.
 * Never: answers an API call.
 */
import { randomBytes } from 'node:crypto'
import {
  type AdapterPayload,
  type Configuration,
  errors,
  interactionPolicy,
  Provider
} from 'oidc-provider'
import type { Clock } from '../../base/clock.ts'
import type { FaultBoard } from '../simulation/faults.ts'
import type { SigningKey } from '../simulation/signing-key.ts'
import { createTokenStore, type TokenStore } from '../simulation/token-store.ts'
import { grantedDetails } from './data-plane-tokens.ts'
import type { IssuedTokens } from './issued-tokens.ts'
import type { Registry } from './registry.ts'

export interface OAuthDeps {
  readonly origin: string
  readonly port: number
  readonly accountId: string
  readonly registry: Registry
  readonly faults: FaultBoard
  readonly issued: IssuedTokens
  readonly key: SigningKey
  readonly clock: Clock
  readonly stateFile: string | undefined
}

const identityScopes = ['openid', 'email', 'profile', 'offline_access']

export interface OAuth {
  readonly provider: Provider
  readonly store: TokenStore
}

export function createOAuth(deps: OAuthDeps): OAuth {
  const { origin, registry, faults, issued } = deps
  const store = createTokenStore({
    clock: deps.clock,
    file: deps.stateFile,
    canRevoke: () => faults.current.revokeFamilyOnReuse,
    onRevoke: (grantId) => issued.killFamily(grantId),
    findClient: (clientId) => clientMetadata(registry, clientId)
  })
  const provider = new Provider(`${origin}/oidc`, {
    ...configuration(deps),
    adapter: store.adapter
  })
  provider.on('access_token.issued', ({ jti, grantId }) => issued.add(jti, grantId ?? null))
  provider.on('client_credentials.issued', ({ jti }) => issued.add(jti, null))
  const generateTokenId = () => `doau${randomBytes(16).toString('hex')}`
  Object.assign(provider.RefreshToken.prototype, { generateTokenId })
  provider.Client.prototype.compareClientSecret = function (secret: string) {
    return secretsOf(registry, this.clientId).includes(secret)
  }
  return { provider, store }
}

function configuration(deps: OAuthDeps): Configuration {
  const { origin, port, registry, faults } = deps
  return {
    jwks: { keys: [deps.key.jwk] },
    clients: [],
    cookies: {
      keys: [randomBytes(24).toString('base64url')],
      names: {
        session: `dbsession_${port}`,
        interaction: `dbinteraction_${port}`,
        resume: `dbresume_${port}`
      }
    },
    routes: { authorization: '/v1/authorize', token: '/v1/token', jwks: '/jwks.json' },
    scopes: identityScopes,
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'given_name', 'family_name', 'preferred_username']
    },
    responseTypes: ['code'],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    pkce: { required: () => true },
    formats: {
      customizers: {
        jwt(ctx, token, jwt) {
          const isMachine = token.kind === 'ClientCredentials'
          const text = isMachine ? ctx.oidc.body?.authorization_details : undefined
          const details = typeof text === 'string' ? grantedDetails(text) : undefined
          if (details && jwt.payload) jwt.payload.authorization_details = details
        }
      }
    },
    rotateRefreshToken: () => faults.current.rotateRefreshTokens,
    revokeGrantPolicy: () => faults.current.revokeFamilyOnReuse,
    ttl: {
      AccessToken: () => faults.current.accessTokenTtlSeconds,
      ClientCredentials: () => faults.current.accessTokenTtlSeconds,
      RefreshToken: () => faults.current.refreshTokenTtlSeconds,
      AuthorizationCode: 60,
      IdToken: 3600,
      Interaction: 3600,
      Session: 14 * 24 * 3600,
      Grant: 90 * 24 * 3600
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => origin,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, _resource, client) => ({
          scope: grantableScopes(registry, client.clientId).join(' '),
          audience: origin,
          accessTokenFormat: 'jwt',
          accessTokenTTL: faults.current.accessTokenTtlSeconds,
          jwt: { sign: { alg: 'RS256' } }
        })
      }
    },
    interactions: { url: (_ctx, { uid }) => `/oidc/interaction/${uid}`, policy: askEachTime() },
    findAccount: (_ctx, accountId) => {
      const identity = registry.identity(accountId)
      if (!identity) return undefined
      const [given, ...family] = identity.displayName.split(' ')
      const claims = {
        sub: accountId,
        email: accountId,
        email_verified: true,
        name: identity.displayName,
        given_name: given,
        family_name: family.join(' '),
        preferred_username: accountId
      }
      return { accountId, claims: () => claims }
    },
    renderError: (ctx, out, error) => {
      ctx.body = browserError(out, error, deps.accountId, ctx.oidc?.params ?? {})
    }
  }
}

/** Databricks never redirects a fault of client or redirect URI; the browser shows this JSON. */
function browserError(
  out: { error: string; error_description?: string | undefined },
  error: Error,
  accountId: string,
  params: Record<string, unknown>
) {
  if (error instanceof errors.InvalidRedirectUri) {
    const description = `redirect_uri '${params.redirect_uri}' not registered for OAuth application '${params.client_id}'`
    return { error: 'invalid_request', error_description: description }
  }
  if (error instanceof errors.InvalidClient) {
    const description = `OAuth application with client_id: '${params.client_id}' not available in Databricks account '${accountId}'.`
    return { error: 'invalid_request', error_description: description }
  }
  return { error: out.error, error_description: out.error_description }
}

/** A sign-in page without a session, then consent at every request, so that each sign-in is a family. */
function askEachTime(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base()
  const consent = new interactionPolicy.Prompt(
    { name: 'consent', requestable: true },
    new interactionPolicy.Check('always', 'consent is asked each time', (ctx) =>
      ctx.oidc.result && 'consent' in ctx.oidc.result
        ? interactionPolicy.Check.NO_NEED_TO_PROMPT
        : interactionPolicy.Check.REQUEST_PROMPT
    )
  )
  policy.remove('consent')
  policy.add(consent)
  return policy
}

/** Scopes that a client may have: what was registered, and for a service principal what its secret carries. */
export function grantableScopes(registry: Registry, clientId: string): readonly string[] {
  return (
    registry.app(clientId)?.scopes ?? registry.servicePrincipal(clientId)?.scopes ?? ['all-apis']
  )
}

function secretsOf(registry: Registry, clientId: string): string[] {
  const client = registry.app(clientId) ?? registry.servicePrincipal(clientId)
  if (!client) return []
  const { clientSecret, previousClientSecrets = [] } = client
  return [...(clientSecret === null ? [] : [clientSecret]), ...previousClientSecrets]
}

function clientMetadata(registry: Registry, clientId: string): AdapterPayload | undefined {
  const app = registry.app(clientId)
  if (app) {
    return {
      client_id: clientId,
      ...(app.clientSecret === null ? {} : { client_secret: app.clientSecret }),
      token_endpoint_auth_method: app.clientSecret === null ? 'none' : 'client_secret_basic',
      redirect_uris:
        app.redirectUrls.length > 0 ? [...app.redirectUrls] : ['http://localhost/none'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code']
    }
  }
  const principal = registry.servicePrincipal(clientId)
  if (!principal) return undefined
  return {
    client_id: clientId,
    client_secret: principal.clientSecret,
    token_endpoint_auth_method: 'client_secret_basic',
    redirect_uris: [],
    grant_types: ['client_credentials'],
    response_types: []
  }
}
