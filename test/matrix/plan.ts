import type { RouteFact } from '../../src/http/route.ts'
import { platformHost } from '../support/platform.ts'
import { browserOf, type Caller, type Cast } from './cast.ts'
import type { Entry, Named, Naming } from './entry.ts'
import { type Expected, expectedOf, isSeenBy, type NamedThing } from './rule.ts'
import { type Kind, type KindName, kinds, nothingOf, type Thing, type Whose } from './things.ts'

/** One request of one caller, and what must come of it. */
export interface Case {
  readonly name: string
  readonly route: RouteFact
  readonly caller: Caller
  readonly expected: Expected
  readonly changes: boolean
  /** What varies is nothing that the caller sees: answered like the case of the group that names nothing. */
  readonly isHidden: boolean
  readonly group: string
  readonly isNothing: boolean
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string | null
  /** What the request names: an answer may repeat it. */
  readonly ids: readonly string[]
}

/** Where a request names a thing. */
interface Slot {
  readonly kind: KindName
  /** Null: the body or the query names it. */
  readonly param: string | null
  readonly named: Named
}

export function nameOf({ method, url, isOnFabricHost }: RouteFact): string {
  return `${method} ${isOnFabricHost ? '{fabric host}' : ''}${url}`
}

const kindOf = (name: KindName): Kind => kinds[name]
const kindByParam = new Map(
  Object.entries(kinds).map(([name, { param }]) => [param as string, name as KindName])
)

