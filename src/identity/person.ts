import { createHash } from 'node:crypto'

/** Whom an identity provider vouches for, from a checked ID token. */
export interface Person {
  readonly issuer: string
  readonly subject: string
  /** Null where the provider names none, or one that is not plainly an address. */
  readonly email: EmailAddress | null
  readonly isEmailVerified: boolean
  readonly name: string
}

export interface EmailAddress {
  readonly text: string
  /** Lower case. */
  readonly domain: string
}

const localPart = /^[A-Za-z0-9_+-]+(\.[A-Za-z0-9_+-]+)*$/
const domainPart = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/
const localPartMax = 64

/**
 * An address only where there is nothing to argue about: one `@`, plain ASCII, no quotes, no trailing dot.
 * What mail software might read in two ways (RFC 5321 §4.1.2 allows much) belongs to nobody.
 */
export function parseEmail(value: unknown): EmailAddress | null {
  if (typeof value !== 'string') return null
  const [local = '', domain = '', ...rest] = value.split('@')
  const lowerDomain = domain.toLowerCase()
  if (rest.length > 0 || local.length > localPartMax) return null
  if (!/^[\x21-\x7e]+$/.test(value) || !localPart.test(local)) return null
  return domainPart.test(lowerDomain)
    ? { text: `${local}@${lowerDomain}`, domain: lowerDomain }
    : null
}

/** Whether a lower-case text is a domain that addresses can have. */
export function isEmailDomain(text: string): boolean {
  return domainPart.test(text)
}

/** Whether two texts are one address; letter case does not count. */
export function isSameEmail(email: EmailAddress, other: string): boolean {
  return email.text.toLowerCase() === parseEmail(other)?.text.toLowerCase()
}

/** The key of a person: SHA-256 over issuer and subject, each led by its length, so that no two pairs meet. */
export function identityHash(issuer: string, subject: string): string {
  const parts = [issuer, subject].map((part) => `${Buffer.byteLength(part)}:${part}`)
  return createHash('sha256').update(parts.join('')).digest('hex')
}

const nameMax = 200

/** A name to show: one line, no control or direction marks. */
export function displayName(...candidates: readonly unknown[]): string {
  for (const candidate of candidates) {
    if (typeof candidate !== 'string') continue
    const plain = candidate.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, '').trim()
    if (plain !== '') return plain.slice(0, nameMax).toWellFormed()
  }
  return 'Somebody'
}
