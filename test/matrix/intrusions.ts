import type { Cast } from './cast.ts'
import type { Case } from './plan.ts'

/** Good calls of the API, one of each route, that also name whom they would rather be of, or be. */
export function intrusionsInto(allowed: readonly Case[], cast: Cast): Case[] {
  const { globex } = cast.tenantIds
  const claims: Readonly<Record<string, unknown>> = {
    tenantId: globex,
    userId: cast.bystanders.foreign,
    ownerId: cast.bystanders.own,
    isAdmin: true,
    createdAt: '2026-01-01T00:00:00Z'
  }
  const ofRoutes = new Map(
    allowed.filter(({ route }) => isApi(route)).map((one) => [one.route, one] as const)
  )
  return [...ofRoutes.values()].flatMap((one) => {
    const { path, payload, name } = one
    const join = path.includes('?') ? '&' : '?'
    const body: unknown = payload === null ? null : JSON.parse(payload)
    const members = Object.entries(claims).filter(
      ([member]) => typeof body === 'object' && body !== null && !(member in body)
    )
    return [
      { ...one, name: `${name}, ?tenantId`, path: `${path}${join}tenantId=${globex}` },
      ...members.map(([member, value]) => ({
        ...one,
        name: `${name}, ${member}`,
        payload: JSON.stringify({ ...Object(body), [member]: value })
      }))
    ]
  })
}

function isApi({ surface, access, url }: Case['route']): boolean {
  return surface === 'api' && access !== 'public' && url.startsWith('/api/')
}
