import type { Tx } from './db.ts'
import { type Deployment, Prisma } from './generated/client.ts'

export type DeploymentRow = Deployment

type Written = Omit<DeploymentRow, 'tenantId' | 'settingHashes' | 'schedule'>

export async function insertDeployment(tx: Tx, row: Written): Promise<void> {
  const { tenantId } = tx.scope
  await tx.rows.deployment.create({ data: { ...row, tenantId, settingHashes: {} } })
}

export function findDeployment(
  tx: Tx,
  fabricId: string,
  name: string
): Promise<DeploymentRow | null> {
  const { tenantId } = tx.scope
  return tx.rows.deployment.findFirst({ where: { tenantId, fabricId, name } })
}

/** Newest first, from before `cursor`. */
export function listDeployments(
  tx: Tx,
  fabricId: string,
  page: { limit: number; cursor: string | null }
): Promise<DeploymentRow[]> {
  return tx.rows.deployment.findMany({
    where: {
      tenantId: tx.scope.tenantId,
      fabricId,
      ...(page.cursor === null ? {} : { id: { lt: page.cursor } })
    },
    orderBy: { id: 'desc' },
    take: page.limit
  })
}

/** By name, of all these fabrics together no more than `limit`. */
export function listDeploymentsOfFabrics(
  tx: Tx,
  fabricIds: readonly string[],
  limit: number
): Promise<DeploymentRow[]> {
  return tx.rows.deployment.findMany({
    where: { tenantId: tx.scope.tenantId, fabricId: { in: [...fabricIds] } },
    orderBy: [{ name: 'asc' }, { id: 'asc' }],
    take: limit
  })
}

/** @returns false while somebody else's claim holds */
export async function claimDeployment(
  tx: Tx,
  id: string,
  claim: { readonly claimId: string; readonly claimedUntil: Date },
  now: Date
): Promise<boolean> {
  const { count } = await tx.rows.deployment.updateMany({
    where: {
      tenantId: tx.scope.tenantId,
      id,
      OR: [{ claimedUntil: null }, { claimedUntil: { lte: now } }]
    },
    data: claim
  })
  return count === 1
}

export interface DeployedPatch
  extends Partial<
    Omit<Written, 'id' | 'fabricId' | 'name' | 'createdAt' | 'claimId' | 'claimedUntil'>
  > {
  readonly settingHashes?: Readonly<Record<string, string>>
  /** Null: it has none. */
  readonly schedule?: Prisma.JsonObject | null
}

/** Writes what came of it and ends the claim. @returns false when the claim no longer holds */
export async function settleDeployment(
  tx: Tx,
  id: string,
  claimId: string,
  { schedule, ...patch }: DeployedPatch
): Promise<boolean> {
  const { count } = await tx.rows.deployment.updateMany({
    where: { tenantId: tx.scope.tenantId, id, claimId },
    data: {
      ...patch,
      ...(schedule === undefined ? {} : { schedule: schedule ?? Prisma.DbNull }),
      claimId: null,
      claimedUntil: null
    }
  })
  return count === 1
}

/** @returns false when the claim no longer holds */
export async function deleteDeployment(tx: Tx, id: string, claimId: string): Promise<boolean> {
  const { count } = await tx.rows.deployment.deleteMany({
    where: { tenantId: tx.scope.tenantId, id, claimId }
  })
  return count === 1
}
