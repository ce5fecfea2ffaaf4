import { customFetch, tokenRevocation } from 'openid-client'
import { AppError } from '../base/errors.ts'
import type { Secret } from '../base/secret.ts'
import { configurationOf, type TokenEndpoint, type TokenExchangeDeps } from './token-endpoint.ts'

const revocationDeadlineMs = 5_000

/**
 * Asks the provider to forget a refresh token (RFC 7009 §2). The endpoint is on the workspace's own origin,
 * as its metadata names it or, where it names none, where the provider is known to have one.
 * @throws AppError `upstream_unavailable`: refused or no such endpoint; outbound's errors when no answer came
 * @see https://www.rfc-editor.org/rfc/rfc7009
 */
export async function revokeRefreshToken(
  { outbound }: Pick<TokenExchangeDeps, 'outbound'>,
  endpoint: TokenEndpoint,
  refreshToken: Secret
): Promise<void> {
  const rule = { kind: 'origin', origin: endpoint.workspaceOrigin } as const
  const config = configurationOf(endpoint)
  config[customFetch] = outbound.fetchFor(rule, { deadlineMs: revocationDeadlineMs })
  try {
    await tokenRevocation(config, refreshToken.reveal(), { token_type_hint: 'refresh_token' })
  } catch {
    // The library's error may hold the answer's body.
    throw new AppError('upstream_unavailable', { note: 'the provider did not revoke the token' })
  }
}
