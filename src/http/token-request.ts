import type { FastifyRequest } from 'fastify'
import { asId, idPattern } from '../base/ids.ts'
import type { TokenTarget } from '../identity/identity.ts'
import { OAuthProblem } from './oauth-problem.ts'
import type { PublicUrl } from './public-url.ts'

export type Form = Readonly<Record<string, string | undefined>>

export const scope = 'all-apis'

/** Where a token is asked for: Weft's own address, or a fabric's, whose tokens are good for it alone. */
export interface TokenPlace {
  readonly tenantSlug: string | null
  readonly target: TokenTarget | null
  /** What `resource` and `audience` may call it. */
  readonly names: readonly string[]
}

const fabricId = idPattern('fabric').slice(1, -1)
const fabricScope = new RegExp(`^fabric:(${fabricId})$`)

export function placeOf(request: FastifyRequest, publicUrl: PublicUrl): TokenPlace {
  const { fabricHost, params } = request
  if (fabricHost !== null) {
    const { slug, tenantSlug, origin } = fabricHost
    return { tenantSlug, target: { slug }, names: [origin] }
  }
  const isFabric = typeof params === 'object' && params !== null && 'fabricId' in params
  if (!isFabric) return { tenantSlug: null, target: null, names: [publicUrl.at('')] }
  const id = asId('fabric', String(params.fabricId))
  const names = [publicUrl.at(`/fabrics/${id}`), id]
  return { tenantSlug: null, target: { fabricId: id }, names }
}

/**
 * The fabric that a token is asked for: by the place, by `resource` (RFC 8707) or `audience` (RFC 8693 §2.1),
 * or by a scope `fabric:{id}`; whatever is said must say the same.
 * @throws OAuthProblem `invalid_scope`, `invalid_target`
 */
export function targetOf(form: Form, place: TokenPlace, publicUrl: PublicUrl): TokenTarget | null {
  const scopes = (form.scope ?? '').split(' ').filter((word) => word !== '' && word !== scope)
  const scoped = scopes.map((word) => fabricScope.exec(word)?.[1])
  if (scoped.includes(undefined)) {
    throw new OAuthProblem('invalid_scope', `Only ${scope} and fabric:{id} can be asked for`)
  }
  const named = [form.resource, form.audience].filter((name) => name !== undefined && name !== '')
  const asked = [...named, ...scoped]
    .map((name) => String(name).replace(/\/$/, ''))
    .filter((name) => !place.names.includes(name))
    .map((name) => fabricOf(name, publicUrl))
  const [first] = asked
  if (first === undefined) return place.target
  const isOne = place.target === null && asked.every((id) => id === first)
  if (first === null || !isOne) {
    throw new OAuthProblem('invalid_target', 'There is no such resource, or more than one')
  }
  return { fabricId: asId('fabric', first) }
}

/** The id in a fabric's address, or alone; null: neither. */
function fabricOf(name: string, publicUrl: PublicUrl): string | null {
  const prefix = publicUrl.at('/fabrics/')
  const id = name.startsWith(prefix) ? name.slice(prefix.length) : name
  return new RegExp(`^${fabricId}$`).test(id) ? id : null
}
