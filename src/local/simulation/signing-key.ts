import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { exportJWK, generateKeyPair, importJWK, type CryptoKey as JoseKey, type JWK } from 'jose'

export interface SigningKey {
  /** With its private members, for oidc-provider. */
  readonly jwk: JWK & { readonly kid: string }
  readonly publicKey: JoseKey
}

/** An RS256 key whose `kid` is 64 hex characters, kept in `file` (0600) when one is named. */
export async function signingKey(file?: string): Promise<SigningKey> {
  const jwk = file && existsSync(file) ? read(file) : await generate()
  if (file && !existsSync(file)) writeFileSync(file, JSON.stringify(jwk), { mode: 0o600 })
  const { n, e, kty } = jwk
  const publicKey = await importJWK({ kty: kty ?? 'RSA', n: n ?? '', e: e ?? '' }, 'RS256')
  if (publicKey instanceof Uint8Array) throw new TypeError('an RSA key is never symmetric')
  return { jwk, publicKey }
}

function read(file: string): JWK & { kid: string } {
  return JSON.parse(readFileSync(file, 'utf8'))
}

async function generate(): Promise<JWK & { kid: string }> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true, modulusLength: 2048 })
  const jwk = await exportJWK(privateKey)
  return { ...jwk, kid: randomBytes(32).toString('hex'), use: 'sig', alg: 'RS256' }
}
