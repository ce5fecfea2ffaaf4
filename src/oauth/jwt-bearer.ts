import { genericGrantRequest } from 'openid-client'
import type { Secret } from '../base/secret.ts'
import type { RawAnswer } from './raw-answer.ts'
import {
  exchangeTokens,
  type KeepAnswer,
  type TokenEndpoint,
  type TokenExchangeDeps
} from './token-endpoint.ts'

const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/**
 * Trades an access token of the workspace for one that may do less (RFC 7523 §2.1, RFC 9396): the token itself
 * is the assertion, no client is named, and the holder stays who they are.
 * @param authorizationDetails JSON of all that the new token may do, as it goes into the form
 * @throws AppError of outbound when no answer came
 */
export function tradeAccessToken(
  deps: TokenExchangeDeps,
  endpoint: Omit<TokenEndpoint, 'client'>,
  accessToken: Secret,
  keep: KeepAnswer,
  authorizationDetails: string
): Promise<RawAnswer> {
  return exchangeTokens(deps, { ...endpoint, client: null }, keep, (config) =>
    genericGrantRequest(config, jwtBearer, {
      assertion: accessToken.reveal(),
      authorization_details: authorizationDetails
    })
  )
}
