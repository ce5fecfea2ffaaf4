import assert from 'node:assert'
import { awsKmsKey } from './aws-kms-key.ts'
import { gcpKmsKey } from './gcp-kms-key.ts'
import type { KeyEncryptionKey } from './key-wrap.ts'
import { type VaultOptions, vaultTransitKey } from './vault-transit-key.ts'

/** The services there are; another adds its file and a line here and in `config/kms.ts`. */
export type KmsService = 'aws-kms' | 'gcp-kms' | 'vault-transit'

/**
 * A key as `WEFT_KMS` names it; no client is loaded before it is used.
 * @param vault how to reach Vault, where one of its keys is named
 */
export function kmsKeyOf(
  { service, name }: { readonly service: KmsService; readonly name: string },
  vault: VaultOptions | null
): KeyEncryptionKey {
  switch (service) {
    case 'aws-kms':
      return awsKmsKey(name)
    case 'gcp-kms':
      return gcpKmsKey(name)
    case 'vault-transit':
      assert(vault !== null, 'Vault has a way and a token')
      return vaultTransitKey(name, vault)
  }
}
