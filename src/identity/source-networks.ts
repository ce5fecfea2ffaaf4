import ipaddr from 'ipaddr.js'
import { AppError } from '../base/errors.ts'

type Network = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number]

/** Of a text such as `10.0.0.0/8` or `2001:db8::/32`, whose bits behind the prefix are zero; null: it is none. */
export function parseNetwork(text: string): Network | null {
  const isCidr = ipaddr.IPv4.isValidCIDRFourPartDecimal(text) || ipaddr.IPv6.isValidCIDR(text)
  if (!isCidr) return null
  const [address, bits] = ipaddr.parseCIDR(text)
  const kind = address.kind() === 'ipv4' ? ipaddr.IPv4 : ipaddr.IPv6
  const isWhole = kind.networkAddressFromCIDR(text).toString() === address.toString()
  return isWhole && bits > 0 ? [address, bits] : null
}

/**
 * Whether an address lies in one of the networks; an IPv4 address that is written as an IPv6 one counts as what
 * it is. No networks: any address. One that cannot be read lies nowhere.
 */
export function networkRule(texts: readonly string[]): (source: string) => boolean {
  const networks = texts.map(parseNetwork).filter((network) => network !== null)
  if (texts.length === 0) return () => true
  return (source) => {
    if (!ipaddr.isValid(source)) return false
    const address = ipaddr.process(source)
    return networks.some(([network, bits]) =>
      address.kind() === network.kind() ? address.match(network, bits) : false
    )
  }
}

/** The same words from wherever, and nothing of where it may come from. */
export function sourceRefused(): AppError {
  return new AppError('forbidden', {
    detail: 'This service account may not come from your network'
  })
}
