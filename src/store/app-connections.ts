import { plusMs } from '../base/clock.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Question } from './asking.ts'
import { type ClientSecretRow, clientSecretsOf, currentFirst } from './client-secrets.ts'
import type { Db, Tx } from './db.ts'
import { type AppConnection, Prisma } from './generated/client.ts'

/** An app connection with its secrets, the current one first. */
export type AppConnectionRow = AppConnection & { clientSecrets: ClientSecretRow[] }

const withSecrets = { clientSecrets: currentFirst } satisfies Prisma.AppConnectionInclude

export async function insertAppConnection(
  tx: Tx,
  row: Omit<
    AppConnection,
    | 'tenantId'
    | 'version'
    | 'verifiedAt'
    | 'registrationId'
    | 'registrationBegunAt'
    | 'verification'
    | 'verificationCheckedAt'
    | 'isDisabled'
    | 'faultCode'
    | 'faultNextTryAt'
    | 'faultCount'
  >
): Promise<void> {
  await tx.rows.appConnection.create({ data: { ...row, tenantId: tx.scope.tenantId } })
}

/** The app connection, locked until the transaction ends. */
export async function lockAppConnection(tx: Tx, id: string): Promise<void> {
  await tx.rows.$queryRaw`
    SELECT 1 AS ok FROM app_connections
     WHERE tenant_id = ${tx.scope.tenantId} AND id = ${id} FOR UPDATE`
}

export function findAppConnection(tx: Tx, id: string): Promise<AppConnectionRow | null> {
  return tx.rows.appConnection.findFirst({
    where: { tenantId: tx.scope.tenantId, id },
    include: withSecrets
  })
}

/** As `findAppConnection`, in one round trip. */
export async function readAppConnection(
  db: Db,
  scope: TenantScope,
  id: string
): Promise<AppConnectionRow | null> {
  const connection: Question<AppConnection> = {
    sql: Prisma.sql`SELECT * FROM app_connections WHERE tenant_id = weft_tenant() AND id = ${id}`
  }
  const [[row], secrets] = await db.ask(scope, connection, clientSecretsOf({ appConnectionId: id }))
  return row === undefined ? null : { ...row, clientSecrets: [...secrets] }
}

export function findDefaultAppConnection(
  tx: Tx,
  provider: string
): Promise<AppConnectionRow | null> {
  return tx.rows.appConnection.findFirst({
    where: { tenantId: tx.scope.tenantId, provider, isDefault: true },
    include: withSecrets
  })
}

/** Newest first, from before `cursor`. */
export function listAppConnections(
  tx: Tx,
  page: { limit: number; cursor: string | null }
): Promise<AppConnectionRow[]> {
  return tx.rows.appConnection.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    include: withSecrets,
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

/** @returns false when the row is no longer at `version` */
export async function updateAppConnection(
  tx: Tx,
  id: string,
  version: number,
  patch: Partial<Omit<AppConnection, 'id' | 'tenantId' | 'version' | 'createdAt' | 'verification'>>
): Promise<boolean> {
  const { count } = await tx.rows.appConnection.updateMany({
    where: { tenantId: tx.scope.tenantId, id, version },
    data: { ...patch, version: version + 1 }
  })
  return count === 1
}

/**
 * What a verification of the settings at `version` came to; its own change is no new version.
 * @returns false when the settings have changed since
 */
export async function keepVerification(
  tx: Tx,
  id: string,
  version: number,
  kept: { verification: object; verificationCheckedAt: Date; verifiedAt: Date | null }
): Promise<boolean> {
  const { count } = await tx.rows.appConnection.updateMany({
    where: { tenantId: tx.scope.tenantId, id, version },
    data: kept
  })
  return count === 1
}

/** Other settings than those that were verified. */
export async function dropVerification(tx: Tx, id: string): Promise<void> {
  await tx.rows.appConnection.updateMany({
    where: { tenantId: tx.scope.tenantId, id },
    data: { verification: Prisma.DbNull, verificationCheckedAt: null, verifiedAt: null }
  })
}

/** At most one default per provider: the others step back. */
export async function clearDefaultAppConnection(tx: Tx, provider: string): Promise<void> {
  await tx.rows.appConnection.updateMany({
    where: { tenantId: tx.scope.tenantId, provider, isDefault: true },
    data: { isDefault: false }
  })
}

export async function deleteAppConnection(tx: Tx, id: string): Promise<boolean> {
  const { count } = await tx.rows.appConnection.deleteMany({
    where: { tenantId: tx.scope.tenantId, id }
  })
  return count === 1
}

const faultBackoffMs = 60_000
const faultBackoffMaxMs = 15 * 60_000

/**
 * The provider refused the client itself: nobody asks it in this client's name for a minute, and twice as
 * long each time after that, up to a quarter of an hour.
 */
export async function raiseAppConnectionFault(
  tx: Tx,
  id: string,
  faultCode: string,
  now: Date
): Promise<void> {
  const where = { tenantId: tx.scope.tenantId, id }
  const row = await tx.rows.appConnection.findFirst({ where, select: { faultCount: true } })
  if (row === null) return
  const waitMs = Math.min(faultBackoffMs * 2 ** row.faultCount, faultBackoffMaxMs)
  const faultNextTryAt = plusMs(now, waitMs)
  const data = { faultCode, faultNextTryAt, faultCount: { increment: 1 } }
  await tx.rows.appConnection.updateMany({ where, data })
}

export async function clearAppConnectionFault(tx: Tx, id: string): Promise<void> {
  await tx.rows.appConnection.updateMany({
    where: { tenantId: tx.scope.tenantId, id, faultCode: { not: null } },
    data: { faultCode: null, faultNextTryAt: null, faultCount: 0 }
  })
}
