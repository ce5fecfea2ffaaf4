import { refreshTokenGrant } from 'openid-client'
import type { Secret } from '../base/secret.ts'
import type { RawAnswer } from './raw-answer.ts'
import {
  exchangeTokens,
  type KeepAnswer,
  type TokenEndpoint,
  type TokenExchangeDeps
} from './token-endpoint.ts'

/**
 * Spends a refresh token (RFC 6749 §6). `keep` is awaited with the raw answer before anything judges it, so
 * that a rotated token is never lost to a fault further on.
 * @throws AppError of outbound when no answer came: whether the token was spent is then unknown
 */
export function spendRefreshToken(
  deps: TokenExchangeDeps,
  endpoint: TokenEndpoint,
  refreshToken: Secret,
  keep: KeepAnswer
): Promise<RawAnswer> {
  return exchangeTokens(deps, endpoint, keep, (config) =>
    refreshTokenGrant(config, refreshToken.reveal())
  )
}
