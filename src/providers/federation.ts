/**
 * Owns: what letting a workload in without a secret is like at a provider's account.
 * May touch: `base/`. Never: opens a connection; all of it is pure.
 */
import type { AccountCall } from './account.ts'

/** What a JWT must be to be believed as a service principal's (RFC 7519 §4.1). */
export interface FederationTerms {
  readonly issuer: string
  readonly audiences: readonly string[]
  readonly subject: string
  /** A JWK set as JSON (RFC 7517 §5); null: the provider fetches what the issuer publishes. */
  readonly keys: string | null
}

/** As it stands at the account. */
export interface FoundPolicy extends FederationTerms {
  readonly id: string
}

/** Policies at the provider's account under which a JWT is traded for a service principal's token (RFC 8693). */
export interface ProviderFederation {
  /** The `aud` by which a JWT is good for this one workspace; known beforehand, no metadata decides it. */
  audienceOf(workspaceOrigin: string): string
  /** The body by which the account's API makes a policy of these terms. */
  bodyOf(terms: FederationTerms): Readonly<Record<string, unknown>>
  /**
   * The same by command line, fit to be pasted into a POSIX shell.
   * @param clientId of the service principal
   */
  commandOf(clientId: string, terms: FederationTerms): string
  /** The account's own id of the service principal with this client id; null: there is none. */
  findPrincipal(accountId: string, clientId: string): AccountCall<string | null>
  list(
    accountId: string,
    principalId: string,
    pageToken: string | null
  ): AccountCall<{ readonly items: readonly FoundPolicy[]; readonly nextPageToken: string | null }>
  /** @returns its id */
  create(accountId: string, principalId: string, terms: FederationTerms): AccountCall<string>
  update(
    accountId: string,
    principalId: string,
    policyId: string,
    terms: FederationTerms
  ): AccountCall<null>
}
