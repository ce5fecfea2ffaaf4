import { decodeJwt, decodeProtectedHeader } from 'jose'
import type { IDToken } from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { entraAuthorityOf, entraIssuer } from '../base/issuer.ts'
import { isJsonObject, parseJsonObject } from '../base/json-object.ts'
import { displayName, type Person, parseEmail } from './person.ts'
import { issuersOf } from './way-in.ts'

/** An ID token answers an attempt, and no attempt lives longer. */
const idTokenAgeMaxSeconds = 10 * 60
export const toleranceSeconds = 60

type Claims = Readonly<Record<string, unknown>>

interface Issuing {
  readonly kind: 'entra' | 'oidc'
  readonly issuer: string
  readonly allowedTenantIds: readonly string[]
}

export interface GroupClaim {
  /** The groups that the provider names; empty where it names none. */
  readonly ids: readonly string[]
  /** The person is in more groups than the token holds, so that nothing is known (Entra ID: over 200). */
  readonly isOverage: boolean
}

function refused(note: string): AppError {
  return new AppError('unauthenticated', {
    detail: "The identity provider's answer does not hold",
    note
  })
}

/**
 * The issuer that this token must carry. Entra's `common` and `organizations` speak for every tenant, so the
 * token names its own, and it counts only if it is on the list; the token is proven against it afterwards.
 * @throws AppError `unauthenticated`
 */
export function expectedIssuer(target: Issuing, token: string): string {
  const authority = target.kind === 'entra' ? entraAuthorityOf(target.issuer) : null
  if (authority === null || authority.tenantId !== null) return target.issuer
  const { tid } = claimsOf(token)
  const isAllowed = typeof tid === 'string' && target.allowedTenantIds.includes(tid)
  if (!isAllowed) throw refused('tid')
  return entraIssuer(authority, tid)
}

function claimsOf(token: string): Claims {
  try {
    return decodeJwt(token)
  } catch {
    throw refused('not a JWT')
  }
}

const subjectPattern = /^[^\p{Cc}\p{Cs}]{1,255}$/u

/** What openid-client leaves to us: an ID token as young as its attempt, a subject that can be a key. */
export function checkClaims(claims: IDToken | undefined, clock: Clock): IDToken {
  const nowSeconds = clock.now().getTime() / 1000
  const ageSeconds = nowSeconds - (claims?.iat ?? Number.NaN)
  const isTimely =
    ageSeconds <= idTokenAgeMaxSeconds + toleranceSeconds && ageSeconds >= -toleranceSeconds
  if (claims !== undefined && isTimely && subjectPattern.test(claims.sub)) return claims
  throw refused(isTimely ? 'subject' : 'iat')
}

const guid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * What is Entra's own: the token's tenant is its issuer's, its person has an object id, and the key that
 * signed it may sign for that tenant.
 * @param keys the provider's JWKS document; Entra says at each key whose it is
 */
export function checkEntra(target: Issuing, claims: IDToken, token: string, keys: string): void {
  if (target.kind !== 'entra') return
  const { iss, tid, oid } = claims
  const isOwn = typeof tid === 'string' && entraAuthorityOf(iss)?.tenantId === tid
  if (!isOwn || !issuersOf(target).includes(iss)) throw refused('tid')
  if (typeof oid !== 'string' || !guid.test(oid)) throw refused('oid')
  const { kid } = decodeProtectedHeader(token)
  const { keys: all } = parseJsonObject(keys) ?? {}
  const own = Array.isArray(all) ? all.filter(isJsonObject) : []
  const signed = kid === undefined ? own : own.filter((key) => key.kid === kid)
  const mayNotSign = signed.some(
    ({ issuer }) => typeof issuer === 'string' && issuer.replace('{tenantid}', tid) !== iss
  )
  if (mayNotSign) throw refused('key issuer')
}

/**
 * Identity from the ID token only: issuer and subject, at Entra ID tenant and object id, for its subject is
 * another in every app. The profile, email and its verification always come from one source.
 */
export function personOf(target: Issuing, claims: IDToken, profile: Claims): Person {
  const { iss, sub, oid } = claims
  const isEntra = target.kind === 'entra'
  const email =
    parseEmail(profile.email) ?? (isEntra ? parseEmail(profile.preferred_username) : null)
  return {
    issuer: iss,
    subject: isEntra && typeof oid === 'string' ? oid : sub,
    email,
    isEmailVerified:
      email !== null &&
      (isEntra ? isDomainVerified(email.text, profile) : profile.email_verified === true),
    name: displayName(profile.name, profile.preferred_username, email?.text)
  }
}

/** Entra lets an admin write any address into `email`; only with this optional claim it is the owner's. */
function isDomainVerified(email: string, { email: claimed, xms_edov: verified }: Claims): boolean {
  const isYes = verified === true || verified === 1 || verified === '1' || verified === 'true'
  return isYes && parseEmail(claimed)?.text === email
}

/** @see https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference groups overage */
export function groupsOf(claims: Claims): GroupClaim {
  const { groups, _claim_names: elsewhere, hasgroups } = claims
  const listed = typeof groups === 'string' ? [groups] : groups
  const ids = Array.isArray(listed) ? listed.filter((id) => typeof id === 'string') : []
  const isElsewhere = isJsonObject(elsewhere) && elsewhere.groups !== undefined
  return { ids, isOverage: groups === undefined && (isElsewhere || hasgroups === true) }
}
