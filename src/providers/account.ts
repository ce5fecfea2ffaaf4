/**
 * Owns: what registering an OAuth client at a provider's account is like.
 * May touch: `base/`. Never: opens a connection; all of it is pure.
 */
import type { Secret } from '../base/secret.ts'

/** What the provider's account lets a registered app's tokens do; null: the provider's default. */
export interface AppPolicy {
  readonly refreshTokenTtlMinutes: number | null
  readonly absoluteSessionLifetimeMinutes: number | null
  readonly hasSingleUseRefreshTokens: boolean | null
}

/** How Weft is to be registered at the provider's account as an OAuth client. */
export interface AppRegistration {
  readonly redirectUrls: readonly string[]
  readonly scopes: readonly string[]
  readonly policy: AppPolicy
}

/** How it is registered. */
export interface FoundApp extends AppRegistration {
  readonly id: string
  readonly clientId: string
  /** The policy as the provider wrote it, to be handed back with a change. */
  readonly rest: Readonly<Record<string, unknown>>
}

export type AccountFailure =
  /** Who asks is known there and may not do this. */
  | 'not_an_admin'
  | 'ip_not_allowed'
  | 'gone'
  | 'name_taken'
  /** A scope or a member of the policy that this account does not take. */
  | 'input_refused'
  /** Worth the same call later. */
  | 'unavailable'
  | 'not_the_api'

export type AccountAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly failure: AccountFailure }

/** One call of the account's API; whoever dials adds origin and bearer. */
export interface AccountCall<T> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  readonly path: string
  /** JSON. */
  readonly body: string | null
  interpret(
    status: number,
    headers: Readonly<Record<string, string>>,
    body: string
  ): AccountAnswer<T>
}

/** The provider's account, where OAuth clients are registered. */
export interface ProviderAccount {
  /** Exact origins that an account admin's credentials may be sent to. */
  readonly origins: readonly string[]
  /** Scopes that the provider adds to a registration by itself. */
  readonly implicitScopes: readonly string[]
  /**
   * @returns its origin, which is still to be held against `origins`, and the path of its OAuth root
   * @throws AppError `invalid_request`
   */
  readAccount(input: { accountHost: string; accountId: string }): {
    readonly origin: string
    readonly accountId: string
    readonly oauthRoot: string
  }
  create(
    accountId: string,
    registration: AppRegistration & { readonly name: string }
  ): AccountCall<{ readonly id: string; readonly clientId: string; readonly clientSecret: Secret }>
  read(accountId: string, id: string): AccountCall<FoundApp>
  list(
    accountId: string,
    pageToken: string | null
  ): AccountCall<{
    readonly items: readonly FoundApp[]
    readonly nextPageToken: string | null
  }>
  update(accountId: string, found: FoundApp, registration: AppRegistration): AccountCall<null>
  remove(accountId: string, id: string): AccountCall<null>
}
