/**
 * Tokens for service principals without a secret (RFC 8693): a JWT of an issuer that a federation policy names.
 * Owns: whether a JWT fits a policy, the issuers' keys. May touch: the policies, the network.
 * Never: believes what the policy's own keys, or those that its issuer publishes, have not signed.
 */
import { randomUUID } from 'node:crypto'
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Clock } from '../../base/clock.ts'
import { isObject } from '../simulation/exchange.ts'
import type { SigningKey } from '../simulation/signing-key.ts'
import { signAccessToken } from './data-plane-tokens.ts'
import type { WorkspaceFaultBoard } from './faults.ts'
import type { FederationPolicies, OidcPolicy } from './federation-policies.ts'
import type { IssuedTokens } from './issued-tokens.ts'
import type { Registry } from './registry.ts'
import type { TokenExchange } from './token-exchange.ts'

export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const keysDeadlineMs = 3_000

export interface FederatedTokenDeps {
  readonly provider: Provider
  readonly accountId: string
  readonly registry: Registry
  readonly policies: FederationPolicies
  readonly issued: IssuedTokens
  readonly key: SigningKey
  readonly clock: Clock
  readonly faults: WorkspaceFaultBoard
  readonly exchangeOf: (req: KoaContextWithOIDC['req']) => TokenExchange | undefined
}

/** The words of a refusal, of which clients match the capitals. */
class Refusal extends Error {
  readonly error: string
  constructor(error: string, description: string) {
    super(description)
    this.error = error
  }
}

const refused = (words: string) => new Refusal('invalid_grant', `Failed to process token: ${words}`)

/** Serves the grant that trades a workload's own JWT for an access token of its service principal. */
export function exchangeFederated(deps: FederatedTokenDeps): void {
  const keys = createKeys(deps.clock)
  deps.provider.use(async (plain, next) => {
    const exchange = plain.path === '/v1/token' ? deps.exchangeOf(plain.req) : undefined
    if (exchange?.form.grantType !== tokenExchangeGrant) return next()
    plain.set('cache-control', 'no-store')
    plain.type = 'application/json'
    try {
      plain.body = await trade(deps, keys, exchange)
      plain.status = 200
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      plain.status = error.error === 'invalid_client' ? 401 : 400
      plain.body = { error: error.error, error_description: error.message }
    }
    return undefined
  })
}

async function trade(deps: FederatedTokenDeps, keys: Keys, { form, entry }: TokenExchange) {
  const { registry, issued, clock, faults } = deps
  const { clientId, subjectToken, subjectTokenType, scope } = form
  if (subjectTokenType !== jwtType || subjectToken === null) {
    throw new Refusal('invalid_request', 'subject_token and subject_token_type are required')
  }
  const principal = registry.identity(clientId)
  if (clientId !== '' && principal?.kind !== 'service_principal') {
    throw new Refusal('invalid_client', 'Client authentication failed')
  }
  const claims = claimsOf(subjectToken)
  const policies = principal ? deps.policies.of(principal.id).map((one) => one.oidc_policy) : []
  const policy = pick(policies, claims, deps.accountId)
  const nowSeconds = Math.floor(clock.now().getTime() / 1000)
  if (typeof claims.exp !== 'number' || claims.exp <= nowSeconds) {
    throw refused('TOKEN_EXPIRED (The provided token has expired)')
  }
  await checkSignature(subjectToken, await keys.of(policy))
  const expiresIn = Math.min(faults.current.accessTokenTtlSeconds, claims.exp - nowSeconds)
  const tokenId = randomUUID()
  const stands = { principal: clientId, clientId, scopes: (scope ?? 'all-apis').split(' ') }
  const token = await signAccessToken(deps, stands, { tokenId, expiresIn })
  issued.add(tokenId, null)
  Object.assign(entry, { principal: clientId, clientId, tokenId })
  return {
    access_token: token,
    issued_token_type: accessTokenType,
    token_type: 'Bearer',
    expires_in: expiresIn,
    scope: stands.scopes.join(' ')
  }
}

