import type { Question } from './asking.ts'
import type { Db, Tx } from './db.ts'
import { type FederatedIdentity, Prisma } from './generated/client.ts'

/** `claims` and `jwks` are JSON that was checked before it was written. */
export type FederatedIdentityRow = FederatedIdentity

export interface FederatedIdentityValues
  extends Omit<
    FederatedIdentityRow,
    | 'id'
    | 'tenantId'
    | 'serviceAccountId'
    | 'version'
    | 'createdAt'
    | 'lastUsedAt'
    | 'claims'
    | 'jwks'
  > {
  readonly claims: Prisma.InputJsonObject
  readonly jwks: Prisma.InputJsonObject | null
}

export function insertFederatedIdentity(
  tx: Tx,
  row: FederatedIdentityValues & Pick<FederatedIdentityRow, 'id' | 'serviceAccountId' | 'createdAt'>
): Promise<FederatedIdentityRow> {
  return tx.rows.federatedIdentity.create({
    data: { ...row, tenantId: tx.scope.tenantId, jwks: row.jwks ?? Prisma.DbNull }
  })
}

export function findFederatedIdentity(
  tx: Tx,
  serviceAccountId: string,
  id: string
): Promise<FederatedIdentityRow | null> {
  return tx.rows.federatedIdentity.findFirst({
    where: { tenantId: tx.scope.tenantId, serviceAccountId, id }
  })
}

export function federatedIdentityOf(
  serviceAccountId: string,
  id: string
): Question<FederatedIdentityRow> {
  return {
    sql: Prisma.sql`SELECT * FROM federated_identities
      WHERE tenant_id = weft_tenant() AND service_account_id = ${serviceAccountId} AND id = ${id}`
  }
}

/** Oldest first. */
export function listFederatedIdentities(
  tx: Tx,
  serviceAccountId: string
): Promise<FederatedIdentityRow[]> {
  return tx.rows.federatedIdentity.findMany({
    where: { tenantId: tx.scope.tenantId, serviceAccountId },
    orderBy: { id: 'asc' }
  })
}

/** Of a service account whose tenant is not known yet, oldest first. */
export function lookUpFederatedIdentities(
  db: Db,
  serviceAccountId: string
): Promise<FederatedIdentityRow[]> {
  return db.inLookup({ key: serviceAccountId }, (tx) =>
    tx.rows.federatedIdentity.findMany({ where: { serviceAccountId }, orderBy: { id: 'asc' } })
  )
}

/** @returns false when the row is no longer at `version` */
export async function updateFederatedIdentity(
  tx: Tx,
  serviceAccountId: string,
  id: string,
  version: number,
  values: FederatedIdentityValues
): Promise<boolean> {
  const { count } = await tx.rows.federatedIdentity.updateMany({
    where: { tenantId: tx.scope.tenantId, serviceAccountId, id, version },
    data: { ...values, jwks: values.jwks ?? Prisma.DbNull, version: version + 1 }
  })
  return count === 1
}

export async function deleteFederatedIdentity(
  tx: Tx,
  serviceAccountId: string,
  id: string
): Promise<boolean> {
  const { count } = await tx.rows.federatedIdentity.deleteMany({
    where: { tenantId: tx.scope.tenantId, serviceAccountId, id }
  })
  return count === 1
}

/** Only those last used before `dueBefore`, so that several replicas write once. */
export async function touchFederatedIdentities(
  tx: Tx,
  ids: readonly string[],
  lastUsedAt: Date,
  dueBefore: Date
): Promise<void> {
  await tx.rows.federatedIdentity.updateMany({
    where: {
      tenantId: tx.scope.tenantId,
      id: { in: [...ids] },
      OR: [{ lastUsedAt: null }, { lastUsedAt: { lt: dueBefore } }]
    },
    data: { lastUsedAt }
  })
}
