import type { TenantScope } from '../base/tenant-scope.ts'
import type { Question } from './asking.ts'
import { type ClientSecretRow, clientSecretsOf, currentFirst } from './client-secrets.ts'
import type { Db, Tx } from './db.ts'
import { type Fabric, Prisma, type ServicePrincipal } from './generated/client.ts'

/** A service principal with its secrets, the current one first. */
export type ServicePrincipalRow = ServicePrincipal & { clientSecrets: ClientSecretRow[] }
export type FabricRow = Fabric & { servicePrincipal: ServicePrincipalRow | null }

const withPrincipal = {
  servicePrincipal: { include: { clientSecrets: currentFirst } }
} satisfies Prisma.FabricInclude

/** What is written of a fabric. */
export type FabricColumns = Omit<Fabric, 'id' | 'tenantId' | 'version' | 'jobSizes'> & {
  readonly jobSizes: Prisma.InputJsonValue
}

export async function insertFabric(tx: Tx, row: FabricColumns & Pick<Fabric, 'id'>): Promise<void> {
  await tx.rows.fabric.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findFabric(tx: Tx, id: string): Promise<FabricRow | null> {
  return tx.rows.fabric.findFirst({
    where: { tenantId: tx.scope.tenantId, id },
    include: withPrincipal
  })
}

/** As `findFabric`, in one round trip. */
export async function readFabric(
  db: Db,
  scope: TenantScope,
  id: string
): Promise<FabricRow | null> {
  const [[row], [principal], secrets] = await db.ask(
    scope,
    fabricOf(id),
    principalOf(id),
    clientSecretsOf({ fabricId: id })
  )
  return row === undefined ? null : fabricRowOf(row, principal, secrets)
}

export function fabricOf(id: string): Question<Fabric> {
  return { sql: Prisma.sql`SELECT * FROM fabrics WHERE tenant_id = weft_tenant() AND id = ${id}` }
}

export function principalOf(fabricId: string): Question<ServicePrincipal> {
  return {
    sql: Prisma.sql`SELECT * FROM service_principals WHERE tenant_id = weft_tenant() AND fabric_id = ${fabricId}`
  }
}

/** What was asked apart as one. */
export function fabricRowOf(
  row: Fabric,
  principal: ServicePrincipal | undefined,
  secrets: readonly ClientSecretRow[]
): FabricRow {
  const servicePrincipal =
    principal === undefined ? null : { ...principal, clientSecrets: [...secrets] }
  return { ...row, servicePrincipal }
}

/** The fabric, locked until the transaction ends. */
export async function lockFabric(tx: Tx, id: string): Promise<void> {
  await tx.rows.$queryRaw`
    SELECT 1 AS ok FROM fabrics WHERE tenant_id = ${tx.scope.tenantId} AND id = ${id} FOR UPDATE`
}

export async function findFabricIdBySlug(tx: Tx, slug: string): Promise<string | null> {
  const row = await tx.rows.fabric.findUnique({
    where: { tenantId_slug: { tenantId: tx.scope.tenantId, slug } },
    select: { id: true }
  })
  return row?.id ?? null
}

export interface FabricFilter {
  readonly kind: string | null
  readonly teamId: string | null
  readonly status: string | null
  /** What the name holds, whatever the case. */
  readonly q: string | null
}

const unfiltered: FabricFilter = { kind: null, teamId: null, status: null, q: null }

/** Newest first, from before `cursor`, of the given teams; of the given ones alone where `ids` is not null. */
export function listFabrics(
  tx: Tx,
  page: {
    limit: number
    cursor: string | null
    teams: 'all' | readonly string[]
    ids: readonly string[] | null
  },
  { kind, teamId, status, q }: FabricFilter = unfiltered
): Promise<FabricRow[]> {
  return tx.rows.fabric.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      AND: [
        page.teams === 'all' ? {} : { teamId: { in: [...page.teams] } },
        kind === null ? {} : { kind },
        teamId === null ? {} : { teamId },
        status === null ? {} : { status },
        q === null ? {} : { name: { contains: likeLiteral(q), mode: 'insensitive' } }
      ],
      id: {
        ...(page.cursor === null ? {} : { lt: page.cursor }),
        ...(page.ids === null ? {} : { in: [...page.ids] })
      }
    },
    include: withPrincipal,
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

/** A name may hold what a pattern means something else by. */
function likeLiteral(text: string): string {
  return text.replaceAll(/[\\%_]/g, '\\$&')
}

/** @returns false when the row is no longer at `version` */
export async function updateFabric(
  tx: Tx,
  id: string,
  version: number,
  patch: Partial<FabricColumns>
): Promise<boolean> {
  const { count } = await tx.rows.fabric.updateMany({
    where: { tenantId: tx.scope.tenantId, id, version },
    data: { ...patch, version: version + 1 }
  })
  return count === 1
}

export async function deleteFabric(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.fabric.deleteMany({
    where: { tenantId: tx.scope.tenantId, id }
  })
  return count === 1
}

/** Nothing of the one before it stays, nor of its secrets. */
export async function replaceServicePrincipal(
  tx: Tx,
  row: Omit<ServicePrincipal, 'tenantId'>
): Promise<void> {
  await deleteServicePrincipal(tx, row.fabricId)
  await tx.rows.servicePrincipal.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export async function deleteServicePrincipal(tx: Tx, fabricId: string): Promise<boolean> {
  const { count } = await tx.rows.servicePrincipal.deleteMany({
    where: { tenantId: tx.scope.tenantId, fabricId }
  })
  return count === 1
}

/** Those that name this app connection, and where it is the default those that name none; newest first. */
export function listFabricsOfAppConnection(
  tx: Tx,
  connection: { id: string; provider: string; isDefault: boolean },
  limit: number
): Promise<Fabric[]> {
  const { id, provider, isDefault } = connection
  return tx.rows.fabric.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      provider,
      authMethod: 'oauth',
      OR: [{ appConnectionId: id }, ...(isDefault ? [{ appConnectionId: null }] : [])]
    },
    orderBy: { id: 'desc' },
    take: limit
  })
}

/** Whose people sign in by what such a grant stands for, oldest first. */
export async function listFabricIdsOfSignIn(
  tx: Tx,
  grant: { workspaceOrigin: string; appConnectionId: string | null },
  limit: number
): Promise<string[]> {
  const { tenantId } = tx.scope
  const { workspaceOrigin, appConnectionId } = grant
  const connection =
    appConnectionId === null
      ? null
      : await tx.rows.appConnection.findFirst({ where: { tenantId, id: appConnectionId } })
  const way =
    connection === null
      ? { authMethod: 'pat' }
      : {
          provider: connection.provider,
          authMethod: 'oauth',
          OR: [{ appConnectionId }, ...(connection.isDefault ? [{ appConnectionId: null }] : [])]
        }
  const rows = await tx.rows.fabric.findMany({
    where: { tenantId, workspaceOrigin, ...way },
    select: { id: true },
    orderBy: { id: 'asc' },
    take: limit
  })
  return rows.map(({ id }) => id)
}

export function countFabricsOfTeam(tx: Tx, teamId: string): Promise<number> {
  return tx.rows.fabric.count({ where: { tenantId: tx.scope.tenantId, teamId } })
}
