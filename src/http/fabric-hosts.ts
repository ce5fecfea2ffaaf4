import type { FabricName } from '../fabrics/fabric-slugs.ts'
import type { PublicUrl } from './public-url.ts'

/** A host that stands for one fabric: `{slug}--{tenantSlug}.{domain}`, with the public URL's scheme and port. */
export interface FabricHost extends FabricName {
  readonly origin: string
}

/** What a `Host` names; null: no fabric host. Whether there is such a fabric is not asked. */
export type FabricHosts = (host: string | undefined) => FabricHost | null

/** Two slugs: words of a-z and 0-9 with single hyphens, so that the double one divides them. */
const label = /^([a-z][a-z0-9]*(?:-[a-z0-9]+)*)--([a-z][a-z0-9]*(?:-[a-z0-9]+)*)$/
const labelMaxLength = 128

/** @param domain null: this deployment has no fabric hosts */
export function fabricHostsOf(domain: string | null, { origin }: PublicUrl): FabricHosts {
  if (domain === null) return () => null
  const { protocol, port } = new URL(origin)
  const suffix = `.${domain}${port === '' ? '' : `:${port}`}`
  return (host) => {
    const name = host?.toLowerCase()
    if (!name?.endsWith(suffix)) return null
    const first = name.slice(0, -suffix.length)
    const [, slug, tenantSlug] = (first.length <= labelMaxLength && label.exec(first)) || []
    if (slug === undefined || tenantSlug === undefined) return null
    return { slug, tenantSlug, origin: `${protocol}//${name}` }
  }
}
