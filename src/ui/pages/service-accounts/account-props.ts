import type { Schemas } from '../../generated/operations.ts'

export type Account = Schemas['ServiceAccount']
export type Access = Account['fabrics'][number]
export type Identity = Schemas['FederatedIdentity']

/** What each part of a service account's page is given. */
export interface AccountProps {
  readonly account: Account
}
