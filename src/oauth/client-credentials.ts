import { clientCredentialsGrant } from 'openid-client'
import type { RawAnswer } from './raw-answer.ts'
import {
  exchangeTokens,
  type KeepAnswer,
  type TokenEndpoint,
  type TokenExchangeDeps
} from './token-endpoint.ts'

/**
 * A token as the client itself (RFC 6749 §4.4).
 * @throws AppError of outbound when no answer came
 */
export function requestClientCredentials(
  deps: TokenExchangeDeps,
  endpoint: TokenEndpoint,
  scopes: readonly string[],
  keep: KeepAnswer
): Promise<RawAnswer> {
  return exchangeTokens(deps, endpoint, keep, (config) =>
    clientCredentialsGrant(config, { scope: scopes.join(' ') })
  )
}
