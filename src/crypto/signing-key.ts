import {
  compactVerify,
  createLocalJWKSet,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  importPKCS8,
  type JWK,
  jwtVerify,
  SignJWT
} from 'jose'
import { setNewest } from '../base/bounded-map.ts'
import { Secret } from '../base/secret.ts'

/** ES256 (RFC 7518 §3.4): every verifier that takes an elliptic curve at all takes this one. */
const signingAlgorithm = 'ES256'

/** A public key as it is published (RFC 7517 §4): with `kid`, `alg` and `use`, nothing private in it. */
export type PublicJwk = JWK & { readonly kid: string }

export interface NewSigningKey {
  readonly publicJwk: PublicJwk
  /** PKCS #8 in PEM form. */
  readonly privateKey: Secret
}

/** Members of a JWT's payload (RFC 7519 §4); what they hold is for the reader to check. */
export type Claims = Readonly<Record<string, unknown>>

/** Signs claims as a compact JWS; `typ` says what the token is (RFC 8725 §3.11). */
export type SignToken = (typ: string, claims: Claims) => Promise<string>

/** A fresh P-256 key pair. */
export async function newSigningKey(kid: string): Promise<NewSigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(signingAlgorithm, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg: signingAlgorithm, use: 'sig' }
  return { publicJwk, privateKey: new Secret(await exportPKCS8(privateKey)) }
}

/** The key, ready to sign; it cannot be read out of memory again by this process. */
export async function openSigningKey(kid: string, privateKey: Secret): Promise<SignToken> {
  const key = await importPKCS8(privateKey.reveal(), signingAlgorithm)
  return (typ, claims) =>
    new SignJWT({ ...claims }).setProtectedHeader({ alg: signingAlgorithm, kid, typ }).sign(key)
}

export interface OwnToken {
  readonly issuer: string
  readonly typ: string
  readonly now: Date
}

/**
 * The claims of a token that one of `keys` signed, of exactly this issuer and type and not over yet; null for
 * anything else. No leeway: both ends are one deployment, on one clock.
 */
export async function verifyOwnToken(
  keys: readonly PublicJwk[],
  token: string,
  { issuer, typ, now }: OwnToken
): Promise<Claims | null> {
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet({ keys: [...keys] }), {
      algorithms: [signingAlgorithm],
      issuer,
      typ,
      currentDate: now,
      requiredClaims: ['aud', 'exp', 'iat', 'jti', 'sub']
    })
    return payload
  } catch {
    return null
  }
}

/** The claims of whatever one of `keys` signed as this type, however long ago; null for anything else. */
export async function verifyOwnSignature(
  keys: readonly PublicJwk[],
  token: string,
  typ: string
): Promise<Claims | null> {
  try {
    const { payload, protectedHeader } = await compactVerify(
      token,
      createLocalJWKSet({ keys: [...keys] }),
      { algorithms: [signingAlgorithm] }
    )
    if (protectedHeader.typ !== typ) return null
    const claims: unknown = JSON.parse(new TextDecoder().decode(payload))
    return typeof claims === 'object' && claims !== null ? { ...claims } : null
  } catch {
    return null
  }
}

const jwtShape = /^eyJ[A-Za-z0-9_-]{10,4096}\.[A-Za-z0-9_-]{2,8192}\.[A-Za-z0-9_-]{10,1024}$/

/** Whether a text has the shape of a signed JWT; it proves nothing. */
export function looksLikeJwt(text: string): boolean {
  return jwtShape.test(text)
}

/** The `kid` that a JWT claims, not authenticated: only to pick a key; null for rubbish. */
export function claimedSigningKid(token: string): string | null {
  const header = token.slice(0, token.indexOf('.'))
  // Each call asks, and what one key signs has one header.
  const known = kidsByHeader.get(header)
  if (known !== undefined) return known
  const kid = kidIn(header)
  if (header.length <= headerMax) setNewest(kidsByHeader, header, kid, kidsMax)
  return kid
}

const kidsByHeader = new Map<string, string | null>()
const kidsMax = 100
const headerMax = 256

function kidIn(encoded: string): string | null {
  try {
    const header: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString())
    const isNamed = typeof header === 'object' && header !== null && 'kid' in header
    return isNamed && typeof header.kid === 'string' ? header.kid : null
  } catch {
    return null
  }
}
