import { AppError, type ProblemCode } from '../base/errors.ts'
import type { AuthorizationServers } from '../oauth/authorization-server.ts'
import { isProviderId, providers } from '../providers/registry.ts'
import type { Db } from '../store/db.ts'
import { listTenantIds } from '../store/tenants.ts'
import { jobScope } from './job-scope.ts'

/** A workspace that fabrics name. */
export interface Workspace {
  readonly provider: string
  readonly origin: string
}

/** How far the way to a workspace goes; null: all the way. */
export interface WorkspaceReach {
  readonly origin: string
  readonly fault: { readonly code: ProblemCode; readonly detail: string } | null
}

/** Workspaces of all tenants' fabrics, each once, `max` at most. */
export async function listWorkspaces(db: Db, max: number): Promise<Workspace[]> {
  const found = new Map<string, Workspace>()
  for (const tenantId of await listTenantIds(db)) {
    const rows = await db.inTenant(jobScope(tenantId, 'doctor'), ({ rows }) =>
      rows.fabric.findMany({
        distinct: ['provider', 'workspaceOrigin'],
        select: { provider: true, workspaceOrigin: true },
        take: max
      })
    )
    for (const { provider, workspaceOrigin: origin } of rows)
      found.set(origin, { provider, origin })
    if (found.size >= max) break
  }
  return [...found.values()].slice(0, max)
}

/** Name, connection, certificate and OAuth metadata, as a sign-in would need them. */
export async function reachWorkspace(
  servers: AuthorizationServers,
  { provider, origin }: Workspace
): Promise<WorkspaceReach> {
  try {
    const known = isProviderId(provider) ? providers[provider] : providers.databricks
    await servers.discover(known, origin, true)
    return { origin, fault: null }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { origin, fault: { code: error.code, detail: error.message } }
  }
}
