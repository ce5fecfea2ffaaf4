import { importJWK, type JSONWebKeySet } from 'jose'
import { AppError, type InputFault } from '../base/errors.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { isSaying } from './claim-patterns.ts'
import { issuerHosts } from './issuer-keys.ts'
import { isPlainHttp } from './login-metadata.ts'
import { strangersLetIn } from './shared-issuers.ts'

/** Whom a service account believes, and what an assertion of theirs must hold. */
export interface FederatedIdentityInput {
  readonly name: string
  /** Letter by letter as in the claim `iss`. */
  readonly issuer: string
  readonly audience: string
  /** Pattern of `sub`, see `matchesPattern`; null: any. */
  readonly subject: string | null
  /** Patterns by claim, see `claimAt`. */
  readonly claims: Readonly<Record<string, string>>
  /** Where the keys are, or the keys; both null: where the issuer's discovery document says. */
  readonly jwksUri: string | null
  readonly jwks: JSONWebKeySet | null
  readonly maxAgeSeconds: number | null
  readonly oneUse: boolean
}

/** Claims that have members of their own here. */
const reserved = new Set(['iss', 'aud', 'sub', 'exp', 'nbf', 'iat'])
/** RFC 7518 §6: what a private or symmetric key has and a public one has not. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']
const algorithmOf: Readonly<Record<string, string>> = { RSA: 'RS256', EC: 'ES256', OKP: 'EdDSA' }
const rsaBytesMin = 256

/**
 * What a schema can't say of a federated identity, every fault at once.
 * @throws AppError `invalid_request`
 */
export async function checkFederation(
  input: FederatedIdentityInput,
  outbound: Pick<Outbound, 'checkUrl'>,
  publicUrl: string
): Promise<void> {
  const { issuer, subject, claims, jwksUri, jwks } = input
  const isFetched = jwks === null && jwksUri === null
  const errors = [
    ...urlFaults('/issuer', issuer, isFetched ? outbound : null),
    ...(jwksUri === null ? [] : urlFaults('/jwksUri', jwksUri, outbound)),
    ...(jwks === null ? [] : await keyFaults(jwks)),
    issuer.replace(/\/$/, '') === publicUrl &&
      fault('/issuer', "is Weft's own: its tokens are no assertions"),
    jwks !== null && jwksUri !== null && fault('/jwks', 'stands beside jwksUri: give one of them'),
    ![subject ?? '', ...Object.values(claims)].some(isSaying) &&
      fault('/subject', 'and claims match any assertion of the issuer: narrow one of them'),
    ...Object.keys(claims).map(
      (name) =>
        reserved.has(name) &&
        fault(`/claims/${name}`, 'is not for a pattern: it has its own member')
    )
  ].filter((one) => one !== false)
  const strangers = errors.length > 0 ? null : strangersLetIn(issuer, { subject, claims })
  if (strangers !== null) errors.push(fault('/subject', strangers))
  if (errors.length > 0) throw new AppError('invalid_request', { errors })
}

function fault(pointer: string, message: string): InputFault {
  return { pointer, message }
}

/** @param outbound null: the address is a name only, and never called */
function urlFaults(
  pointer: string,
  text: string,
  outbound: Pick<Outbound, 'checkUrl'> | null
): InputFault[] {
  const url = URL.parse(text)
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url === null || !isWeb) return [fault(pointer, 'must be an https URL')]
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text)) {
    return [fault(pointer, 'must have no credentials, query or fragment')]
  }
  try {
    isPlainHttp(outbound === null ? url : outbound.checkUrl(text, issuerHosts))
    return []
  } catch (err) {
    if (!(err instanceof AppError)) throw err
    return [fault(pointer, 'is not an address that Weft calls; its keys can be given as jwks')]
  }
}

async function keyFaults({ keys }: JSONWebKeySet): Promise<InputFault[]> {
  const faults = await Promise.all(
    keys.map(async (key, at) => {
      const pointer = `/jwks/keys/${at}`
      if (privateMembers.some((name) => name in key)) return fault(pointer, 'is not a public key')
      const alg = algorithmOf[key.kty ?? '']
      const isShort =
        key.kty === 'RSA' && Buffer.from(key.n ?? '', 'base64url').length < rsaBytesMin
      if (alg === undefined || isShort || (key.alg !== undefined && key.alg !== alg)) {
        return fault(pointer, 'is not a key of RS256 (2048 bits or more), ES256 or EdDSA')
      }
      const isReadable = await importJWK(key, alg).then(
        () => true,
        () => false
      )
      return isReadable ? false : fault(pointer, 'is not a valid key')
    })
  )
  return faults.filter((one) => one !== false)
}
