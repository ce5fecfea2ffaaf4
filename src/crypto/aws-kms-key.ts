import { kept } from '../base/kept.ts'
import { cannotOpen } from './compact-jwe.ts'
import type { KeyEncryptionKey } from './key-wrap.ts'
import { kmsKey, kmsTimeoutMs } from './kms-key.ts'

export interface AwsOptions {
  /** Default: the region's own. */
  readonly endpoint?: string
}

/** The service says so of a text that another key or another context made, or that was changed. */
const unopened = new Set(['InvalidCiphertextException', 'IncorrectKeyException'])

/**
 * A key of AWS KMS. Credentials are found as every AWS client finds them: environment, web identity, instance role.
 * @param arn of one key, not of an alias, which may be pointed elsewhere; the ring's kid is `aws-kms:{arn}`
 * @see https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
 */
export function awsKmsKey(arn: string, { endpoint }: AwsOptions = {}): KeyEncryptionKey {
  /** Loaded when it is first needed: no other deployment pays for it. */
  const load = kept(async () => {
    const aws = await import('@aws-sdk/client-kms')
    const region = arn.split(':')[3] ?? ''
    const requestHandler = {
      connectionTimeout: 2_000,
      requestTimeout: kmsTimeoutMs,
      throwOnRequestTimeout: true
    }
    const known = { region, maxAttempts: 2, requestHandler }
    return {
      aws,
      client: new aws.KMSClient(endpoint === undefined ? known : { ...known, endpoint })
    }
  })

  const of = (context: string) => ({ KeyId: arn, EncryptionContext: { 'weft:place': context } })

  return kmsKey(`aws-kms:${arn}`, {
    async encrypt(plaintext, context) {
      const { aws, client } = await load()
      const command = new aws.EncryptCommand({ ...of(context), Plaintext: plaintext })
      return (await client.send(command)).CiphertextBlob ?? new Uint8Array()
    },
    async decrypt(ciphertext, context) {
      const { aws, client } = await load()
      const command = new aws.DecryptCommand({ ...of(context), CiphertextBlob: ciphertext })
      try {
        return (await client.send(command)).Plaintext ?? new Uint8Array()
      } catch (err) {
        throw err instanceof Error && unopened.has(err.name) ? cannotOpen() : err
      }
    }
  })
}
