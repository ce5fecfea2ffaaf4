import type { IncomingMessage } from 'node:http'
import type { FabricHosts } from '../fabric-hosts.ts'
import type { PublicUrls } from '../public-url.ts'
import type { App } from '../route.ts'

/** Marks a route that answers on fabric hosts, and there alone. */
export const onFabricHost = { fabricHost: true } as const

/**
 * A fabric host is another site than Weft's own: of all routes it reaches only those that are marked so, and
 * the public host reaches none of them.
 */
export function installFabricHosts(
  app: App,
  fabricHosts: FabricHosts,
  publicUrls: PublicUrls
): void {
  const hostOf = ({ headers: { host } }: Pick<IncomingMessage, 'headers'>) =>
    publicUrls.of(host) === null ? fabricHosts(host) : null
  app.decorateRequest('fabricHost', {
    getter() {
      return hostOf(this.raw)
    }
  })
  app.addConstraintStrategy({
    name: 'fabricHost',
    mustMatchWhenDerived: true,
    storage: () => {
      // The router keeps what it wants here, whatever its types call it.
      const kept = new Map<unknown, never>()
      return {
        get: (value) => kept.get(value) ?? null,
        set: (value, item: never) => {
          kept.set(value, item)
        }
      }
    },
    deriveConstraint: (req: Pick<IncomingMessage, 'headers'>) =>
      hostOf(req) === null ? undefined : true
  })
}
