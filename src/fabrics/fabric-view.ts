import { asId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import {
  type AppConnectionRow,
  findAppConnection,
  findDefaultAppConnection
} from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import type { FabricRow, ServicePrincipalRow } from '../store/fabrics.ts'
import { type GrantRow, listGrantsFor } from '../store/grants.ts'
import { type ClientSecretView, tellSecretEnd, viewClientSecrets } from '../vault/client-secrets.ts'
import { viewDeadlines } from './fabric-deadlines.ts'
import type { Compute, FabricView, FabricWarning, GrantState } from './fabrics.ts'
import { jobSizesOf } from './job-sizes.ts'
import type { SecretView, ServicePrincipalView } from './service-principal.ts'
import { unattendedWarnings } from './unattended.ts'

/** Fabrics as the actor sees them: with what is missing, and how the actor's own connection does. */
export async function viewFabrics(
  tx: Tx,
  rows: readonly FabricRow[],
  now: Date
): Promise<FabricView[]> {
  const fabricIds = rows.map((row) => row.id)
  const { actor } = tx.scope
  const userId = actor.kind === 'user' ? actor.id : null
  const grants = await listGrantsFor(tx, { userId, fabricIds })
  const connections = new Map<string, AppConnectionRow | null>()
  for (const row of rows) {
    const key = connectionKeyOf(row)
    if (!connections.has(key)) connections.set(key, await appConnectionOf(tx, row))
  }
  const unattended = await unattendedWarnings(tx, rows)
  return rows.map((row) => {
    const connection = connections.get(connectionKeyOf(row)) ?? null
    return {
      ...viewFabric(row),
      warnings: [...(unattended.get(row.id) ?? []), ...warningsOf(row, connection, now)],
      health: healthOf(tx.scope, row, grants, connection)
    }
  })
}

function connectionKeyOf({ authMethod, appConnectionId }: FabricRow): string {
  return `${authMethod}/${appConnectionId ?? ''}`
}

/** The app connection that a fabric signs people in with: its own, else the provider's default; with tokens none. */
export function appConnectionOf(
  tx: Tx,
  row: Pick<FabricRow, 'appConnectionId' | 'provider' | 'authMethod'>
): Promise<AppConnectionRow | null> {
  if (row.authMethod === 'pat') return Promise.resolve(null)
  return row.appConnectionId === null
    ? findDefaultAppConnection(tx, row.provider)
    : findAppConnection(tx, row.appConnectionId)
}

export function isReady(connection: AppConnectionRow | null): connection is AppConnectionRow {
  return (
    connection !== null &&
    connection.clientId !== null &&
    connection.clientSecrets.length > 0 &&
    !connection.isDisabled
  )
}

function viewFabric(row: FabricRow): Omit<FabricView, 'warnings' | 'health'> {
  return {
    id: asId('fabric', row.id),
    slug: row.slug,
    name: row.name,
    description: row.description,
    teamId: asId('team', row.teamId),
    kind: row.kind === 'sql' ? 'sql' : 'spark',
    provider: 'databricks',
    workspaceUrl: row.workspaceOrigin,
    authMethod: row.authMethod === 'pat' ? 'pat' : 'oauth',
    appConnectionId:
      row.appConnectionId === null ? null : asId('appConnection', row.appConnectionId),
    servicePrincipal: row.servicePrincipal === null ? null : viewPrincipal(row.servicePrincipal),
    servicePrincipalUse: row.servicePrincipalUse === 'team' ? 'team' : 'admins',
    compute: viewCompute(row),
    jobSizes: jobSizesOf(row),
    production: row.isProduction,
    endpointAllowList: row.hasEndpointList ? row.endpointAllowList : null,
    deadlines: viewDeadlines(row),
    status: row.status === 'complete' ? 'complete' : 'draft',
    version: row.version,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt
  }
}

function viewPrincipal(row: ServicePrincipalRow): ServicePrincipalView {
  const clientSecrets = viewClientSecrets(row.clientSecrets)
  const { clientId, isFederated: federated } = row
  return { clientId, federated, clientSecret: firstOf(clientSecrets), clientSecrets }
}

function firstOf([first]: readonly ClientSecretView[]): SecretView | null {
  if (first === undefined) return null
  const { hint, setAt, lastUsedAt } = first
  return { isSet: true, hint, setAt, lastUsedAt }
}

function viewCompute(row: FabricRow): Compute {
  const { warehouseId, clusterId, httpPath, catalog, schema } = row
  const serverless = row.isServerless ? true : null
  const all = { warehouseId, clusterId, serverless, httpPath, catalog, schema }
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null))
}

function warningsOf(
  row: FabricRow,
  connection: AppConnectionRow | null,
  now: Date
): FabricWarning[] {
  const warnings: FabricWarning[] = []
  if (row.authMethod !== 'pat' && !isReady(connection)) {
    warnings.push({
      code: 'app_connection_missing',
      message: 'Nobody can sign in: OAuth is not set up yet',
      owner: 'tenant_admin'
    })
  }
  const when = tellSecretEnd(row.servicePrincipal?.clientSecrets ?? [], now)
  if (when !== null) {
    warnings.push({
      code: 'secret_expiring',
      message: `The service principal's client secret ${when}: add a new one, then delete the old one`,
      owner: 'team_admin'
    })
  }
  return warnings
}

/** A person sees their own sign-in; whoever has none sees the service principal's. */
function healthOf(
  { actor }: TenantScope,
  row: FabricRow,
  grants: readonly GrantRow[],
  connection: AppConnectionRow | null
): FabricView['health'] {
  const own = grants.find(
    (grant) =>
      actor.kind === 'user' &&
      grant.userId === actor.id &&
      grant.workspaceOrigin === row.workspaceOrigin &&
      (row.authMethod === 'pat' ? grant.kind === 'pat' : grant.appConnectionId === connection?.id)
  )
  const grant = own ?? grants.find((candidate) => candidate.fabricId === row.id)
  if (grant === undefined) return { state: 'unknown', since: null }
  // The table's check constraint holds it to these.
  return { state: grant.state as GrantState, since: grant.since }
}
