import { fabricDomain, pathOf } from '../../api/prefix.ts'
import type { Schemas } from '../../generated/operations.ts'

/** Where programs find the fabric: below Weft's own address, and by a host of its own where there is one. */
export function baseUrlsOf(
  { id, slug }: Pick<Schemas['Fabric'], 'id' | 'slug'>,
  tenantSlug: string
): { readonly byPath: string; readonly byHost: string | null } {
  const { protocol, port, origin } = location
  const host = `${slug}--${tenantSlug}.${fabricDomain}${port === '' ? '' : `:${port}`}`
  return {
    byPath: origin + pathOf(`/fabrics/${id}`),
    byHost: fabricDomain === '' ? null : `${protocol}//${host}`
  }
}
