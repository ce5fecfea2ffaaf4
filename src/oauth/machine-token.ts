import { requestClientCredentials } from './client-credentials.ts'
import type { RawAnswer } from './raw-answer.ts'
import type { KeepAnswer, OAuthClient, TokenEndpoint, TokenExchangeDeps } from './token-endpoint.ts'
import { exchangeSubjectToken, type Workload } from './token-exchange.ts'

/** What a service principal shows for a token: a secret of its own, or a JWT that it trusts. */
export type MachineCredentials =
  | { readonly kind: 'client_secret'; readonly client: OAuthClient }
  | { readonly kind: 'federated'; readonly workload: Workload }

/**
 * A token as a service principal, by whichever grant its credentials call for, with the scopes that the
 * provider gives unattended work.
 * @throws AppError of outbound when no answer came
 */
export function requestMachineToken(
  deps: TokenExchangeDeps,
  endpoint: Omit<TokenEndpoint, 'client'>,
  credentials: MachineCredentials,
  keep: KeepAnswer
): Promise<RawAnswer> {
  const scopes = endpoint.provider.oauth.unattendedScopes
  switch (credentials.kind) {
    case 'client_secret': {
      const { client } = credentials
      return requestClientCredentials(deps, { ...endpoint, client }, scopes, keep)
    }
    case 'federated':
      return exchangeSubjectToken(deps, endpoint, credentials.workload, scopes, keep)
  }
}
