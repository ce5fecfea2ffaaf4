import { createLocalJWKSet, type JWTPayload, type JWTVerifyResult, jwtVerify } from 'jose'
import { AppError } from '../base/errors.ts'
import { isJsonObject, parseJsonObject } from '../base/json-object.ts'
import { toleranceSeconds } from './login-claims.ts'
import type { KnownProvider } from './login-metadata.ts'

/** Whose sessions the provider says are over: one session, or all of a subject. */
export interface LogoutClaims {
  readonly sid: string | null
  readonly subject: string | null
  readonly jti: string
}

/** A logout is news, or it is not obeyed. */
export const logoutTokenAgeMaxSeconds = 10 * 60

const event = 'http://schemas.openid.net/event/backchannel-logout'
/** Never `none`, nor one that a client secret could key. */
const algorithms = /^(RS|PS|ES)(256|384|512)$|^(EdDSA|Ed25519)$/

/**
 * OpenID Connect Back-Channel Logout §2.6, with every check that it leaves open made.
 * @throws AppError `invalid_request`: it does not hold
 */
export async function readLogoutToken(
  target: { readonly kind: string; readonly clientId: string },
  known: KnownProvider,
  token: string,
  now: Date
): Promise<LogoutClaims> {
  // Entra ID has no back-channel logout, and its shared issuers would need more than this.
  if (target.kind === 'entra') throw refused('entra')
  const verify = () => verified(target.clientId, known, token, now)
  const { payload, protectedHeader } = await verify().catch((err: unknown) => {
    if (isKeyFault(err) && known.renewKeys()) return verify().catch(untrue)
    return untrue(err)
  })
  const { typ = 'logout+jwt' } = protectedHeader
  if (!/^((application\/)?logout\+jwt|JWT)$/i.test(typ)) throw refused('typ')
  return claimsOf(payload)
}

async function verified(
  clientId: string,
  { metadata, keys }: KnownProvider,
  token: string,
  now: Date
): Promise<JWTVerifyResult> {
  const announced = metadata.id_token_signing_alg_values_supported ?? ['RS256']
  const document = parseJsonObject(await keys())?.keys
  const jwks = Array.isArray(document) ? document.filter(isJsonObject) : []
  return await jwtVerify(token, createLocalJWKSet({ keys: jwks as never }), {
    issuer: metadata.issuer,
    audience: clientId,
    algorithms: announced.filter((alg) => algorithms.test(alg)),
    clockTolerance: toleranceSeconds,
    currentDate: now,
    maxTokenAge: logoutTokenAgeMaxSeconds,
    requiredClaims: ['iat', 'jti', 'events']
  })
}

function claimsOf({ events, nonce, sid, sub, jti, aud, azp }: JWTPayload & { nonce?: unknown }) {
  if (!isJsonObject(events) || !isJsonObject(events[event])) throw refused('events')
  if (nonce !== undefined) throw refused('nonce')
  if (Array.isArray(aud) && aud.length > 1 && azp === undefined) throw refused('aud')
  const named = [sid, sub].filter((name) => name !== undefined)
  const areTexts = named.every((name) => typeof name === 'string' && name !== '')
  if (named.length === 0 || !areTexts) throw refused('neither sid nor sub')
  if (typeof jti !== 'string' || jti === '') throw refused('jti')
  return { sid: typeof sid === 'string' ? sid : null, subject: sub ?? null, jti }
}

function isKeyFault(err: unknown): boolean {
  const code = codeOf(err)
  return code === 'ERR_JWKS_NO_MATCHING_KEY' || code === 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'
}

function untrue(err: unknown): never {
  if (err instanceof AppError) throw err
  throw refused(codeOf(err) ?? 'not a JWT')
}

function codeOf(err: unknown): string | null {
  return err instanceof Error && 'code' in err && typeof err.code === 'string' ? err.code : null
}

function refused(note: string): AppError {
  return new AppError('invalid_request', { detail: 'The logout token does not hold', note })
}
