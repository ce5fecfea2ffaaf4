import type { AppConnectionId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { AccountAdmin } from '../oauth/account-session.ts'
import type { AppConnectionView, TokenPolicy } from './app-connections.ts'
import type { RegistrationDifference } from './registration-drift.ts'

export type { AccountAdmin } from '../oauth/account-session.ts'

export interface RegistrationInput {
  readonly name: string
  readonly accountHost: string
  readonly accountId: string
  readonly admin: AccountAdmin
  readonly scopes?: readonly string[] | undefined
  readonly tokenPolicy?: Partial<TokenPolicy> | undefined
  readonly isDefault?: boolean | undefined
  /** A draft that is to be completed; none: a new app connection. */
  readonly appConnectionId?: AppConnectionId | undefined
}

export interface RegistrationView {
  readonly status: 'in_step' | 'drifted' | 'gone'
  readonly registrationId: string | null
  readonly differences: readonly RegistrationDifference[]
  readonly checkedAt: Date
}

/** Weft's registration at the provider's account, with an account admin's credentials that nobody keeps. */
export interface Registrations {
  /**
   * Makes the OAuth client at the account and an app connection that is ready; where either fails, neither
   * stays.
   * @throws AppError `invalid_request` that names the member at fault, `conflict`, and those of `openAccount`
   */
  register(scope: TenantScope, input: RegistrationInput): Promise<AppConnectionView>
  check(scope: TenantScope, id: AppConnectionId, admin: AccountAdmin): Promise<RegistrationView>
  /** Sets right what `check` shows. */
  mend(scope: TenantScope, id: AppConnectionId, admin: AccountAdmin): Promise<RegistrationView>
  /** Deletes what `register` made at the account; the app connection is a draft again. */
  unregister(
    scope: TenantScope,
    id: AppConnectionId,
    admin: AccountAdmin
  ): Promise<AppConnectionView>
}
