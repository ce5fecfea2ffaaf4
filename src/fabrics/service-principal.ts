import type { ClientSecretInput, ClientSecretView } from '../vault/client-secrets.ts'

export interface SecretView {
  readonly isSet: true
  readonly hint: string
  readonly setAt: Date
  readonly lastUsedAt: Date | null
}

export interface ServicePrincipalView {
  readonly clientId: string
  /** A federation policy at the provider's account lets Weft in as it, and there is no secret. */
  readonly federated: boolean
  /** The one that is tried first; null: it proves itself without any. */
  readonly clientSecret: SecretView | null
  /** As they are tried. */
  readonly clientSecrets: readonly ClientSecretView[]
}

export interface FederatedPrincipalInput {
  readonly clientId: string
  readonly federated: true
}

/** With a secret, or without: never with both. */
export type ServicePrincipalInput =
  | (ClientSecretInput & { readonly clientId: string; readonly federated?: undefined })
  | FederatedPrincipalInput
