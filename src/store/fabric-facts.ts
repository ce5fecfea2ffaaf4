import type { TenantScope } from '../base/tenant-scope.ts'
import type { AppConnectionRow } from './app-connections.ts'
import type { Question } from './asking.ts'
import type { ClientSecretRow } from './client-secrets.ts'
import type { Db } from './db.ts'
import { type FabricRow, fabricOf, fabricRowOf, principalOf } from './fabrics.ts'
import { type AppConnection, type Grant, Prisma } from './generated/client.ts'
import type { ServiceAccountFabricRow } from './service-accounts.ts'
import { tenantVersion } from './tenant-versions.ts'

/** All that decides whether, and as whom, an actor may ask through a fabric. */
export interface FabricFacts {
  /** The tenant's, read before the rest. */
  readonly version: number
  /** Without the secrets of its service principal. */
  readonly row: FabricRow | null
  /** By which people sign in for it; null: by none. */
  readonly connection: AppConnectionRow | null
  /** What the actor may do with it, where they are a service account. */
  readonly allowance: ServiceAccountFabricRow | null
  readonly principalGrantId: string | null
  /** Of the actor, where they are a person, at the fabric's host. */
  readonly ownGrants: readonly Pick<Grant, 'id' | 'appConnectionId'>[]
}

export async function readFabricFacts(
  db: Db,
  scope: TenantScope,
  fabricId: string
): Promise<FabricFacts> {
  const [[tenant], [fabric], [principal], [connection], secrets, [allowance], grants] =
    await db.ask(
      scope,
      tenantVersion(),
      fabricOf(fabricId),
      principalOf(fabricId),
      connectionOf(fabricId),
      connectionSecretsOf(fabricId),
      allowanceOf(scope.actor.id, fabricId),
      grantsFor(scope.actor.id, fabricId)
    )
  return {
    version: tenant?.version ?? 0,
    row: fabric === undefined ? null : fabricRowOf(fabric, principal, []),
    connection: connection === undefined ? null : { ...connection, clientSecrets: [...secrets] },
    allowance: allowance ?? null,
    principalGrantId: grants.find((grant) => grant.fabricId === fabricId)?.id ?? null,
    ownGrants: grants.filter(({ userId }) => userId !== null)
  }
}

/** The app connection `c` that the fabric `f` names, or else its provider's default. */
function namedBy(fabricId: string): Prisma.Sql {
  return Prisma.sql`fabrics f JOIN app_connections c ON c.tenant_id = f.tenant_id
      AND CASE WHEN f.app_connection_id IS NULL THEN c.is_default AND c.provider = f.provider
               ELSE c.id = f.app_connection_id END
    WHERE f.tenant_id = weft_tenant() AND f.id = ${fabricId} AND f.auth_method <> 'pat'`
}

function connectionOf(fabricId: string): Question<AppConnection> {
  return { sql: Prisma.sql`SELECT c.* FROM ${namedBy(fabricId)}` }
}

function connectionSecretsOf(fabricId: string): Question<ClientSecretRow> {
  return {
    sql: Prisma.sql`SELECT * FROM client_secrets WHERE tenant_id = weft_tenant()
       AND app_connection_id IN (SELECT c.id FROM ${namedBy(fabricId)}) ORDER BY state, set_at DESC`
  }
}

function allowanceOf(
  serviceAccountId: string,
  fabricId: string
): Question<ServiceAccountFabricRow> {
  return {
    sql: Prisma.sql`SELECT * FROM service_account_fabrics WHERE tenant_id = weft_tenant()
       AND service_account_id = ${serviceAccountId} AND fabric_id = ${fabricId}`
  }
}

function grantsFor(
  userId: string,
  fabricId: string
): Question<Pick<Grant, 'id' | 'userId' | 'fabricId' | 'appConnectionId'>> {
  return {
    sql: Prisma.sql`SELECT id, user_id, fabric_id, app_connection_id FROM grants
      WHERE tenant_id = weft_tenant() AND (fabric_id = ${fabricId} OR (user_id = ${userId}
        AND workspace_origin = (SELECT workspace_origin FROM fabrics
                                 WHERE tenant_id = weft_tenant() AND id = ${fabricId})))`
  }
}
