import type { Db, Tx } from './db.ts'
import { type IncidentRevocation, Prisma } from './generated/client.ts'
import { askForTenantIds } from './tenants.ts'

export type IncidentRow = IncidentRevocation

/** Whose: the whole tenant's, what goes by a fabric, a person's. */
export interface IncidentTarget {
  readonly kind: 'tenant' | 'fabric' | 'user'
  readonly id: string
}

export interface IncidentGrantRow {
  readonly grantId: string
  readonly kind: string
  readonly workspaceOrigin: string
  readonly appConnectionId: string | null
  readonly refreshTokenSealed: string | null
}

/** What could not be revoked, together by host and cause. */
export interface NotRevokedRow {
  readonly host: string
  readonly cause: string
  readonly grantIds: string[]
}

/** One incident of a tenant begins after the other. */
export async function lockTenant(tx: Tx): Promise<void> {
  await tx.rows.$queryRaw`SELECT 1 AS ok FROM tenants WHERE id = ${tx.scope.tenantId} FOR UPDATE`
}

export async function insertIncident(
  tx: Tx,
  row: Omit<IncidentRow, 'tenantId' | 'ended' | 'finishedAt'>
): Promise<void> {
  await tx.rows.incidentRevocation.create({
    data: { ...row, ended: {}, tenantId: tx.scope.tenantId }
  })
}

export function findIncident(tx: Tx, id: string): Promise<IncidentRow | null> {
  return tx.rows.incidentRevocation.findFirst({ where: { tenantId: tx.scope.tenantId, id } })
}

/** The one of this target that the provider is still being told of. */
export function findOpenIncident(
  tx: Tx,
  { kind, id }: IncidentTarget
): Promise<IncidentRow | null> {
  const where = { tenantId: tx.scope.tenantId, targetKind: kind, targetId: id, finishedAt: null }
  return tx.rows.incidentRevocation.findFirst({ where })
}

/** Tenants with an incident that is not finished, or tokens that `forgetOldIncidentTokens` would let go of. */
export async function listTenantsWithIncidents(db: Db, before: Date): Promise<string[]> {
  return await askForTenantIds(
    db,
    Prisma.sql`SELECT id FROM weft_tenants_with_incidents(${before})`
  )
}

export function listOpenIncidents(tx: Tx): Promise<IncidentRow[]> {
  const where = { tenantId: tx.scope.tenantId, finishedAt: null }
  return tx.rows.incidentRevocation.findMany({ where, orderBy: { id: 'asc' } })
}

/** Adds to what an incident has ended. */
export async function noteEnded(
  tx: Tx,
  id: string,
  ended: Readonly<Record<string, number>>
): Promise<void> {
  await tx.rows.incidentRevocation.updateMany({
    where: { tenantId: tx.scope.tenantId, id },
    data: { ended }
  })
}

/** @returns whether it was this call that did */
export async function finishIncident(tx: Tx, id: string, finishedAt: Date): Promise<boolean> {
  const count = await tx.rows.$executeRaw`
    UPDATE incident_revocations SET finished_at = ${finishedAt}
     WHERE tenant_id = ${tx.scope.tenantId} AND id = ${id} AND finished_at IS NULL
       AND NOT EXISTS (SELECT FROM incident_grants
                        WHERE tenant_id = ${tx.scope.tenantId} AND incident_id = ${id} AND outcome IS NULL)`
  return count === 1
}

/** What earlier incidents could not revoke is tried once more, as this one's. @returns how many */
export async function adoptNotRevoked(tx: Tx, id: string): Promise<number> {
  return await tx.rows.$executeRaw`
    UPDATE incident_grants SET incident_id = ${id}, outcome = NULL, cause = NULL, claimed_until = NULL
     WHERE tenant_id = ${tx.scope.tenantId} AND outcome = 'not_revoked' AND refresh_token_sealed IS NOT NULL`
}

