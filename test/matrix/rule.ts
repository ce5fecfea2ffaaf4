import type { Operation } from '../../src/base/operations.ts'
import type { RouteFact } from '../../src/http/route.ts'
import { type Role, roleTable } from '../../src/identity/roles.ts'
import type { Caller, TeamName } from './cast.ts'
import type { Entry } from './entry.ts'
import type { Thing } from './things.ts'

/** A thing that the request names, and what the caller must be allowed with it. */
export interface NamedThing {
  readonly thing: Thing
  /** Null: it need only be seen. */
  readonly operation: Operation | null
  readonly hidden: number
  /** It exists, but not where the path says. */
  readonly isElsewhere: boolean
}

export interface Expected {
  readonly statuses: readonly number[]
  readonly isAllowed: boolean
}

/**
 * What a call is answered with: a stranger 401; whoever may never do it 403 (or, where the thing is looked for
 * first, 404, as for no such thing); a thing that the caller does not see 404; one that they see and may not
 * touch so 403; else what comes of a good call.
 */
export function expectedOf(
  { access, operation, isOnFabricHost }: RouteFact,
  entry: Entry,
  caller: Caller,
  named: readonly NamedThing[],
  success: number | null
): Expected {
  const refused = (...statuses: number[]): Expected => ({ statuses, isAllowed: false })
  const { open } = entry
  if (open !== undefined) {
    const isSeen = named.every((one) => isSeenBy(caller, one))
    return {
      statuses: [
        typeof open === 'number' ? open : open(caller, isSeen, named[0]?.thing.ids.host ?? null)
      ],
      isAllowed: true
    }
  }
  const isStranger = caller.via === 'out' || (isOnFabricHost && caller.via !== 'bearer')
  if (isStranger) return refused(entry.stranger ?? 401)
  if (access === 'session' && caller.via !== 'session') return refused(403)
  if (!may(caller, rolesAnywhere(caller, entry.isForSharedTeams === true), operation)) {
    return refused(...(named.length === 0 ? [403] : [403, 404]))
  }
  for (const one of named) {
    if (!isSeenBy(caller, one)) return refused(one.hidden)
    if (!mayWith(caller, one)) return refused(403)
  }
  const { allowed } = entry
  const status = typeof allowed === 'function' ? allowed(caller) : (allowed ?? success)
  return { statuses: status === null ? [] : [status], isAllowed: true }
}

function may({ reach }: Caller, roles: readonly Role[], what: Operation): boolean {
  return (reach === null || reach.has(what)) && roles.some((role) => roleTable[what].includes(role))
}

function mayWith(caller: Caller, { thing, operation }: NamedThing): boolean {
  if (operation === null || thing.team === undefined) return true
  return may(caller, rolesIn(caller, thing.team), operation)
}

export function isSeenBy(caller: Caller, named: NamedThing): boolean {
  const { thing, operation } = named
  if (thing.tenant !== caller.tenant) return false
  // What it holds is looked at by those only who may touch it at all.
  if (named.isElsewhere && mayWith(caller, named)) return false
  if (thing.userId !== undefined) return thing.userId === caller.userId
  if (thing.team === undefined || caller.isTenantAdmin) return true
  if (caller.role === null) return thing.team in caller.teams
  const isByList = operation === 'endpoint.query' || operation === 'endpoint.discover'
  return isByList && caller.fabricsOf === thing.team
}

function rolesIn(caller: Caller, team: TeamName): readonly Role[] {
  if (caller.role !== null) return [caller.role]
  if (caller.isTenantAdmin) return ['tenant_admin']
  const role = caller.teams[team]
  if (role === undefined) return []
  return role === 'admin' ? ['team_admin', 'member'] : ['member']
}

/** Everybody administers their personal team. */
function rolesAnywhere(caller: Caller, inSharedTeams: boolean): readonly Role[] {
  const { role, isTenantAdmin, isOperator, teams } = caller
  if (role !== null) return [role]
  if (isTenantAdmin) return ['tenant_admin']
  const administers = !inSharedTeams || Object.values(teams).includes('admin')
  const roles: Role[] = administers ? ['team_admin', 'member'] : ['member']
  return isOperator ? ['platform_operator', ...roles] : roles
}
