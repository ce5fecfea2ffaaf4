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
 * When an access token ends: `expires_in` (number or digits) from receipt, else as the JWT itself tells, else
 * five minutes; never more than 24 hours. Of a JWT the shorter counts of what its `exp` leaves and of the life
 * between `iat` and `exp`, so that an authorization server whose clock is ahead lends no time.
 */
export function expiryOf(expiresIn: unknown, accessToken: Secret, receivedAt: Date): Date {
  const told =
    typeof expiresIn === 'string' && /^\d{1,10}$/.test(expiresIn) ? Number(expiresIn) : expiresIn
  const isTold = typeof told === 'number' && Number.isFinite(told) && told > 0
  const seconds = isTold ? told : (lifeOfJwt(accessToken, receivedAt) ?? lifeDefaultSeconds)
  return plusMs(receivedAt, Math.min(seconds, lifeMaxSeconds) * 1_000)
}

/** Whole seconds; null: not a JWT, or one that tells no end, or that has ended by our clock. */
function lifeOfJwt(accessToken: Secret, receivedAt: Date): number | null {
  try {
    const { exp, iat } = decodeJwt(accessToken.reveal())
    if (exp === undefined) return null
    const left = Math.floor(exp - receivedAt.getTime() / 1_000)
    const life = iat !== undefined && iat < exp ? exp - iat : left
    return left > 0 ? Math.min(left, life) : null
  } catch {
    return null
  }
}

function readToken(value: unknown, syntax: RegExp): Secret | null {
  const isToken = typeof value === 'string' && value.length <= tokenMaxChars && syntax.test(value)
  return isToken ? new Secret(value) : null
}
