import * as openid from 'openid-client'
import { Secret } from '../base/secret.ts'
import type { AuthorizationServer } from './authorization-server.ts'
import type { RawAnswer } from './raw-answer.ts'
import {
  exchangeTokens,
  type KeepAnswer,
  type TokenEndpoint,
  type TokenExchangeDeps
} from './token-endpoint.ts'

/** A code verifier of 43 characters (RFC 7636 §4.1). */
export function newCodeVerifier(): Secret {
  return new Secret(openid.randomPKCECodeVerifier())
}

/**
 * Own to each app connection, so that one authorization server's answer can't be taken for another's
 * (RFC 9700 §4.4.2).
 */
export function redirectUriOf(publicUrl: string, appConnectionId: string): string {
  return `${publicUrl}/oauth/callback/${appConnectionId}`
}

export interface AuthorizationRequest {
  readonly server: AuthorizationServer
  readonly clientId: string
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly state: Secret
  readonly codeVerifier: Secret
  /** What the person is to be asked even where they are signed in (OpenID Connect Core §3.1.2.1); null: nothing. */
  readonly prompt?: string | null
}

/** Where to send the browser (RFC 6749 §4.1.1 with PKCE S256, RFC 7636 §4.3). */
export async function authorizationUrl(request: AuthorizationRequest): Promise<string> {
  const challenge = await openid.calculatePKCECodeChallenge(request.codeVerifier.reveal())
  const url = new URL(request.server.authorizationEndpoint)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: request.clientId,
    redirect_uri: request.redirectUri,
    scope: request.scopes.join(' '),
    state: request.state.reveal(),
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...(request.prompt && { prompt: request.prompt })
  }).toString()
  return url.href
}

export interface CodeRedemption {
  readonly endpoint: TokenEndpoint
  readonly redirectUri: string
  /** The callback's query as it came, without `?`. */
  readonly query: string
  readonly state: Secret
  readonly codeVerifier: Secret
}

/**
 * Redeems the code of a callback (RFC 6749 §4.1.3). State, `iss` (RFC 9207) and duplicate parameters are
 * checked before anything is sent.
 * @throws AppError `invalid_request`: the callback does not fit, its `note` tells the provider's error code;
 *   outbound's errors when no answer came
 */
export function redeemCode(
  deps: TokenExchangeDeps,
  redemption: CodeRedemption
): Promise<RawAnswer> {
  const callback = new URL(redemption.redirectUri)
  callback.search = redemption.query
  const keepNothing: KeepAnswer = async () => undefined
  return exchangeTokens(deps, redemption.endpoint, keepNothing, (config) =>
    openid.authorizationCodeGrant(config, callback, {
      expectedState: redemption.state.reveal(),
      pkceCodeVerifier: redemption.codeVerifier.reveal()
    })
  )
}
