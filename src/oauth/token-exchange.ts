import { genericGrantRequest } from 'openid-client'
import type { Secret } from '../base/secret.ts'
import type { RawAnswer } from './raw-answer.ts'
import {
  exchangeTokens,
  type KeepAnswer,
  type TokenEndpoint,
  type TokenExchangeDeps
} from './token-endpoint.ts'

const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
const jwtType = 'urn:ietf:params:oauth:token-type:jwt'

/** Whom a JWT is to stand for: the client is named and shows no secret. */
export interface Workload {
  readonly clientId: string
  readonly subjectToken: Secret
}

/**
 * Trades a JWT of another issuer for an access token of the client that trusts it (RFC 8693 §2.1). The token
 * that comes lives no longer than the JWT.
 * @throws AppError of outbound when no answer came
 */
export function exchangeSubjectToken(
  deps: TokenExchangeDeps,
  endpoint: Omit<TokenEndpoint, 'client'>,
  { clientId, subjectToken }: Workload,
  scopes: readonly string[],
  keep: KeepAnswer
): Promise<RawAnswer> {
  return exchangeTokens(deps, { ...endpoint, client: null }, keep, (config) =>
    genericGrantRequest(config, tokenExchange, {
      client_id: clientId,
      subject_token: subjectToken.reveal(),
      subject_token_type: jwtType,
      scope: scopes.join(' ')
    })
  )
}
