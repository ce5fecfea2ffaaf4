import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../base/secret.ts'
import { cannotOpen, keyBytes } from './compact-jwe.ts'
import type { KeyEncryptionKey } from './key-wrap.ts'
import { kmsKey, kmsTimeoutMs } from './kms-key.ts'

export interface AzureOptions {
  /** A token for the scope that the vault asks for; the client has checked that it is the vault's own. */
  readonly getToken: (
    scope: string
  ) => Promise<{ readonly token: Secret; readonly expiresAt: Date }>
  /** Certificates in PEM form that are trusted instead of the machine's own. */
  readonly ca?: string
}

const algorithm = 'RSA-OAEP-256'
const versionPattern = /^[0-9a-f]{32}$/

/**
 * An RSA key of Azure Key Vault. RSA-OAEP binds nothing beside the text, so the hash of the place goes in before the data
 * key, and is looked for when it comes out. New versions wrap, older ones open, until they are disabled there.
 * @param url `https://{vault}.vault.azure.net/keys/{name}`; the ring's kid is `azure-key-vault:{url}`
 * @see https://learn.microsoft.com/rest/api/keyvault/keys/wrap-key/wrap-key
 */
export function azureKeyVaultKey(url: string, { getToken, ca }: AzureOptions): KeyEncryptionKey {
  const credential = {
    async getToken(scopes: string | string[]) {
      const { token, expiresAt } = await getToken([scopes].flat().join(' '))
      return { token: token.reveal(), expiresOnTimestamp: expiresAt.getTime() }
    }
  }

  async function clientOf(keyId: string) {
    const { CryptographyClient } = await import('@azure/keyvault-keys')
    return new CryptographyClient(keyId, credential, {
      retryOptions: { maxRetries: 1, retryDelayInMs: 200, maxRetryDelayInMs: 1_000 },
      ...(ca === undefined ? {} : { tlsOptions: { ca } })
    })
  }

  return kmsKey(`azure-key-vault:${url}`, {
    async encrypt(plaintext, context) {
      const client = await clientOf(url)
      const text = Buffer.concat([placeOf(context), plaintext])
      const abortSignal = AbortSignal.timeout(kmsTimeoutMs)
      const { result, keyID = '' } = await client.wrapKey(algorithm, text, { abortSignal })
      return Buffer.from(`${keyID.slice(url.length + 1)}:${Buffer.from(result).toString('base64')}`)
    },
    async decrypt(stored, context) {
      const [version = '', text = ''] = Buffer.from(stored).toString().split(':')
      const ciphertext = Buffer.from(text, 'base64')
      // What lies in the database names a version of this key, and nothing else.
      if (!versionPattern.test(version) || ciphertext.toString('base64') !== text)
        throw cannotOpen()
      const client = await clientOf(`${url}/${version}`)
      const abortSignal = AbortSignal.timeout(kmsTimeoutMs)
      const asked = client.unwrapKey(algorithm, ciphertext, { abortSignal })
      const { result } = await asked.catch((err: unknown) => {
        throw isUnopened(err) ? cannotOpen() : err
      })
      const opened = Buffer.from(result)
      const place = placeOf(context)
      const isWhole = opened.length === place.length + keyBytes
      if (!isWhole || !timingSafeEqual(opened.subarray(0, place.length), place)) throw cannotOpen()
      return opened.subarray(place.length)
    }
  })
}

function placeOf(context: string): Buffer {
  return createHash('sha256').update('weft-place\0').update(context).digest()
}

/** 400 of a text that does not open, 404 of a version that never was; a disabled key is 403. */
function isUnopened(err: unknown): boolean {
  const status = typeof err === 'object' && err !== null && 'statusCode' in err ? err.statusCode : 0
  return status === 400 || status === 404
}
