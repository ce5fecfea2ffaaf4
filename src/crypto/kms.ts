import assert from 'node:assert'
import { awsKmsKey } from './aws-kms-key.ts'
import { type AzureOptions, azureKeyVaultKey } from './azure-key-vault-key.ts'
import { gcpKmsKey } from './gcp-kms-key.ts'
import type { KeyEncryptionKey } from './key-wrap.ts'
import { type VaultOptions, vaultTransitKey } from './vault-transit-key.ts'

/** The services there are; another adds its file and a line here and in `config/kms.ts`. */
export type KmsService = 'aws-kms' | 'azure-key-vault' | 'gcp-kms' | 'vault-transit'

/** What services need that have no credentials of their own to find; null: none of their keys is named. */
export interface KmsWays {
  readonly azure: AzureOptions | null
  readonly vault: VaultOptions | null
}

/** A key as `WEFT_KMS` names it; no client is loaded before it is used. */
export function kmsKeyOf(
  { service, name }: { readonly service: KmsService; readonly name: string },
  { azure, vault }: KmsWays
): KeyEncryptionKey {
  switch (service) {
    case 'aws-kms':
      return awsKmsKey(name)
    case 'azure-key-vault':
      assert(azure !== null, 'Azure has an identity')
      return azureKeyVaultKey(name, azure)
    case 'gcp-kms':
      return gcpKmsKey(name)
    case 'vault-transit':
      assert(vault !== null, 'Vault has a way and a token')
      return vaultTransitKey(name, vault)
  }
}
