/**
 * The oldest versions without a known hole, each with the advisories that name it. A registry that answers no
 * `npm audit` still has this list; where one does, what it says goes in here and stays.
 */
export const advisoryFloors: Readonly<Record<string, { from: string; because: string }>> = {
  fastify: {
    from: '5.12.6',
    because: 'CVE-2026-107832, CVE-2026-33806: schemas that are passed by'
  },
  undici: { from: '8.12.4', because: 'CVE-2026-120415, CVE-2026-1525: headers sent on, framing' },
  'openid-client': { from: '6.8.9', because: 'checks of the answer bound to what was asked' }
}

/** Libraries that stand for what Weft does itself, with TLS that is checked (CVE-2026-107318). */
export const refusedPackages: readonly string[] = [
  '@fastify/reply-from',
  '@fastify/http-proxy',
  'fast-proxy'
]

/** Lines of Node under long-term support, until the day on which it ends. */
export const supportedNodes: Readonly<Record<string, string>> = { '24': '2028-04-30' }
