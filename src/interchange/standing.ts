import type { AppConnections, AppConnectionView } from '../app-connections/app-connections.ts'
import type { Page, PageQuery } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Fabrics, FabricView } from '../fabrics/fabrics.ts'
import type { Tx } from '../store/db.ts'
import { listTeamNames } from '../store/teams.ts'
import type { Names } from './settings-of.ts'

/** The two rooms, whatever database they were given. */
export interface SettledRooms {
  readonly appConnections: Pick<AppConnections, 'list' | 'create' | 'update' | 'remove'>
  readonly fabrics: Pick<Fabrics, 'list' | 'create' | 'update' | 'remove' | 'complete' | 'transfer'>
}

interface TeamName {
  readonly id: string
  readonly name: string
}

/** Everything of the tenant that a document can speak of, as it stands. */
export interface Standing {
  readonly appConnections: ReadonlyMap<string, AppConnectionView>
  readonly fabrics: ReadonlyMap<string, FabricView>
  readonly teams: readonly TeamName[]
  readonly names: Names
}

export async function readStanding(
  tx: Tx,
  { appConnections, fabrics }: SettledRooms
): Promise<Standing> {
  const { scope } = tx
  const connections = await all(scope, appConnections.list)
  const made = await all(scope, fabrics.list)
  const teams = await listTeamNames(tx)
  return {
    appConnections: byName(connections),
    fabrics: byName(made),
    teams,
    names: namesOf(connections, teams)
  }
}

/** A team that shares its name with another one goes by its id. */
function namesOf(connections: readonly AppConnectionView[], teams: readonly TeamName[]): Names {
  const counts = new Map<string, number>()
  for (const { name } of teams) counts.set(name, (counts.get(name) ?? 0) + 1)
  const teamNames = new Map(
    teams.map(({ id, name }) => [id, counts.get(name) === 1 ? name : id] as const)
  )
  const connectionNames = new Map(connections.map(({ id, name }) => [id as string, name]))
  return {
    team: (id) => teamNames.get(id) ?? id,
    appConnection: (id) => connectionNames.get(id) ?? id
  }
}

function byName<T extends { readonly name: string }>(items: readonly T[]): Map<string, T> {
  const sorted = items.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return new Map(sorted.map((item) => [item.name, item]))
}

async function all<T>(
  scope: TenantScope,
  list: (scope: TenantScope, page: PageQuery) => Promise<Page<T>>
): Promise<T[]> {
  const items: T[] = []
  for (let cursor: string | null = null; ; ) {
    const page: Page<T> = await list(scope, { limit: 200, cursor })
    items.push(...page.items)
    if (page.nextCursor === null) return items
    cursor = page.nextCursor
  }
}
