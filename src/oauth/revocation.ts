import { customFetch, tokenRevocation } from 'openid-client'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import { configurationOf, type TokenEndpoint, type TokenExchangeDeps } from './token-endpoint.ts'

const revocationDeadlineMs = 5_000

/** `not_offered`: no such endpoint. `away`: no answer came, or one that says to try later. */
export type RevocationVerdict = 'revoked' | 'not_offered' | 'client_refused' | 'refused' | 'away'

/**
 * Asks the provider to forget a refresh token (RFC 7009 §2). The endpoint is on the workspace's own origin,
 * as its metadata names it or, where it names none, where the provider is known to have one.
 * @see https://www.rfc-editor.org/rfc/rfc7009
 */
export async function askForRevocation(
  { outbound }: Pick<TokenExchangeDeps, 'outbound'>,
  endpoint: TokenEndpoint,
  refreshToken: Secret
): Promise<RevocationVerdict> {
  const rule = { kind: 'origin', origin: endpoint.workspaceOrigin } as const
  const config = configurationOf(endpoint)
  const send = outbound.fetchFor(rule, { deadlineMs: revocationDeadlineMs })
  let status: number | null = null
  config[customFetch] = async (url, options) => {
    const response = await send(url, options)
    status = response.status
    return response
  }
  try {
    await tokenRevocation(config, refreshToken.reveal(), { token_type_hint: 'refresh_token' })
    return 'revoked'
  } catch {
    // The library's error may hold the answer's body.
    return verdictOf(status)
  }
}

function verdictOf(status: number | null): RevocationVerdict {
  if (status === null || status === 408 || status === 429 || status >= 500) return 'away'
  if (status === 404 || status === 405) return 'not_offered'
  return status === 401 ? 'client_refused' : 'refused'
}

/**
 * The same, for whom any fault is one.
 * @throws AppError `upstream_unavailable`: refused, no such endpoint, or no answer
 */
export async function revokeRefreshToken(
  deps: Pick<TokenExchangeDeps, 'outbound'>,
  endpoint: TokenEndpoint,
  refreshToken: Secret
): Promise<void> {
  if ((await askForRevocation(deps, endpoint, refreshToken)) === 'revoked') return
  throw new AppError('upstream_unavailable', { note: 'the provider did not revoke the token' })
}
