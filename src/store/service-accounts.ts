import type { Question } from './asking.ts'
import type { Tx } from './db.ts'
import { Prisma, type ServiceAccount, type ServiceAccountFabric } from './generated/client.ts'

export type ServiceAccountRow = ServiceAccount
export type ServiceAccountFabricRow = ServiceAccountFabric

export function insertServiceAccount(
  tx: Tx,
  row: Pick<ServiceAccountRow, 'id' | 'name' | 'createdAt'>
): Promise<ServiceAccountRow> {
  return tx.rows.serviceAccount.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

export function findServiceAccount(tx: Tx, id: string): Promise<ServiceAccountRow | null> {
  return tx.rows.serviceAccount.findFirst({ where: { tenantId: tx.scope.tenantId, id } })
}

export function serviceAccountOf(id: string): Question<ServiceAccountRow> {
  return {
    sql: Prisma.sql`SELECT * FROM service_accounts WHERE tenant_id = weft_tenant() AND id = ${id}`
  }
}

/** Whose key has this hash. */
export function serviceAccountOfKey(hash: string): Question<ServiceAccountRow> {
  return {
    sql: Prisma.sql`SELECT * FROM service_accounts WHERE tenant_id = weft_tenant() AND id IN (
      SELECT service_account_id FROM service_keys WHERE tenant_id = weft_tenant() AND hash = ${hash})`
  }
}

/** Newest first, from before `cursor`. */
export function listServiceAccounts(
  tx: Tx,
  page: { limit: number; cursor: string | null }
): Promise<ServiceAccountRow[]> {
  return tx.rows.serviceAccount.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

/** @returns false when the row is no longer at `version` */
export async function updateServiceAccount(
  tx: Tx,
  id: string,
  version: number,
  patch: Partial<Pick<ServiceAccountRow, 'name' | 'allowedNetworks' | 'isDisabled'>>
): Promise<boolean> {
  const { count } = await tx.rows.serviceAccount.updateMany({
    where: { tenantId: tx.scope.tenantId, id, version },
    data: { ...patch, version: version + 1 }
  })
  return count === 1
}

export async function deleteServiceAccount(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.serviceAccount.deleteMany({
    where: { tenantId: tx.scope.tenantId, id }
  })
  return count === 1
}

/** @returns whether it was there; its row stays locked until the transaction ends */
export async function bumpServiceAccount(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.serviceAccount.updateMany({
    where: { tenantId: tx.scope.tenantId, id },
    data: { version: { increment: 1 } }
  })
  return count === 1
}

export function listServiceAccountFabrics(
  tx: Tx,
  serviceAccountIds: readonly string[]
): Promise<ServiceAccountFabricRow[]> {
  return tx.rows.serviceAccountFabric.findMany({
    where: { tenantId: tx.scope.tenantId, serviceAccountId: { in: [...serviceAccountIds] } },
    orderBy: { fabricId: 'asc' }
  })
}

/** What the service account may do with this fabric; null: nothing. */
export function findServiceAccountFabric(
  tx: Tx,
  serviceAccountId: string,
  fabricId: string
): Promise<ServiceAccountFabricRow | null> {
  return tx.rows.serviceAccountFabric.findFirst({
    where: { tenantId: tx.scope.tenantId, serviceAccountId, fabricId }
  })
}

/** Replaces the whole list. */
export async function replaceServiceAccountFabrics(
  tx: Tx,
  serviceAccountId: string,
  rows: readonly Omit<ServiceAccountFabricRow, 'tenantId' | 'serviceAccountId'>[]
): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.serviceAccountFabric.deleteMany({ where: { tenantId, serviceAccountId } })
  await tx.rows.serviceAccountFabric.createMany({
    data: rows.map((row) => ({ ...row, tenantId, serviceAccountId }))
  })
}

/** By name, of all these fabrics together no more than `limit`. */
export async function listAccountNamesOfFabrics(
  tx: Tx,
  fabricIds: readonly string[],
  limit: number
): Promise<{ readonly fabricId: string; readonly name: string }[]> {
  if (fabricIds.length === 0) return []
  const rows = await tx.rows.serviceAccountFabric.findMany({
    where: { tenantId: tx.scope.tenantId, fabricId: { in: [...fabricIds] } },
    select: { fabricId: true, serviceAccount: { select: { name: true } } },
    orderBy: { serviceAccount: { name: 'asc' } },
    take: limit
  })
  return rows.map(({ fabricId, serviceAccount }) => ({ fabricId, name: serviceAccount.name }))
}

/** @returns the service accounts that may no longer reach the fabric */
export async function deleteAccountsOfFabric(tx: Tx, fabricId: string): Promise<string[]> {
  const { tenantId } = tx.scope
  const rows = await tx.rows.serviceAccountFabric.findMany({
    where: { tenantId, fabricId },
    select: { serviceAccountId: true }
  })
  const ids = rows.map(({ serviceAccountId }) => serviceAccountId)
  await tx.rows.serviceAccountFabric.deleteMany({ where: { tenantId, fabricId } })
  await tx.rows.serviceAccount.updateMany({
    where: { tenantId, id: { in: ids } },
    data: { version: { increment: 1 } }
  })
  return ids
}
