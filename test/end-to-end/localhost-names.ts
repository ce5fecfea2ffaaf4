import dns from 'node:dns'
import { vi } from 'vitest'

/**
 * Resolves `*.localhost` in this process as browsers and curl do (RFC 6761 §6.3); not every system does it
 * for Node, and clients that are not to be changed ask Node. Other names take their usual way.
 */
export function resolveLocalhostNames(): void {
  const usual = dns.lookup
  const lookup = (name: string, options: dns.LookupOptions, done: LookupDone) => {
    if (!name.endsWith('.localhost')) return usual(name, options, done as never)
    const local = { address: '127.0.0.1', family: 4 }
    if (options.all) return process.nextTick(done, null, [local])
    return process.nextTick(done, null, local.address, local.family)
  }
  // Of the overloads of dns.lookup, node:net uses this one alone.
  vi.spyOn(dns, 'lookup').mockImplementation(lookup as never)
}

type LookupDone = (error: Error | null, ...found: unknown[]) => void
