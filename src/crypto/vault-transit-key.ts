import type { Secret } from '../base/secret.ts'
import { cannotOpen } from './compact-jwe.ts'
import type { KeyEncryptionKey } from './key-wrap.ts'
import { kmsKey, kmsUnavailable } from './kms-key.ts'

/** One call to Vault; `outbound/` makes it. */
export type VaultCall = (
  url: string,
  token: Secret,
  body: string
) => Promise<{ readonly status: number; readonly body: Buffer }>

export interface VaultOptions {
  readonly call: VaultCall
  /** Read for each call, so that an agent may renew it. */
  readonly readToken: () => Secret
}

/** In Vault's words, of a text that another key or place made, or that was changed; a key that is gone is 400 too. */
const unopened = /authentication failed|invalid ciphertext|could not be decoded|unable to decode/i
const keyPath = /^(https?:\/\/[^/]+)\/(?:v1\/)?(.+)\/keys\/([^/]+)$/

/**
 * A key of HashiCorp Vault's (or OpenBao's) transit engine, of an AEAD type such as `aes256-gcm96`. There is no
 * official client for Node: two calls of plain HTTP.
 * @param url `https://{host}/transit/keys/{name}`; the ring's kid is `vault-transit:{url}`
 * @see https://developer.hashicorp.com/vault/api-docs/secret/transit#encrypt-data
 */
export function vaultTransitKey(url: string, { call, readToken }: VaultOptions): KeyEncryptionKey {
  const [, origin = '', mount = '', name = ''] = keyPath.exec(url) ?? []

  async function ask(verb: 'encrypt' | 'decrypt', body: object): Promise<Record<string, unknown>> {
    const asked = JSON.stringify(body)
    const answer = await call(`${origin}/v1/${mount}/${verb}/${name}`, readToken(), asked)
    const text = answer.body.toString('utf8')
    if (answer.status === 400 && unopened.test(text)) throw cannotOpen()
    if (answer.status !== 200) throw kmsUnavailable(`Vault answers ${answer.status}`)
    return JSON.parse(text).data
  }

  const bound = (context: string) => Buffer.from(context).toString('base64')
  return kmsKey(`vault-transit:${url}`, {
    async encrypt(plaintext, context) {
      const { ciphertext } = await ask('encrypt', {
        plaintext: Buffer.from(plaintext).toString('base64'),
        associated_data: bound(context)
      })
      return Buffer.from(String(ciphertext))
    },
    async decrypt(stored, context) {
      const ciphertext = Buffer.from(stored).toString()
      const [, text = ''] = /^vault:v\d+:(.+)$/.exec(ciphertext) ?? []
      // One spelling of each text only, whatever the service would let pass.
      if (Buffer.from(text, 'base64').toString('base64') !== text) throw cannotOpen()
      const { plaintext } = await ask('decrypt', {
        ciphertext,
        associated_data: bound(context)
      })
      return Buffer.from(String(plaintext), 'base64')
    }
  })
}
