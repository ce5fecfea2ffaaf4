import { type CipherGCMTypes, createCipheriv } from 'node:crypto'
import { Secret } from '../../src/base/secret.ts'
import type { DataKey, RowContext } from '../../src/crypto/envelope.ts'

/** Made once with node:crypto, so that neither jose nor our own sealing vouches for itself. */
export const fixture = {
  dataKey: {
    id: 'dek_01',
    key: secretBytes('030a11181f262d343b424950575e656c737a81888f969da4abb2b9c0c7ced5dc')
  } satisfies DataKey,
  row: {
    tenantId: 'ten_01',
    table: 'grants',
    rowId: 'grt_01',
    column: 'refresh_token'
  } satisfies RowContext,
  plaintext: 'fixture: grüße 🔑',
  sealed:
    'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiZGVrXzAxIiwiY3R4IjpbInRlbl8wMSIsImdyYW50cyIsImdydF8wMSIsInJlZnJlc2hfdG9rZW4iXX0..AAECAwQFBgcICQoL.qogKshjr0tZL_NBfdaurpfcy_C9e.1TKf8fbsJG6CPx3zEvx6Og',
  ringKey: {
    kid: 'k1',
    key: secretBytes('05101b26313c47525d68737e89949faab5c0cbd6e1ecf7020d18232e39444f5a'),
    fingerprint: '2084e25495748507'
  },
  wrapContext: 'ten_01/data_keys/dek_01',
  wrapped:
    'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIiwia2lkIjoiazEiLCJjdHgiOlsia2V5LXdyYXAiLCJ0ZW5fMDEvZGF0YV9rZXlzL2Rla18wMSJdfQ..AAECAwQFBgcICQoL.i3fQHhR7Idez2lTBJ0lcX0MQd1uToKQUmJaufGhiT4k.UTvzf9J1Qw9x_YKbN8Q7Hg'
} as const

/** The header that belongs to the fixture's row. */
export const fixtureHeader = {
  alg: 'dir',
  enc: 'A256GCM',
  kid: 'dek_01',
  ctx: ['ten_01', 'grants', 'grt_01', 'refresh_token']
} as const

export interface Forgery {
  readonly header?: object
  readonly key?: Secret<Uint8Array>
  readonly plaintext?: string | Uint8Array
  readonly ivBytes?: number
  readonly tagBytes?: number
  readonly cipher?: CipherGCMTypes
}

/** Compact JWE with node:crypto, of any shape that someone who holds the key could make. */
export function forge({
  header = fixtureHeader,
  key = fixture.dataKey.key,
  plaintext = fixture.plaintext,
  ivBytes = 12,
  tagBytes = 16,
  cipher = 'aes-256-gcm'
}: Forgery = {}): string {
  const iv = Buffer.alloc(ivBytes, 7)
  const protectedHeader = Buffer.from(JSON.stringify(header)).toString('base64url')
  const gcm = createCipheriv(cipher, key.reveal(), iv, { authTagLength: tagBytes })
  gcm.setAAD(Buffer.from(protectedHeader))
  const ciphertext = Buffer.concat([gcm.update(plaintext), gcm.final()])
  const parts = [iv, ciphertext, gcm.getAuthTag()].map((part) => part.toString('base64url'))
  return [protectedHeader, '', ...parts].join('.')
}

function secretBytes(hex: string): Secret<Uint8Array> {
  return new Secret(new Uint8Array(Buffer.from(hex, 'hex')))
}
