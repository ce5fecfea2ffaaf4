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
  type IDToken,
  None,
  type ServerMetadata
} from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import { disclose } from '../crypto/bearer.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { isKeyFault, loginFault } from './login-faults.ts'
import {
  createLoginMetadata,
  isPlainHttp,
  type KnownProvider,
  loginHosts
} from './login-metadata.ts'
import { displayName, type Person, parseEmail } from './person.ts'

/** A login provider as far as the wire needs it. */
export interface LoginTarget {
  readonly id: string
  readonly issuer: string
  readonly clientId: string
  readonly redirectUri: string
}

export interface AuthorizationInput {
  readonly state: Secret
  readonly nonce: string
  readonly codeVerifier: Secret
}

export interface RedemptionInput {
  /** The callback's query as it came, without `?`. */
  readonly query: string
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: Secret
  readonly clientSecret: Secret
}

/** OpenID Connect on the wire: authorization code, PKCE S256, nonce, signatures always checked. */
export interface LoginClient {
  authorizationUrl(target: LoginTarget, input: AuthorizationInput): Promise<string>
  /**
   * Spends the code, once: a second look at the signing keys asks for no second token.
   * @throws AppError `unauthenticated`, `upstream_unavailable`, `discovery_failed`, `host_not_allowed`
   */
  redeem(target: LoginTarget, input: RedemptionInput): Promise<Person>
  /** Where the session at the provider ends (RP-Initiated Logout §2); null where it offers none. */
  endSessionUrl(target: LoginTarget): Promise<string | null>
}

const toleranceSeconds = 60
/** An ID token answers an attempt, and no attempt lives longer. */
const idTokenAgeMaxSeconds = 10 * 60
const scope = 'openid email profile'

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
  function redemptionFetch(known: KnownProvider): CustomFetch {
    const [tokenUrl, keysUrl] = [known.metadata.token_endpoint, known.metadata.jwks_uri].map(hrefOf)
    let answer: Promise<Response> | undefined
    return async (url, options) => {
      if (url === keysUrl) {
        const headers = { 'content-type': 'application/json' }
        return new Response(await known.keys(), { headers })
      }
      if (url !== tokenUrl) return await guardedFetch(url, options)
      answer ??= guardedFetch(url, options)
      return (await answer).clone()
    }
  }

  async function redeem(target: LoginTarget, input: RedemptionInput): Promise<Person> {
    const known = await metadataOf.of(target)
    const auth = clientAuthOf(known.metadata, input.clientSecret)
    const fetch = redemptionFetch(known)
    const callback = new URL(target.redirectUri)
    callback.search = input.query
    const grant = async () => {
      const config = configure(target, known, auth, fetch)
      const tokens = await authorizationCodeGrant(config, callback, {
        expectedState: input.state,
        expectedNonce: input.nonce,
        pkceCodeVerifier: disclose(input.codeVerifier),
        idTokenExpected: true
      })
      return { config, tokens }
    }
    try {
      const { config, tokens } = await grant().catch((err: unknown) => {
        if (isKeyFault(err) && known.renewKeys()) return grant()
        throw err
      })
      const claims = checkClaims(tokens.claims(), clock)
      if (claims.email !== undefined || known.metadata.userinfo_endpoint === undefined) {
        return personOf(claims, claims)
      }
      return personOf(claims, await fetchUserInfo(config, tokens.access_token, claims.sub))
    } catch (err) {
      throw loginFault(err)
    }
  }

  return {
    async authorizationUrl(target, { state, nonce, codeVerifier }) {
      const config = configure(target, await metadataOf.of(target), None(), guardedFetch)
      const url = buildAuthorizationUrl(config, {
        redirect_uri: target.redirectUri,
        scope,
        state: disclose(state),
        nonce,
        code_challenge: await calculatePKCECodeChallenge(disclose(codeVerifier)),
        code_challenge_method: 'S256'
      })
      return url.href
    },
    redeem,
    async endSessionUrl(target) {
      const known = await metadataOf.of(target)
      if (known.metadata.end_session_endpoint === undefined) return null
      return buildEndSessionUrl(configure(target, known, None(), guardedFetch)).href
    }
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

const subjectPattern = /^[^\p{Cc}\p{Cs}]{1,255}$/u

/** What openid-client leaves to us: an ID token as young as its attempt, a subject that can be a key. */
function checkClaims(claims: IDToken | undefined, clock: Clock): IDToken {
  const nowSeconds = clock.now().getTime() / 1000
  const ageSeconds = nowSeconds - (claims?.iat ?? Number.NaN)
  const isTimely =
    ageSeconds <= idTokenAgeMaxSeconds + toleranceSeconds && ageSeconds >= -toleranceSeconds
  if (claims !== undefined && isTimely && subjectPattern.test(claims.sub)) return claims
  throw new AppError('unauthenticated', {
    detail: "The identity provider's answer does not hold",
    note: isTimely ? 'subject' : 'iat'
  })
}

type Profile = Readonly<Record<string, unknown>>

/** Identity from the ID token only; the profile, email and its verification always from one source. */
function personOf({ iss, sub }: IDToken, profile: Profile): Person {
  const email = parseEmail(profile.email)
  return {
    issuer: iss,
    subject: sub,
    email,
    isEmailVerified: email !== null && profile.email_verified === true,
    name: displayName(profile.name, profile.preferred_username, email?.text)
  }
}
