import assert from 'node:assert'
import { isIP } from 'node:net'
import { AppError } from '../base/errors.ts'

/** Where a call may go. Each kind also lets through the exact origins that the operator named. */
export type HostRule =
  /** Exactly this origin (scheme, host, port): a fabric's pinned workspace host. */
  | { readonly kind: 'origin'; readonly origin: string }
  /** Any https host under one of these dot-led suffixes, port 443. */
  | { readonly kind: 'zones'; readonly zones: readonly string[] }
  /** Any https host whose every address is public: an identity provider that an admin names. */
  | { readonly kind: 'public' }

export interface HostGuard {
  /**
   * The parsed URL, if the rule lets it through. No I/O: addresses are checked when connecting.
   * @throws AppError `host_not_allowed`
   */
  checkUrl(url: string | URL, rule: HostRule): URL
  /** Whether the operator named this exact origin: only then are http:, IP literals, other ports and
   * private addresses accepted. */
  isNamed(origin: string): boolean
}

const printable = /^[\x21-\x5b\x5d-\x7e]+$/ // no spaces, controls, backslashes, nothing beyond ASCII
const authorityOf = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]+)/i
const zonePattern = /^(\.[a-z0-9-]+){2,}$/
const defaultPorts: Readonly<Record<string, string>> = { 'https:': ':443', 'http:': ':80' }

function refuse(note: string): AppError {
  return new AppError('host_not_allowed', { note })
}

/**
 * WHATWG parsing forgives much: userinfo, tabs, backslashes, percent-encoded and Unicode hosts, decimal
 * and octal addresses. So the host as written must be the host as parsed, byte for byte but for case.
 */
function parseStrictly(input: string | URL): URL {
  const text = typeof input === 'string' ? input : input.href
  const url = printable.test(text) ? URL.parse(text) : null
  if (url === null) throw refuse('not a URL')
  const written = authorityOf.exec(text)?.[1]?.toLowerCase()
  if (written === undefined) throw refuse('no host')
  if (written !== url.host && written !== url.host + (defaultPorts[url.protocol] ?? '')) {
    throw refuse('the host as written is not the host as parsed')
  }
  if (url.hostname.endsWith('.')) throw refuse('trailing dot')
  return url
}

function isLiteral(hostname: string): boolean {
  return hostname.startsWith('[') || isIP(hostname) !== 0
}

function isInZone(hostname: string, zones: readonly string[]): boolean {
  return zones.some((zone) => {
    assert(zonePattern.test(zone), 'a zone is a dot-led suffix of two labels or more')
    return hostname.length > zone.length && hostname.endsWith(zone)
  })
}

/** @param extraOrigins exact origins, `scheme://host[:port]`, as the operator named them */
export function createHostGuard(extraOrigins: readonly string[]): HostGuard {
  const named = new Set(
    extraOrigins.map((origin) => {
      const url = new URL(origin)
      assert(/^https?:$/.test(url.protocol), 'an extra origin is http: or https:')
      assert(url.href === `${url.origin}/`, 'an extra origin has no path, query or userinfo')
      return url.origin
    })
  )

  function checkUrl(input: string | URL, rule: HostRule): URL {
    const url = parseStrictly(input)
    if (rule.kind === 'origin' && rule.origin !== url.origin) throw refuse('another origin')
    if (named.has(url.origin)) return url
    if (url.protocol !== 'https:') throw refuse('not https')
    if (isLiteral(url.hostname)) throw refuse('IP literal')
    if (!url.hostname.includes('.')) throw refuse('a host of one label')
    if (url.port !== '' && rule.kind !== 'public') throw refuse('another port')
    if (rule.kind === 'zones' && !isInZone(url.hostname, rule.zones)) throw refuse('no such zone')
    return url
  }

  return { checkUrl, isNamed: (origin) => named.has(origin) }
}
