import type { AuthClient } from 'google-auth-library'
import { kept } from '../base/kept.ts'
import { cannotOpen } from './compact-jwe.ts'
import type { KeyEncryptionKey } from './key-wrap.ts'
import { kmsKey, kmsTimeoutMs } from './kms-key.ts'

export interface GcpOptions {
  readonly endpoint?: string
  /** Default: application default credentials. */
  readonly auth?: () => Promise<Pick<AuthClient, 'request'>>
}

const scopes = ['https://www.googleapis.com/auth/cloudkms']
const endpointDefault = 'https://cloudkms.googleapis.com'

/**
 * A key of Google Cloud KMS, through its REST interface and the official library for credentials, the lightest official
 * way there is. Key versions are the service's own affair.
 * @param name `projects/…/locations/…/keyRings/…/cryptoKeys/…`; the ring's kid is `gcp-kms:{name}`
 * @see https://cloud.google.com/kms/docs/reference/rest/v1/projects.locations.keyRings.cryptoKeys/encrypt
 */
export function gcpKmsKey(name: string, options: GcpOptions = {}): KeyEncryptionKey {
  const { endpoint = endpointDefault, auth = applicationDefault } = options
  const client = kept(auth)

  async function ask(verb: 'encrypt' | 'decrypt', body: object): Promise<Record<string, unknown>> {
    const { data } = await (await client()).request<Record<string, unknown>>({
      url: `${endpoint}/v1/${name}:${verb}`,
      method: 'POST',
      data: body,
      timeout: kmsTimeoutMs
    })
    return data
  }

  const bound = (context: string) => Buffer.from(context).toString('base64')
  return kmsKey(`gcp-kms:${name}`, {
    async encrypt(plaintext, context) {
      const { ciphertext } = await ask('encrypt', {
        plaintext: Buffer.from(plaintext).toString('base64'),
        additionalAuthenticatedData: bound(context)
      })
      return Buffer.from(String(ciphertext), 'base64')
    },
    async decrypt(ciphertext, context) {
      const asked = ask('decrypt', {
        ciphertext: Buffer.from(ciphertext).toString('base64'),
        additionalAuthenticatedData: bound(context)
      })
      const { plaintext } = await asked.catch((err: unknown) => {
        throw isUnopened(err) ? cannotOpen() : err
      })
      return Buffer.from(String(plaintext), 'base64')
    }
  })
}

async function applicationDefault(): Promise<AuthClient> {
  const { GoogleAuth } = await import('google-auth-library')
  return await new GoogleAuth({ scopes }).getClient()
}

/** `INVALID_ARGUMENT` of a text that does not open; a key that is disabled is `FAILED_PRECONDITION`, 400 too. */
function isUnopened(err: unknown): boolean {
  const response =
    typeof err === 'object' && err !== null && 'response' in err ? err.response : null
  return JSON.stringify(response ?? null).includes('"INVALID_ARGUMENT"')
}
