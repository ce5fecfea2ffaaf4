import { decodeJwt } from 'jose'
import { plusMs } from '../base/clock.ts'
import { parseJsonObject } from '../base/json-object.ts'
import { Secret } from '../base/secret.ts'
import type { OAuthFailure, Provider } from '../providers/provider.ts'
import type { RawAnswer } from './raw-answer.ts'

/** What a token endpoint granted (RFC 6749 §5.1). */
export interface TokenSet {
  readonly accessToken: Secret
  readonly accessExpiresAt: Date
  readonly accessIssuedAt: Date
  /** Null: none came; the one that was spent stays good (RFC 6749 §6). */
  readonly refreshToken: Secret | null
  /** Null: as asked for. */
  readonly scope: string | null
}

export type TokenVerdict =
  | { readonly kind: 'granted'; readonly tokens: TokenSet }
  | {
      readonly kind: 'failed'
      readonly failure: OAuthFailure
      /** A refresh token that came in an otherwise unusable answer; the spent one may be dead, so it is kept. */
      readonly refreshToken: Secret | null
    }

const lifeMaxSeconds = 24 * 60 * 60
/** Where neither the answer nor the token tells: short enough to be safe, long enough not to hammer. */
const lifeDefaultSeconds = 5 * 60
const tokenMaxChars = 65_536
/** RFC 6750 §2.1, b64token: it will stand in a header. */
const bearerSyntax = /^[A-Za-z0-9\-._~+/]+=*$/
/** RFC 6749 §A.17: wider, since it only ever travels in a form. */
const refreshTokenSyntax = /^[\x20-\x7e]+$/

/**
 * What a raw answer of the token endpoint means. Pure; lenient where a loss would cost a user's sign-in,
 * strict in what is handed out.
 */
export function readTokenAnswer(provider: Provider, answer: RawAnswer): TokenVerdict {
  const text = answer.body.reveal()
  const failed = () => ({
    kind: 'failed' as const,
    failure: provider.classifyOAuthFailure(answer.status, text, answer.headers),
    refreshToken: null
  })
  if (answer.status < 200 || answer.status > 299) return failed()
  const body = parseJsonObject(text)
  if (body === null) return failed()
  const refreshToken = readToken(body.refresh_token, refreshTokenSyntax)
  if ('error' in body) return { ...failed(), refreshToken }
  const accessToken = readToken(body.access_token, bearerSyntax)
  const isBearer = typeof body.token_type === 'string' && /^bearer$/i.test(body.token_type)
  if (accessToken === null || !isBearer) {
    return { kind: 'failed', failure: { kind: 'malformed' }, refreshToken }
  }
  return {
    kind: 'granted',
    tokens: {
      accessToken,
      accessExpiresAt: expiryOf(body.expires_in, accessToken, answer.receivedAt),
      accessIssuedAt: answer.receivedAt,
      refreshToken,
      scope: typeof body.scope === 'string' && body.scope.length <= 2_000 ? body.scope : null
    }
  }
}

/**
 * When an access token ends: `expires_in` (number or digits) from receipt, else the JWT's `exp`, else five
 * minutes; never more than 24 hours.
 */
export function expiryOf(expiresIn: unknown, accessToken: Secret, receivedAt: Date): Date {
  const told =
    typeof expiresIn === 'string' && /^\d{1,10}$/.test(expiresIn) ? Number(expiresIn) : expiresIn
  if (typeof told === 'number' && Number.isFinite(told) && told > 0) {
    return plusMs(receivedAt, Math.min(told, lifeMaxSeconds) * 1_000)
  }
  const exp = jwtExpiry(accessToken)
  const seconds = exp === null ? lifeDefaultSeconds : exp - receivedAt.getTime() / 1_000
  const life = seconds > 0 ? Math.min(seconds, lifeMaxSeconds) : lifeDefaultSeconds
  return plusMs(receivedAt, Math.floor(life) * 1_000)
}

function jwtExpiry(accessToken: Secret): number | null {
  try {
    return decodeJwt(accessToken.reveal()).exp ?? null
  } catch {
    return null
  }
}

function readToken(value: unknown, syntax: RegExp): Secret | null {
  const isToken = typeof value === 'string' && value.length <= tokenMaxChars && syntax.test(value)
  return isToken ? new Secret(value) : null
}
