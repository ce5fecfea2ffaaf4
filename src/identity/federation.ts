import { AppError } from '../base/errors.ts'
import { hashToken } from '../crypto/bearer.ts'
import type { Assertion, AssertionType } from './assertion.ts'
import { type AssertionCheck, checkAssertion, checkOf } from './assertion-checks.ts'
import type { FederatedIdentityView } from './federated-identities.ts'
import type { IssuerKeys } from './issuer-keys.ts'

/** How an assertion stands against one federated identity; it is believed where every check matches. */
export interface Examination {
  readonly identity: FederatedIdentityView
  readonly checks: readonly AssertionCheck[]
}

/** What shows without the keys: no stranger makes Weft call an issuer before all of it matches. */
export function examineClaims(
  identity: FederatedIdentityView,
  assertion: Assertion,
  type: AssertionType,
  now: Date
): Examination {
  const expected = { ...identity, isOneUse: identity.oneUse }
  return { identity, checks: checkAssertion(assertion, expected, type, now) }
}

export function isBelieved({ checks }: Examination): boolean {
  return checks.every(({ matches }) => matches)
}

/** The same and the keys and the signature. A fault of the way to the keys is told and not thrown. */
export async function examineWhole(
  { identity, checks }: Examination,
  assertion: Assertion,
  issuerKeys: IssuerKeys
): Promise<Examination & { readonly fault: AppError | null }> {
  const where = keyPlaceOf(identity)
  const keys = { check: 'keys', claim: null, expected: where } as const
  const signature = { check: 'signature', claim: 'kid', expected: 'a key of the issuer' } as const
  const found = assertion.kid ?? '(no kid)'
  try {
    const matches = await issuerKeys.hasSigned(identity, assertion)
    const hint =
      'No key of the issuer made this signature; a key that is new is looked for once a minute'
    const ends = [
      checkOf({ ...keys, found: 'reached', matches: true, hint: '' }),
      checkOf({ ...signature, found, matches, hint })
    ]
    return { identity, checks: [...checks, ...ends], fault: null }
  } catch (err) {
    if (!(err instanceof AppError)) throw err
    const hint = `The keys can't be had: ${err.message}`
    const ends = [
      checkOf({ ...keys, found: null, matches: false, hint }),
      checkOf({ ...signature, found, matches: false, hint: 'It was not checked' })
    ]
    return { identity, checks: [...checks, ...ends], fault: err }
  }
}

function keyPlaceOf({ issuer, jwks, jwksUri }: FederatedIdentityView): string {
  if (jwks !== null) return 'the keys that were given'
  return jwksUri ?? `the keys that ${issuer} publishes`
}

/** By which an assertion of one use is known again: issuer and `jti`, told apart whatever they hold. */
export function useHashOf({ claims }: Assertion): string {
  return hashToken(JSON.stringify([claims.iss, claims.jti]))
}
