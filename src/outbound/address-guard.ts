import { lookup as systemLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import { AppError } from '../base/errors.ts'

export interface Address {
  readonly address: string
  readonly family: 4 | 6
}

/** Every address of a host name; rejects when there is none. */
export type Lookup = (hostname: string) => Promise<readonly Address[]>

/** Public by number, yet the wire server that answers for a virtual machine's identity on Azure. */
const metadataAddresses = new Set(['168.63.129.16'])
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3')
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96')

/** Asks the operating system, so that a container's own host files and resolvers hold. */
export async function lookupAll(hostname: string): Promise<readonly Address[]> {
  const found = await systemLookup(hostname, { all: true, order: 'verbatim' })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** Whether the address is one that the public internet routes to; NAT64 counts as what it maps. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  const parsed = ipaddr.parse(address)
  if (parsed instanceof ipaddr.IPv4) {
    return parsed.range() === 'unicast' && !metadataAddresses.has(parsed.toString())
  }
  if (parsed.match(nat64)) {
    return isPublicAddress(parsed.toByteArray().slice(12).join('.'))
  }
  return parsed.range() === 'unicast' && parsed.match(globalUnicast)
}

/** Whether two spellings are one address, IPv4-mapped IPv6 being IPv4. */
export function isSameAddress(one: string, other: string): boolean {
  if (isIP(one) === 0 || isIP(other) === 0) return false
  return ipaddr.process(one).toString() === ipaddr.process(other).toString()
}

/**
 * The addresses of a host, each of them checked: one that is not public refuses the host as a whole.
 * @param isTrusted the operator named this origin, so its addresses may be private
 * @throws AppError `dns_failed`, `host_not_allowed`
 */
export async function resolveChecked(
  hostname: string,
  isTrusted: boolean,
  lookup: Lookup
): Promise<readonly Address[]> {
  const addresses = await findAddresses(hostname, lookup)
  if (addresses.length === 0) throw new AppError('dns_failed', { note: 'no address' })
  if (!isTrusted && !addresses.every(({ address }) => isPublicAddress(address))) {
    throw new AppError('host_not_allowed', { note: 'an address that is not public' })
  }
  return addresses
}

async function findAddresses(hostname: string, lookup: Lookup): Promise<readonly Address[]> {
  const family = isIP(hostname)
  if (family !== 0) return [{ address: hostname, family: family === 6 ? 6 : 4 }]
  try {
    return await lookup(hostname)
  } catch (err) {
    throw new AppError('dns_failed', { note: codeOf(err) })
  }
}

/** The machine-readable code of a foreign error, which is all that may travel on. */
export function codeOf(err: unknown): string {
  if (err instanceof Error && 'code' in err && typeof err.code === 'string') return err.code
  return err instanceof Error ? err.name : 'unknown'
}
