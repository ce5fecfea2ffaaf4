/**
 * Tokens for the data plane: down-scoped by `authorization_details` (RFC 9396) to single serving endpoints.
 * Owns: which details are granted, the exchange of a person's own token (RFC 7523). May touch: issued tokens.
 * Never: opens anything but what the details name.
 */
import { randomUUID } from 'node:crypto'
import { importJWK, SignJWT } from 'jose'
import type { KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Clock } from '../../base/clock.ts'
import { isObject } from '../simulation/exchange.ts'
import type { LogEntry } from '../simulation/recorder.ts'
import type { SigningKey } from '../simulation/signing-key.ts'
import { endpoints, objectPathOf, queryAction } from './api/endpoints.ts'
import type { WorkspaceFaultBoard } from './faults.ts'
import type { IssuedTokens } from './issued-tokens.ts'
import type { TokenExchange } from './token-exchange.ts'

export const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export interface DataPlaneTokenDeps {
  readonly provider: Provider
  readonly issued: IssuedTokens
  readonly key: SigningKey
  readonly clock: Clock
  readonly faults: WorkspaceFaultBoard
  readonly exchangeOf: (req: KoaContextWithOIDC['req']) => TokenExchange | undefined
}

/** The granted details of a token request's own text; undefined where any of it is not granted. */
export function grantedDetails(text: string): readonly Record<string, unknown>[] | undefined {
  const details = parsed(text)
  if (!Array.isArray(details) || details.length === 0) return undefined
  const isGranted = (one: unknown) =>
    isObject(one) &&
    one.type === 'workspace_permission' &&
    one.object_type === 'serving-endpoints' &&
    Array.isArray(one.actions) &&
    one.actions.length > 0 &&
    one.actions.every((action) => action === queryAction) &&
    endpoints.some(
      (endpoint) => endpoint.isQueryable !== false && objectPathOf(endpoint) === one.object_path
    )
  return details.every(isGranted) ? details : undefined
}

export const detailsRefused = {
  error: 'invalid_authorization_details',
  error_description: 'User is not authorized to the requested authorizations'
}

/** Serves the grant that trades an access token for one that only opens what its details name. */
export function exchangeForDataPlane(deps: DataPlaneTokenDeps): void {
  const { provider, exchangeOf } = deps
  provider.use(async (plain, next) => {
    const exchange = plain.path === '/v1/token' ? exchangeOf(plain.req) : undefined
    if (exchange?.form.grantType !== jwtBearer) return next()
    const { status, body } = await trade(deps, exchange)
    plain.status = status
    plain.type = 'application/json'
    plain.set('cache-control', 'no-store')
    plain.body = body
    return undefined
  })
}

async function trade(deps: DataPlaneTokenDeps, { form, entry }: TokenExchange) {
  const { issued, faults } = deps
  const refused = (error: string, error_description: string) => {
    return { status: 400, body: { error, error_description } }
  }
  const claims = await issued.read(form.assertion ?? '')
  if (!claims || claims.isDead || claims.isDownScoped) {
    return refused('invalid_request', 'Assertion is invalid or expired')
  }
  if (form.authorizationDetails === null) {
    return refused('invalid_request', 'authorization_details is required')
  }
  const details = grantedDetails(form.authorizationDetails)
  if (!details) return { status: 400, body: detailsRefused }
  const tokenId = randomUUID()
  const expiresIn = faults.current.accessTokenTtlSeconds
  const more = { authorization_details: details }
  const token = await signAccessToken(deps, claims, { tokenId, expiresIn }, more)
  issued.add(tokenId, claims.familyId)
  note(entry, { ...claims, tokenId })
  const scope = claims.scopes.join(' ')
  const answer = { access_token: token, token_type: 'Bearer', expires_in: expiresIn, scope }
  return { status: 200, body: answer }
}

type Claims = NonNullable<Awaited<ReturnType<IssuedTokens['read']>>>

/** An access token beside those that oidc-provider issues, of the same form. */
export async function signAccessToken(
  { key, clock, provider }: Pick<DataPlaneTokenDeps, 'key' | 'clock' | 'provider'>,
  { principal, clientId, scopes }: Pick<Claims, 'principal' | 'clientId' | 'scopes'>,
  given: { tokenId: string; expiresIn: number },
  more: Record<string, unknown> = {}
): Promise<string> {
  const nowSeconds = Math.floor(clock.now().getTime() / 1000)
  return new SignJWT({ client_id: clientId, scope: scopes.join(' '), ...more })
    .setProtectedHeader({ alg: 'RS256', typ: 'at+jwt', kid: key.jwk.kid })
    .setIssuer(provider.issuer)
    .setSubject(principal)
    .setAudience(new URL(provider.issuer).origin)
    .setJti(given.tokenId)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + given.expiresIn)
    .sign(await importJWK(key.jwk, 'RS256'))
}

function note(entry: LogEntry, { principal, clientId, familyId, tokenId }: Claims): void {
  Object.assign(entry, { principal, clientId, familyId, tokenId })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