/**
 * Deletes the target's grants and keeps of the people's what the provider is to be told. A refresh that is under
 * way finds its grant gone.
 */
export async function endGrants(
  tx: Tx,
  incidentId: string,
  { kind, id }: IncidentTarget
): Promise<{ grants: number; servicePrincipals: number }> {
  const { tenantId } = tx.scope
  const rows = await tx.rows.$queryRaw<{ kind: string; n: number }[]>`
    WITH gone AS (
      DELETE FROM grants WHERE tenant_id = ${tenantId} AND CASE ${kind}
        WHEN 'tenant' THEN true
        WHEN 'user' THEN user_id = ${id}
        ELSE fabric_id = ${id} OR (user_id IS NOT NULL AND workspace_origin =
          (SELECT workspace_origin FROM fabrics WHERE tenant_id = ${tenantId} AND id = ${id}))
      END RETURNING *
    ), kept AS (
      INSERT INTO incident_grants (tenant_id, incident_id, grant_id, kind, workspace_origin, app_connection_id,
        refresh_token_sealed)
      SELECT tenant_id, ${incidentId}, id, kind, workspace_origin, app_connection_id,
             (SELECT refresh_token_sealed FROM grant_tokens t WHERE t.tenant_id = gone.tenant_id AND t.grant_id = gone.id)
        FROM gone WHERE user_id IS NOT NULL
    )
    SELECT kind, count(*)::int AS n FROM gone GROUP BY kind`
  const principals = rows.find((row) => row.kind === 'service_principal')?.n ?? 0
  const all = rows.reduce((sum, { n }) => sum + n, 0)
  return { grants: all - principals, servicePrincipals: principals }
}

/** Ends what the target's callers come with, sessions left out. */
export async function endCredentials(
  tx: Tx,
  { kind, id }: IncidentTarget,
  now: Date
): Promise<Readonly<Record<string, number>>> {
  const { tenantId } = tx.scope
  if (kind === 'fabric') {
    const { count } = await tx.rows.delegation.deleteMany({ where: { tenantId, fabricId: id } })
    return { delegations: count }
  }
  const own = kind === 'user' ? { tenantId, userId: id } : { tenantId }
  const delegations = (await tx.rows.delegation.deleteMany({ where: own })).count
  const personalTokens = (await tx.rows.personalToken.deleteMany({ where: own })).count
  if (kind === 'user') return { delegations, personalTokens }
  const serviceKeys = await tx.rows.serviceKey.updateMany({
    where: { tenantId, revokedAt: null },
    data: { revokedAt: now }
  })
  const scimTokens = await tx.rows.scimToken.deleteMany({ where: { tenantId } })
  // What was got with an assertion ends with the version that it was got at.
  const federated = await tx.rows.federatedIdentity.updateMany({
    where: { tenantId },
    data: { version: { increment: 1 } }
  })
  return {
    delegations,
    personalTokens,
    serviceKeys: serviceKeys.count,
    scimTokens: scimTokens.count,
    federatedIdentities: federated.count
  }
}

/** Takes a portion of what the provider is not told of yet, as nobody else's for `leaseMs`. */
export async function takeIncidentGrants(
  tx: Tx,
  incidentId: string,
  { limit, leaseMs }: { limit: number; leaseMs: number }
): Promise<IncidentGrantRow[]> {
  const { tenantId } = tx.scope
  return await tx.rows.$queryRaw<IncidentGrantRow[]>`
    UPDATE incident_grants g SET claimed_until = now() + ${leaseMs} * interval '1 millisecond'
     WHERE g.ctid = ANY (ARRAY(
       SELECT ctid FROM incident_grants
        WHERE tenant_id = ${tenantId} AND incident_id = ${incidentId} AND outcome IS NULL
          AND (claimed_until IS NULL OR claimed_until < now())
        LIMIT ${limit}::int FOR UPDATE SKIP LOCKED))
    RETURNING g.grant_id AS "grantId", kind, workspace_origin AS "workspaceOrigin",
              app_connection_id AS "appConnectionId", refresh_token_sealed AS "refreshTokenSealed"`
}

