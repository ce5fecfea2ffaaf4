import { asId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { matchesHostPatterns } from '../providers/host-patterns.ts'
import {
  type AppConnectionRow,
  findAppConnection,
  findDefaultAppConnection
} from '../store/app-connections.ts'
import type { Db, Tx } from '../store/db.ts'
import { type FabricRow, listFabrics } from '../store/fabrics.ts'
import { listTenantAdmins } from '../store/memberships.ts'
import { listTeams } from '../store/teams.ts'
import type { Capability, TeamCapability, UnservedFabric } from './app-connections.ts'

const teamsMax = 200
const fabricsMax = 1_000
const contactsMax = 5
const ask = 'ask an admin of your organisation'

/** Whether people can sign in, provider by provider and for each team that the caller sees. */
export async function readCapabilities(db: Db, scope: TenantScope): Promise<Capability[]> {
  return await db.inTenant(scope, async (tx) => {
    const standard = await findDefaultAppConnection(tx, 'databricks')
    const reason = reasonOf(standard)
    const teams = await teamCapabilities(tx, standard, reason)
    const hasGap = reason !== null || teams.some(({ available }) => !available)
    return [
      {
        provider: 'databricks',
        authMethod: 'oauth',
        available: reason === null,
        reason,
        owner: reason === null ? null : 'tenant_admin',
        contacts: hasGap ? await listTenantAdmins(tx, contactsMax) : [],
        teams
      },
      {
        provider: 'databricks',
        authMethod: 'pat',
        available: true,
        reason: null,
        owner: null,
        contacts: [],
        teams: teams.map(({ id, name }) => ({
          id,
          name,
          available: true,
          reason: null,
          unserved: []
        }))
      }
    ]
  })
}

function isReady(row: AppConnectionRow): boolean {
  return row.clientId !== null && row.clientSecrets.length > 0 && !row.isDisabled
}

function reasonOf(row: AppConnectionRow | null): string | null {
  if (row === null) return `OAuth is not set up yet: ${ask} to register Weft at Databricks`
  if (isReady(row)) return null
  if (row.isDisabled) return `OAuth is not set up yet: the app connection is disabled; ${ask}`
  return `OAuth is not set up yet: the app connection lacks its client ID or secret; ${ask}`
}

async function teamCapabilities(
  tx: Tx,
  standard: AppConnectionRow | null,
  reason: string | null
): Promise<TeamCapability[]> {
  const { teams } = tx.scope.authority
  const rows = await listTeams(tx, { limit: teamsMax, cursor: null, teams })
  const all = await listFabrics(tx, { limit: fabricsMax, cursor: null, teams, ids: null })
  const fabrics = all.filter(({ authMethod }) => authMethod === 'oauth')
  const connections = new Map<string, AppConnectionRow | null>()
  for (const { appConnectionId } of fabrics) {
    if (appConnectionId === null || connections.has(appConnectionId)) continue
    connections.set(appConnectionId, await findAppConnection(tx, appConnectionId))
  }
  const connectionOf = ({ appConnectionId }: FabricRow) =>
    appConnectionId === null ? standard : (connections.get(appConnectionId) ?? null)
  return rows.map(({ id, name }) => {
    const own = fabrics.filter(({ teamId }) => teamId === id)
    const unserved = own.flatMap((fabric) => unservedBy(connectionOf(fabric), fabric))
    const why = own.length === 0 ? reason : unservedReason(unserved)
    return { id: asId('team', id), name, available: why === null, reason: why, unserved }
  })
}

function unservedBy(connection: AppConnectionRow | null, fabric: FabricRow): UnservedFabric[] {
  const { id, name } = fabric
  const of = { id: asId('fabric', id), name }
  if (connection === null || !isReady(connection))
    return [{ ...of, code: 'app_connection_missing' }]
  const isServed = matchesHostPatterns(connection.allowedHosts, fabric.workspaceOrigin)
  return isServed ? [] : [{ ...of, code: 'host_not_allowed' }]
}

function unservedReason(unserved: readonly UnservedFabric[]): string | null {
  if (unserved.length === 0) return null
  const names = unserved.map(({ name }) => name).join(', ')
  const isHost = unserved.every(({ code }) => code === 'host_not_allowed')
  return isHost
    ? `No app connection serves the workspace of ${names}: ${ask}`
    : `OAuth is not set up yet for ${names}: ${ask}`
}
