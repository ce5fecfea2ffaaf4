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
 * @param authorizationDetails JSON of all that the token may do (RFC 9396), as it goes into the form; none: no limit
 * @throws AppError of outbound when no answer came
 */
export function requestClientCredentials(
  deps: TokenExchangeDeps,
  endpoint: TokenEndpoint,
  scopes: readonly string[],
  keep: KeepAnswer,
  authorizationDetails?: string
): Promise<RawAnswer> {
  const scope = scopes.join(' ')
  const form =
    authorizationDetails === undefined
      ? { scope }
      : { scope, authorization_details: authorizationDetails }
  return exchangeTokens(deps, endpoint, keep, (config) => clientCredentialsGrant(config, form))
}
