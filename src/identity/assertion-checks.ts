import type { Assertion, AssertionType } from './assertion.ts'
import { claimAt, claimMatches } from './claim-patterns.ts'
import type { Conditions } from './shared-issuers.ts'

/** What an assertion must be to be believed; of a federated identity, but for its keys. */
export interface Expectations extends Conditions {
  readonly issuer: string
  readonly audience: string
  readonly maxAgeSeconds: number | null
  readonly isOneUse: boolean
}

/** One thing that must hold, and how it stands. */
export interface AssertionCheck {
  readonly check: CheckName
  /** Of the JWT's payload or header; null: the check is about more than one. */
  readonly claim: string | null
  readonly expected: string
  /** Null: it is not there. */
  readonly found: string | null
  readonly matches: boolean
  /** What to do, where it does not hold. */
  readonly detail: string | null
}

export type CheckName =
  | 'algorithm'
  | 'type'
  | 'issuer'
  | 'audience'
  | 'expiry'
  | 'not_before'
  | 'issued_at'
  | 'lifetime'
  | 'age'
  | 'subject'
  | 'claim'
  | 'one_use'
  | 'keys'
  | 'signature'

/** RFC 7518 §3.1 and RFC 8037: asymmetric, and no others. */
export const assertionAlgorithms = ['RS256', 'ES256', 'EdDSA']
const leewaySeconds = 30
const lifetimeMaxSeconds = 24 * 60 * 60
/** What only the ID token of a person's login holds (OpenID Connect Core §2, §3.1.3.6, §3.3.2.11). */
const loginClaims = ['nonce', 'at_hash', 'c_hash']
const foundLengthMax = 256

type Verdict = Omit<AssertionCheck, 'matches' | 'detail' | 'found'> & {
  readonly found: unknown
  readonly matches: boolean
  readonly hint: string
}

/** Everything that shows without the issuer's keys; the same for who asks for a token and for who tests one. */
export function checkAssertion(
  assertion: Assertion,
  expected: Expectations,
  type: AssertionType,
  now: Date
): AssertionCheck[] {
  const { claims } = assertion
  const nowSeconds = now.getTime() / 1000
  return [
    ...headerVerdicts(assertion, type),
    {
      check: 'issuer',
      claim: 'iss',
      expected: expected.issuer,
      found: claims.iss,
      matches: claims.iss === expected.issuer,
      hint: 'The issuer is compared letter by letter, a slash at its end included'
    } as const,
    {
      check: 'audience',
      claim: 'aud',
      expected: expected.audience,
      found: claims.aud,
      matches: [claims.aud].flat().includes(expected.audience),
      hint: 'Ask the issuer for a token with this audience'
    } as const,
    ...timeVerdicts(assertion, expected, nowSeconds),
    ...patternVerdicts(assertion, expected)
  ].map(checkOf)
}

function headerVerdicts({ alg, typ, isCritical, claims }: Assertion, type: AssertionType) {
  const isPlainType = (typ === null || /^jwt$/i.test(typ)) && !isCritical
  const loginClaim = loginClaims.find((name) => name in claims)
  const isLogin = type === 'jwt' && loginClaim !== undefined
  return [
    {
      check: 'algorithm',
      claim: 'alg',
      expected: assertionAlgorithms.join(', '),
      found: alg,
      matches: alg !== null && assertionAlgorithms.includes(alg),
      hint: 'The issuer must sign with one of these'
    },
    {
      check: 'type',
      claim: 'typ',
      expected: 'JWT, or none',
      found: isLogin ? `${typ} with ${loginClaim}` : typ,
      matches: isPlainType && !isLogin,
      hint: isLogin
        ? 'It is the ID token of a login: its subject_token_type is id_token'
        : 'A token of another kind, such as an access token, is no assertion'
    }
  ] as const satisfies readonly Verdict[]
}

function timeVerdicts({ claims }: Assertion, expected: Expectations, now: number): Verdict[] {
  const { exp = Number.NaN, iat = Number.NaN, nbf } = claims
  const { maxAgeSeconds } = expected
  const verdicts: (Verdict | false)[] = [
    {
      check: 'expiry',
      claim: 'exp',
      expected: `after ${timeOf(now)}`,
      found: timeOf(exp),
      matches: exp > now - leewaySeconds,
      hint: 'Get a fresh token from the issuer'
    },
    nbf !== undefined && {
      check: 'not_before',
      claim: 'nbf',
      expected: `before ${timeOf(now)}`,
      found: timeOf(nbf),
      matches: nbf <= now + leewaySeconds,
      hint: "It is not valid yet; compare the issuer's clock"
    },
    {
      check: 'issued_at',
      claim: 'iat',
      expected: `before ${timeOf(now)}`,
      found: timeOf(iat),
      matches: iat <= now + leewaySeconds,
      hint: "It comes from the future, or does not say when it was issued; compare the issuer's clock"
    },
    {
      check: 'lifetime',
      claim: null,
      expected: `at most ${lifetimeMaxSeconds} s from iat to exp`,
      found: Number.isFinite(exp - iat) ? `${exp - iat} s` : null,
      matches: exp - iat <= lifetimeMaxSeconds,
      hint: 'Ask the issuer for a shorter-lived token'
    },
    maxAgeSeconds !== null && {
      check: 'age',
      claim: 'iat',
      expected: `issued at most ${maxAgeSeconds} s ago`,
      found: Number.isFinite(iat) ? `${Math.round(now - iat)} s ago` : null,
      matches: now - iat <= maxAgeSeconds + leewaySeconds,
      hint: 'Get a fresh token from the issuer'
    }
  ]
  return verdicts.filter((verdict) => verdict !== false)
}

function patternVerdicts({ claims }: Assertion, expected: Expectations): Verdict[] {
  const { subject, isOneUse } = expected
  const ofClaims = Object.entries(expected.claims).map(([name, pattern]) => {
    const found = claimAt(claims, name)
    const matches = claimMatches(pattern, found)
    const hint = `The claim must fit the pattern; * stands for any letters`
    return { check: 'claim', claim: name, expected: pattern, found, matches, hint } as const
  })
  const verdicts: (Verdict | false)[] = [
    subject !== null && {
      check: 'subject',
      claim: 'sub',
      expected: subject,
      found: claims.sub,
      matches: typeof claims.sub === 'string' && claimMatches(subject, claims.sub),
      hint: 'The subject must fit the pattern; * stands for any letters'
    },
    ...ofClaims,
    isOneUse && {
      check: 'one_use',
      claim: 'jti',
      expected: 'an id that was not seen before',
      found: claims.jti,
      matches: typeof claims.jti === 'string' && claims.jti !== '',
      hint: 'The issuer must give each token an id'
    }
  ]
  return verdicts.filter((verdict) => verdict !== false)
}

/** Of a check that is made elsewhere, in the same form. */
export function checkOf({ found, matches, hint, ...rest }: Verdict): AssertionCheck {
  return { ...rest, found: shown(found), matches, detail: matches ? null : hint }
}

function shown(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > foundLengthMax ? `${text.slice(0, foundLengthMax)}…` : text
}

/** Null: no time, or none that a calendar has. */
function timeOf(seconds: number): string | null {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}
