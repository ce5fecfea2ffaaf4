import ipaddr from 'ipaddr.js'
import { entraAuthorityOf, isEntraIssuer } from '../base/issuer.ts'
import { Secret } from '../base/secret.ts'
import { serviceLinkAdvice } from './advice.ts'
import { parsePlain } from './names.ts'
import { orRefuse, parseList, refuseWhere } from './refusal.ts'

export function parsePort(text: string): number {
  refuseWhere({
    [serviceLinkAdvice]: text.startsWith('tcp://'),
    'is not a port from 0 to 65535': !/^\d{1,5}$/.test(text) || Number(text) > 65_535
  })
  return Number(text)
}

const parseUrl = (text: string) => orRefuse('is not a URL', () => new URL(parsePlain(text)))
const loopbackHost = /^(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** An https address (http on loopback) of nothing but an origin and a path. */
export function parseWebUrl(text: string): URL {
  const url = parseUrl(text)
  const isLocal = url.protocol === 'http:' && loopbackHost.test(url.hostname)
  refuseWhere({
    'must be https (or http on loopback)': url.protocol !== 'https:' && !isLocal,
    'must not hold credentials': url.username !== '' || url.password !== '',
    'must not have a query or fragment': /[?#]/.test(text)
  })
  return url
}

export function parsePublicUrl(text: string): string {
  const { origin, pathname } = parseWebUrl(text)
  const prefix = pathname.replace(/\/+$/, '')
  const [, first = ''] = prefix.split('/')
  refuseWhere({
    'has an odd character in its path': !/^(\/[A-Za-z0-9._~-]+)*$/.test(prefix),
    "must not begin its path with one of Weft's own": ownPaths.includes(first)
  })
  return origin + prefix
}

export function parsePublicUrls(text: string): string[] {
  return parseList(text, parsePublicUrl)
}

/** What a path prefix could not be told from. */
const ownPaths = (
  'api auth console fabrics healthz invitations oauth oauth2 oidc problems readyz scim serving-endpoints sign-in sql ' +
  '.well-known'
).split(' ')

/** An issuer is compared letter by letter (OpenID Connect Core §3.1.3.7), so it stays as written. */
export function parseIssuer(text: string): string {
  parseWebUrl(text)
  const isOneTenant = !isEntraIssuer(text) || Boolean(entraAuthorityOf(text)?.tenantId)
  refuseWhere({
    'must name one Entra tenant by its id, https://login.microsoftonline.com/{tenant id}/v2.0':
      !isOneTenant
  })
  return text
}

/** Where requests are sent: http or https, to a path of its own. */
export function parseEndpoint(text: string): string {
  const url = parseUrl(text)
  refuseWhere({
    'must be http or https': !/^https?:$/.test(url.protocol),
    'must not hold credentials': url.username !== '' || url.password !== '',
    'must not have a fragment': text.includes('#')
  })
  return url.href
}

function parseOrigin(text: string): string {
  const isExact = /^https?:/.test(text) && URL.parse(text)?.origin === text
  refuseWhere({ 'is not an exact origin, such as https://host or http://host:8081': !isExact })
  return text
}

export const parseOrigins = (text: string) => parseList(text, parseOrigin)

/** An IP address of this machine, or all of them (0.0.0.0, ::). */
export function parseAddress(text: string): string {
  const isAddress = ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text)
  refuseWhere({ 'is not an IP address': !isAddress })
  return text
}

const mappedIpv4 = ipaddr.IPv6.parse('::ffff:0:0')

/** The widest blocks that can be a proxy's are 10.0.0.0/8 and fc00::/7. */
export function parseCidr(text: string): string {
  const isCidr = ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)
  refuseWhere({ 'is not a CIDR, such as 10.0.0.0/8': !isCidr })
  const [block, bits] = ipaddr.parseCIDR(text)
  const isMapped = block instanceof ipaddr.IPv6 && mappedIpv4.match(block, Math.min(bits, 96))
  const isWide = bits < (block.kind() === 'ipv4' ? 8 : 7) || isMapped
  refuseWhere({ 'covers far more than proxies, or IPv4 in the spelling of IPv6': isWide })
  return text
}

export function parseDatabaseUrl(text: string): { url: Secret; role: string } {
  const url = parseUrl(text)
  refuseWhere({
    'must begin with postgresql://': !/^postgres(ql)?:$/.test(url.protocol),
    'names no user': url.username === '',
    'must name its user before the host only': url.searchParams.has('user'),
    'names no database': !/^\/[^/]+$/.test(url.pathname)
  })
  const role = orRefuse('misspells its user', () => decodeURIComponent(url.username))
  return { url: new Secret(text), role }
}
