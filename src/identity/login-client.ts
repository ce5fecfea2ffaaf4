import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  type CustomFetch,
  calculatePKCECodeChallenge,
  clockTolerance,
  customFetch,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  type ServerMetadata
} from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { parseJsonObject } from '../base/json-object.ts'
import { Secret } from '../base/secret.ts'
import { disclose } from '../crypto/bearer.ts'
import type { Outbound } from '../outbound/outbound.ts'
import {
  checkClaims,
  checkEntra,
  expectedIssuer,
  type GroupClaim,
  groupsOf,
  personOf,
  toleranceSeconds
} from './login-claims.ts'
import { isKeyFault, loginFault } from './login-faults.ts'
import {
  createLoginMetadata,
  isPlainHttp,
  type KnownProvider,
  loginHosts
} from './login-metadata.ts'
import type { LoginProviderCheck, LoginProviderKind } from './login-providers.ts'
import { verifyLoginProvider } from './login-verification.ts'
import { type LogoutClaims, readLogoutToken } from './logout-token.ts'
import type { Person } from './person.ts'

/** A login provider as far as the wire needs it. */
export interface LoginTarget {
  readonly id: string
  readonly kind: LoginProviderKind
  readonly issuer: string
  readonly allowedTenantIds: readonly string[]
  readonly clientId: string
  readonly redirectUri: string
}

export interface AuthorizationInput {
  readonly state: Secret
  readonly nonce: string
  readonly codeVerifier: Secret
  /** Who is probably coming (OpenID Connect Core §3.1.2.1). */
  readonly loginHint: string | null
  /** Asks for the groups too, where the provider has a scope for them. */
  readonly wantsGroups: boolean
}

export interface RedemptionInput {
  /** The callback's query as it came, without `?`. */
  readonly query: string
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: Secret
  readonly clientSecret: Secret
  readonly wantsGroups: boolean
}

/** What a login brought, checked. */
export interface Redeemed {
  readonly person: Person
  readonly groups: GroupClaim
  /** The subject and session as the provider itself calls them, for its logout. */
  readonly subject: string
  readonly sid: string | null
  readonly idToken: Secret
}

/** OpenID Connect on the wire: authorization code, PKCE S256, nonce, signatures always checked. */
export interface LoginClient {
  authorizationUrl(target: LoginTarget, input: AuthorizationInput): Promise<string>
  /**
   * Spends the code, once: a second look at the signing keys asks for no second token.
   * @throws AppError `unauthenticated`, `upstream_unavailable`, `discovery_failed`, `host_not_allowed`
   */
  redeem(target: LoginTarget, input: RedemptionInput): Promise<Redeemed>
  /**
   * Where the session at the provider ends (RP-Initiated Logout §2); null where it offers none.
   * @param idToken which of its sessions is meant; null: whichever the browser holds
   */
  endSessionUrl(target: LoginTarget, idToken: Secret | null): Promise<string | null>
  /** What a logout token says, proven. @throws AppError `invalid_request`, and as `redeem` */
  readLogoutToken(target: LoginTarget, token: string): Promise<LogoutClaims>
  /** Whether Weft may ask there at all. @throws AppError `host_not_allowed` */
  checkIssuer(issuer: string): void
  /** Asks anew, and tells how far it got. */
  verify(target: LoginTarget): Promise<LoginProviderCheck>
}

const scopes = 'openid email profile'