/** @param causes of each grant why it could not be revoked; null: it was */
export async function settleIncidentGrants(
  tx: Tx,
  incidentId: string,
  causes: ReadonlyMap<string, string | null>
): Promise<void> {
  const byCause = Map.groupBy(causes.keys(), (grantId) => causes.get(grantId) ?? null)
  for (const [cause, grantIds] of byCause) {
    await tx.rows.incidentGrant.updateMany({
      where: { tenantId: tx.scope.tenantId, incidentId, grantId: { in: grantIds } },
      data:
        cause === null
          ? { outcome: 'revoked', refreshTokenSealed: null }
          : { outcome: 'not_revoked', cause }
    })
  }
}

export async function countIncidentGrants(
  tx: Tx,
  incidentId: string
): Promise<{ revoked: number; waiting: number; notRevoked: NotRevokedRow[] }> {
  const where = { tenantId: tx.scope.tenantId, incidentId }
  const notRevoked = await tx.rows.$queryRaw<NotRevokedRow[]>`
    SELECT workspace_origin AS host, cause, array_agg(grant_id ORDER BY grant_id) AS "grantIds"
      FROM incident_grants
     WHERE tenant_id = ${tx.scope.tenantId} AND incident_id = ${incidentId} AND outcome = 'not_revoked'
     GROUP BY workspace_origin, cause ORDER BY workspace_origin, cause`
  return {
    revoked: await tx.rows.incidentGrant.count({ where: { ...where, outcome: 'revoked' } }),
    waiting: await tx.rows.incidentGrant.count({ where: { ...where, outcome: null } }),
    notRevoked
  }
}

/** Refresh tokens that could not be revoked are kept for no longer than somebody may try again. */
export async function forgetOldIncidentTokens(tx: Tx, before: Date): Promise<void> {
  await tx.rows.incidentGrant.updateMany({
    where: {
      tenantId: tx.scope.tenantId,
      refreshTokenSealed: { not: null },
      incident: { finishedAt: { lt: before } }
    },
    data: { refreshTokenSealed: null }
  })
}

/** A secret that stays good at the provider until an admin replaces it there. */
export interface SecretToRotate {
  readonly kind: 'app_connection' | 'service_principal'
  /** Of the app connection, or of the service principal's fabric. */
  readonly id: string
  readonly name: string
  readonly clientId: string
  /** The account console, or the workspace. */
  readonly where: string | null
  readonly hints: string[]
}

export async function listSecretsToRotate(
  tx: Tx,
  target: IncidentTarget
): Promise<SecretToRotate[]> {
  const { tenantId } = tx.scope
  if (target.kind === 'user') return []
  return await tx.rows.$queryRaw<SecretToRotate[]>`
    SELECT 'app_connection' AS kind, a.id, a.name, a.client_id AS "clientId", a.account_host AS "where",
           array_agg(s.hint ORDER BY s.id) AS hints
      FROM app_connections a JOIN client_secrets s ON s.tenant_id = a.tenant_id AND s.app_connection_id = a.id
     WHERE a.tenant_id = ${tenantId} AND a.client_id IS NOT NULL AND ${target.kind} = 'tenant' GROUP BY a.id
     UNION ALL
    SELECT 'service_principal', f.id, f.name, p.client_id, f.workspace_origin, array_agg(s.hint ORDER BY s.id)
      FROM fabrics f JOIN service_principals p ON p.tenant_id = f.tenant_id AND p.fabric_id = f.id
      JOIN client_secrets s ON s.tenant_id = p.tenant_id AND s.fabric_id = p.fabric_id
     WHERE f.tenant_id = ${tenantId} AND (${target.kind} = 'tenant' OR f.id = ${target.id})
     GROUP BY f.id, p.client_id
     ORDER BY 1, 3`
}
