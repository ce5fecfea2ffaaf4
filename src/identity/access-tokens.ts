import { secondsOf } from '../base/clock.ts'
import {
  asId,
  type CredentialId,
  type FabricId,
  type IdKind,
  type IdOf,
  idPattern,
  type ServiceAccountId,
  type TenantId
} from '../base/ids.ts'
import type { Claims } from '../crypto/signing-key.ts'
import type { SigningKeys } from '../vault/signing-keys.ts'

/** What a token of ours says; what it is worth stands in the database. */
export interface AccessTokenFacts {
  readonly tenantId: TenantId
  readonly serviceAccountId: ServiceAccountId
  /** What it was got with: it ends when that does. */
  readonly credentialId: CredentialId
  /** Of the credential as it was then, where a change of it ends what it gave; else null. */
  readonly credentialVersion: number | null
  /** The one fabric that it is good for; null: whichever the service account may reach. */
  readonly fabricId: FabricId | null
  readonly expiresAt: Date
  /** Its own id (`jti`), by which the record knows it. */
  readonly tokenId: IdOf<'token'>
}

/** Tokens of RFC 9068: signed, short-lived, told apart from any other JWT by their type. */
export interface AccessTokens {
  /** @param facts with both times in whole seconds */
  issue(facts: AccessTokenFacts & { readonly issuedAt: Date }): Promise<string>
  /** Null: not one of ours, or over. */
  read(token: string): Promise<AccessTokenFacts | null>
  /** Of one that was read: whether its key has not been dropped since. */
  isBelieved(token: string): boolean
}

/** What they are, to whoever looks at a signature (RFC 9068 §2.1). */
export const accessTokenTyp = 'at+jwt'
/** The one scope that Databricks clients ask for. */
const tokenScope = 'all-apis'

export function createAccessTokens(deps: {
  readonly signingKeys: Pick<SigningKeys, 'sign' | 'verify' | 'believes'>
  readonly publicUrl: string
}): AccessTokens {
  const { signingKeys, publicUrl } = deps
  const fabricPrefix = `${publicUrl}/fabrics/`

  return {
    issue: (facts) =>
      signingKeys.sign(accessTokenTyp, {
        iss: publicUrl,
        aud: facts.fabricId === null ? publicUrl : fabricPrefix + facts.fabricId,
        sub: facts.serviceAccountId,
        client_id: facts.serviceAccountId,
        jti: facts.tokenId,
        iat: secondsOf(facts.issuedAt),
        exp: secondsOf(facts.expiresAt),
        scope: tokenScope,
        tenant: facts.tenantId,
        credential: facts.credentialId,
        ...(facts.credentialVersion !== null && { credential_version: facts.credentialVersion })
      }),
    async read(token) {
      const claims = await signingKeys.verify(token, { typ: accessTokenTyp, issuer: publicUrl })
      return claims === null ? null : factsOf(claims, publicUrl, fabricPrefix)
    },
    isBelieved: (token) => signingKeys.believes(token)
  }
}

function factsOf(claims: Claims, publicUrl: string, prefix: string): AccessTokenFacts | null {
  const { aud, exp, jti, sub, tenant, credential, credential_version: version = null } = claims
  const isFabric = typeof aud === 'string' && aud.startsWith(prefix)
  const fabricId = isFabric ? idOf('fabric', aud.slice(prefix.length)) : null
  const tenantId = idOf('tenant', tenant)
  const tokenId = idOf('token', jti)
  const serviceAccountId = idOf('serviceAccount', sub)
  const credentialId = idOf('key', credential) ?? idOf('federatedIdentity', credential)
  if (fabricId === null && aud !== publicUrl) return null
  if (tenantId === null || serviceAccountId === null || credentialId === null) return null
  if (tokenId === null) return null
  if (typeof exp !== 'number' || (version !== null && typeof version !== 'number')) return null
  const expiresAt = new Date(exp * 1000)
  return {
    tenantId,
    serviceAccountId,
    credentialId,
    credentialVersion: version,
    fabricId,
    expiresAt,
    tokenId
  }
}

function idOf<K extends IdKind>(kind: K, value: unknown): IdOf<K> | null {
  const isOne = typeof value === 'string' && new RegExp(idPattern(kind)).test(value)
  return isOne ? asId(kind, value) : null
}