export function createLoginClient(deps: {
  readonly outbound: Pick<Outbound, 'fetchFor' | 'checkUrl'>
  readonly clock: Clock
}): LoginClient {
  const { clock } = deps
  const metadataOf = createLoginMetadata(deps.outbound, clock)
  const guardedFetch = deps.outbound.fetchFor(loginHosts)

  function configure(
    target: LoginTarget,
    known: KnownProvider,
    auth: ClientAuth,
    fetch: CustomFetch
  ) {
    const client = { [clockTolerance]: toleranceSeconds }
    const config = new Configuration(known.metadata, target.clientId, client, auth)
    config[customFetch] = fetch
    enableNonRepudiationChecks(config)
    if (isPlainHttp(new URL(target.issuer))) allowInsecureRequests(config)
    return config
  }

  /** Keys come from the cache, and the token endpoint is asked once however often the answer is read. */
  function redemptionFetch(known: KnownProvider) {
    const [tokenUrl, keysUrl] = [known.metadata.token_endpoint, known.metadata.jwks_uri].map(hrefOf)
    let answer: Promise<Response> | undefined
    const fetch: CustomFetch = async (url, options) => {
      if (url === keysUrl) {
        const headers = { 'content-type': 'application/json' }
        return new Response(await known.keys(), { headers })
      }
      if (url !== tokenUrl) return await guardedFetch(url, options)
      answer ??= guardedFetch(url, options)
      return (await answer).clone()
    }
    /** Nobody has proven it yet. */
    async function idToken(): Promise<string | null> {
      const body = parseJsonObject((await (await answer)?.clone().text()) ?? '')
      return typeof body?.id_token === 'string' ? body.id_token : null
    }
    return { fetch, idToken }
  }

  async function redeem(target: LoginTarget, input: RedemptionInput): Promise<Redeemed> {
    const known = await metadataOf.of(target)
    const auth = clientAuthOf(known.metadata, input.clientSecret)
    const { fetch, idToken } = redemptionFetch(known)
    const callback = new URL(target.redirectUri)
    callback.search = input.query
    const grant = async (issuer: string) => {
      const metadata = { ...known.metadata, issuer }
      const config = configure(target, { ...known, metadata }, auth, fetch)
      const tokens = await authorizationCodeGrant(config, callback, {
        expectedState: input.state,
        expectedNonce: input.nonce,
        pkceCodeVerifier: disclose(input.codeVerifier),
        idTokenExpected: true
      })
      return { config, tokens }
    }
    /** Where the issuer stands in the token only, a first reading fetches the token and fails. */
    async function learnIssuer(): Promise<string> {
      const { issuer } = known.metadata
      if (issuer === target.issuer) return issuer
      const fault = await grant(issuer).then(
        () => null,
        (err: unknown) => err
      )
      const token = await idToken().catch(() => null)
      if (token === null) throw fault
      return expectedIssuer(target, token)
    }
    try {
      const issuer = await learnIssuer()
      const { config, tokens } = await grant(issuer).catch((err: unknown) => {
        if (isKeyFault(err) && known.renewKeys()) return grant(issuer)
        throw err
      })
      const claims = checkClaims(tokens.claims(), clock)
      const token = tokens.id_token ?? ''
      checkEntra(target, claims, token, await known.keys())
      const lacks = claims.email === undefined || (input.wantsGroups && claims.groups === undefined)
      const isAsked =
        lacks && target.kind === 'oidc' && known.metadata.userinfo_endpoint !== undefined
      const info = isAsked ? await fetchUserInfo(config, tokens.access_token, claims.sub) : claims
      return {
        person: personOf(target, claims, claims.email === undefined ? info : claims),
        groups: groupsOf(claims.groups === undefined && isAsked ? info : claims),
        subject: claims.sub,
        sid: typeof claims.sid === 'string' ? claims.sid : null,
        idToken: new Secret(token)
      }
    } catch (err) {
      throw loginFault(err)
    }
  }

  return {
    async authorizationUrl(target, { state, nonce, codeVerifier, loginHint, wantsGroups }) {
      const known = await metadataOf.of(target)
      const config = configure(target, known, None(), guardedFetch)
      const hasGroups = wantsGroups && known.metadata.scopes_supported?.includes('groups')
      const url = buildAuthorizationUrl(config, {
        redirect_uri: target.redirectUri,
        scope: hasGroups ? `${scopes} groups` : scopes,
        ...(loginHint !== null && { login_hint: loginHint }),
        state: disclose(state),
        nonce,
        code_challenge: await calculatePKCECodeChallenge(disclose(codeVerifier)),
        code_challenge_method: 'S256'
      })
      return url.href
    },
    redeem,
    async endSessionUrl(target, idToken) {
      const known = await metadataOf.of(target)
      if (known.metadata.end_session_endpoint === undefined) return null
      const config = configure(target, known, None(), guardedFetch)
      const hint = idToken === null ? {} : { id_token_hint: disclose(idToken) }
      return buildEndSessionUrl(config, hint).href
    },
    readLogoutToken: async (target, token) =>
      await readLogoutToken(target, await metadataOf.of(target), token, clock.now()),
    checkIssuer(issuer) {
      isPlainHttp(deps.outbound.checkUrl(issuer, loginHosts))
    },
    verify: (target) => verifyLoginProvider(target, metadataOf, deps.outbound)
  }
}

/** Post where the provider says that it takes it; else Basic, which is what saying nothing means (RFC 8414 §2). */
function clientAuthOf(metadata: ServerMetadata, secret: Secret): ClientAuth {
  const methods = metadata.token_endpoint_auth_methods_supported ?? []
  const isPost = methods.includes('client_secret_post')
  return isPost ? ClientSecretPost(disclose(secret)) : ClientSecretBasic(disclose(secret))
}

function hrefOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).href
}