export function createPlanner(cast: Cast, successOf: (route: RouteFact) => number | null) {
  const shared = new Map<string, Promise<Thing>>()
  let count = 0

  function make(name: KindName, whose: Whose, caller: Caller): Promise<Thing> {
    const kind = kindOf(name)
    const isNothing = whose === 'nobody' && name !== 'host'
    return isNothing ? Promise.resolve(nothingOf(kind)) : kind.make(cast, whose, caller)
  }

  function share(name: KindName, whose: Whose, caller: Caller): Promise<Thing> {
    const key = `${name}/${whose}/${whose === 'mine' ? caller.name : ''}`
    const thing = shared.get(key) ?? make(name, whose, caller)
    shared.set(key, thing)
    return thing
  }

  /** Every case of a route for a caller: each thing that it names in each place, the others where they are good. */
  async function plan(route: RouteFact, entry: Entry, caller: Caller): Promise<Case[]> {
    const slots = slotsOf(route, entry)
    const good = slots.map(({ kind }) => kindOf(kind).whose[0] as Whose)
    const cases = [await planOne(route, entry, caller, slots, good, null)]
    for (const [at, { kind }] of slots.entries()) {
      const isParent = slots.some((slot) => kindOf(slot.kind).parent === kind)
      const places: Whose[] = [...kindOf(kind).whose, ...(isParent ? (['other'] as const) : [])]
      // Who presents nothing that holds is refused before anything is looked at: two places show it.
      const wanted = caller.via === 'out' ? places.slice(-2) : places
      for (const whose of wanted.filter((one) => one !== good[at])) {
        cases.push(await planOne(route, entry, caller, slots, good.with(at, whose), at))
      }
    }
    return cases
  }

  async function planOne(
    route: RouteFact,
    entry: Entry,
    caller: Caller,
    slots: readonly Slot[],
    places: readonly Whose[],
    varied: number | null
  ): Promise<Case> {
    const success = successOf(route)
    const operation = entry.operation ?? route.operation
    const isVaried = (at: number) => at === varied
    const look = async (take: typeof share): Promise<NamedThing[]> => {
      const things = await Promise.all(
        slots.map(({ kind }, at) => take(kind, places[at] ?? 'own', caller))
      )
      return slots.map(({ kind, named, param }, at) => {
        const child = slots.findIndex((slot) => kindOf(slot.kind).parent === kind)
        const hasParent = kindOf(kind).parent !== undefined
        const whole = child < 0 || isVaried(at) || isVaried(child) ? things[at] : things[child]
        return {
          thing: whole ?? nothingOf(kindOf(kind)),
          operation: param === null ? (named.operation ?? null) : operation,
          hidden: (param === null ? named.hidden : entry.hidden) ?? 404,
          isElsewhere: isVaried(at) && places[at] === 'other' && (child >= 0 || hasParent)
        }
      })
    }
    const planned = await look(share)
    const expected = expectedOf(route, entry, caller, planned, success)
    const other = varied === null ? undefined : planned[varied]
    const changes = expected.isAllowed && (entry.changes ?? route.method !== 'GET')
    const things = changes ? await look(make) : planned
    const place = varied === null ? '' : `, ${slots[varied]?.kind}: ${places[varied]}`
    const ids = slots.map(({ kind }, at) => things[at]?.thing.ids[kindOf(kind).param] ?? '')
    const whose = varied === null ? undefined : places[varied]
    return {
      name: `${nameOf(route)} by ${caller.name}${place}`,
      route,
      caller,
      expected,
      changes,
      isHidden: other !== undefined && (typeof entry.open === 'number' || !isSeenBy(caller, other)),
      group: `${nameOf(route)}/${caller.name}/${varied}/${hostTenantOf(slots, whose)}`,
      isNothing: whose === 'nobody' || whose === 'nobodyForeign',
      ids,
      ...request(route, entry, caller, slots, things, await sessionFor(entry, caller))
    }
  }

  async function sessionFor({ endsSession }: Entry, { userId, tenant }: Caller) {
    if (!endsSession || userId === null) return {}
    return browserOf(await cast.platform.world.rows.session(cast.tenantIds[tenant], userId))
  }

  function request(
    route: RouteFact,
    entry: Entry,
    caller: Caller,
    slots: readonly Slot[],
    things: readonly NamedThing[],
    session: Readonly<Record<string, string>>
  ) {
    const ids = new Map(Object.entries(entry.params ?? {}))
    const rest: string[] = []
    for (const [at, { kind, param }] of slots.entries()) {
      const thing = things[at]?.thing
      const id = thing?.ids[kindOf(kind).param] ?? ''
      if (param === null) rest.push(id)
      else ids.set(param, id)
      if (thing?.ids.slug !== undefined) ids.set('slug', thing.ids.slug)
    }
    count += 1
    const naming = (): Naming => {
      const left = [...rest]
      const next = () => left.shift() ?? ''
      return Object.assign(next, {
        path: Object.fromEntries(ids),
        unique: `n-${count}`,
        by: caller,
        soon: new Date(cast.platform.world.clock.now().getTime() + 3_600_000).toISOString(),
        workspace: cast.platform.world.server.origin
      })
    }
    const path = route.url.replaceAll(/:(\w+)|\*/g, (_, name: string = '*') => ids.get(name) ?? '')
    // The query's things come before the body's, as they are asked for.
    const id = naming()
    const query = new URLSearchParams(entry.query?.(id)).toString()
    const body = entry.body?.(id)
    const form = entry.form?.(id)
    const payload =
      form === undefined
        ? body === undefined
          ? null
          : JSON.stringify(body)
        : new URLSearchParams(form).toString()
    const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
    const host = ids.get('host') ?? platformHost
    return {
      method: route.method,
      path: query === '' ? path : `${path}?${query}`,
      headers: {
        ...(entry.isBare ? {} : caller.headers),
        ...session,
        host,
        'x-request-id': 'matrix-request',
        ...(payload !== null && { 'content-type': type })
      },
      payload
    }
  }

  return plan
}

/** A host says which tenant it is of. */
function hostTenantOf(slots: readonly Slot[], whose: Whose | undefined): string {
  const isForeign = whose === 'foreign' || whose === 'nobodyForeign'
  return slots[0]?.kind === 'host' && isForeign ? 'globex' : ''
}

function slotsOf({ url, isOnFabricHost }: RouteFact, entry: Entry): Slot[] {
  const slots: Slot[] = isOnFabricHost ? [{ kind: 'host', param: 'host', named: {} }] : []
  for (const [, param = ''] of url.matchAll(/:(\w+)/g)) {
    const kind = entry.kinds?.[param] ?? kindByParam.get(param)
    if (entry.params?.[param] !== undefined) continue
    if (kind === undefined) throw new TypeError(`nothing in things.ts stands for :${param}`)
    slots.push({ kind, param, named: {} })
  }
  const recorder: Naming = Object.assign(
    (kind: KindName, named: Named = {}) => {
      slots.push({ kind, param: null, named })
      return ''
    },
    { path: {}, unique: '', workspace: '', by: null, soon: '' }
  )
  entry.query?.(recorder)
  entry.body?.(recorder)
  entry.form?.(recorder)
  return slots
}
