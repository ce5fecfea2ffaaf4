import { decodeJwt, decodeProtectedHeader, type JWTPayload } from 'jose'

/** A JWT that somebody presents, taken apart and believed in nothing. */
export interface Assertion {
  readonly token: string
  readonly alg: string | null
  readonly kid: string | null
  readonly typ: string | null
  /** Whether the header has members that a verifier must understand (RFC 7515 §4.1.11). */
  readonly isCritical: boolean
  readonly claims: JWTPayload
}

/** How the caller called it (RFC 8693 §3). */
export type AssertionType = 'jwt' | 'id_token'

const assertionLengthMax = 12_288

/** Null: no compact JWS with a JSON object in it. */
export function parseAssertion(text: string): Assertion | null {
  if (text.length > assertionLengthMax) return null
  try {
    const header = decodeProtectedHeader(text)
    const { alg, kid, typ } = header
    return {
      token: text,
      alg: textOf(alg),
      kid: textOf(kid),
      typ: textOf(typ),
      isCritical: 'crit' in header,
      claims: decodeJwt(text)
    }
  } catch {
    return null
  }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}