/** The policy that fits in issuer, subject and audience; where none does, what is wrong with the nearest. */
function pick(policies: readonly OidcPolicy[], claims: JWTPayload, accountId: string): OidcPolicy {
  const { iss = '', sub = '' } = claims
  const presented = [claims.aud ?? []].flat()
  const audiences = (one: OidcPolicy) => one.audiences ?? [accountId]
  const subjectOf = (one: OidcPolicy) => claims[one.subject_claim ?? 'sub']
  const ofIssuer = policies.filter(({ issuer }) => issuer === iss)
  const ofSubject = ofIssuer.filter((one) => one.subject === subjectOf(one))
  const fits = ofSubject.find((one) => presented.some((aud) => audiences(one).includes(aud)))
  if (fits) return fits
  const [wrong] = ofSubject
  if (wrong) {
    const accepted = audiences(wrong).join(', ')
    throw refused(
      `TOKEN_AUDIENCE_INVALID (Audience '${presented}' does not match the policy's: ${accepted})`
    )
  }
  if (ofIssuer.length > 0) {
    throw refused(`TOKEN_SUBJECT_INVALID (Subject '${sub}' matches no federation policy)`)
  }
  throw refused(
    'TOKEN_INVALID (Ensure a valid federation policy has been configured). ' +
      `Valid federation policy for provided token: {issuer: '${iss}', subject: '${sub}', audience: '${presented}'}`
  )
}

function claimsOf(token: string): JWTPayload {
  try {
    return decodeJwt(token)
  } catch {
    throw refused('TOKEN_INVALID (The provided token is not a JWT)')
  }
}

async function checkSignature(token: string, keys: JSONWebKeySet): Promise<void> {
  try {
    // Times were checked against the simulator's own clock.
    const currentDate = new Date(0)
    await jwtVerify(token, createLocalJWKSet(keys), {
      algorithms: ['RS256', 'ES256'],
      currentDate
    })
  } catch {
    throw refused("TOKEN_INVALID (The token's signature matches no key of the issuer's JWKS)")
  }
}

interface Keys {
  of(policy: OidcPolicy): Promise<JSONWebKeySet>
}

/** An issuer's keys are remembered as long as it lets them be, and not asked for again before. */
function createKeys(clock: Clock): Keys {
  const known = new Map<string, { readonly keys: JSONWebKeySet; readonly untilMs: number }>()
  return {
    async of({ issuer, jwks_json, jwks_uri }) {
      if (jwks_json !== undefined) return JSON.parse(jwks_json)
      const place = jwks_uri ?? issuer
      const kept = known.get(place)
      if (kept && kept.untilMs > clock.now().getTime()) return kept.keys
      try {
        const url = jwks_uri ?? (await jwksUriOf(issuer))
        const { body, maxAgeSeconds } = await getJson(url)
        if (!Array.isArray(body.keys)) throw new TypeError('not a JWK set')
        const keys = { keys: body.keys }
        known.set(place, { keys, untilMs: clock.now().getTime() + maxAgeSeconds * 1000 })
        return keys
      } catch {
        throw refused(`TOKEN_INVALID (Unable to fetch the JWKS of issuer '${issuer}')`)
      }
    }
  }
}

async function jwksUriOf(issuer: string): Promise<string> {
  const path = '/.well-known/openid-configuration'
  const { body } = await getJson(issuer.replace(/\/$/, '') + path)
  if (body.issuer !== issuer) throw new TypeError('another issuer')
  return String(body.jwks_uri)
}

async function getJson(url: string) {
  const signal = AbortSignal.timeout(keysDeadlineMs)
  const answer = await fetch(url, { signal, redirect: 'error' })
  const body: unknown = answer.ok ? await answer.json() : null
  if (!isObject(body)) throw new TypeError('not JSON')
  const maxAge = /max-age=(\d+)/.exec(answer.headers.get('cache-control') ?? '')?.[1]
  return { body, maxAgeSeconds: Number(maxAge ?? 0) }
}
