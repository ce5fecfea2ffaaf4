import { AppError } from '../../base/errors.ts'
import { asId, type FabricId } from '../../base/ids.ts'
import type { Operation } from '../../base/operations.ts'
import type { JobWish } from '../../providers/jobs.ts'
import type { Tx } from '../../store/db.ts'
import { type DeploymentRow, findDeployment } from '../../store/deployments.ts'
import type { FabricRow, ServicePrincipalRow } from '../../store/fabrics.ts'
import { findTenant } from '../../store/tenants.ts'
import { type FabricDeps, mustFindFabric } from '../fabric-deps.ts'
import { orphanedBy } from './deployment-view.ts'
import type { Deployed } from './deployments.ts'
import type { AskAsPrincipal } from './principal-calls.ts'

export interface DeploymentDeps extends FabricDeps {
  readonly ask: AskAsPrincipal
  /** How often a run that is followed is looked at, milliseconds. */
  readonly pollMs: number
}

/** Anybody who may see the fabric is told what there is no deployment of. */
export async function mustFindDeployment(
  tx: Tx,
  fabricId: FabricId,
  name: string,
  operation: Operation
): Promise<{ readonly fabric: FabricRow; readonly row: DeploymentRow }> {
  const fabric = await mustFindFabric(tx, fabricId, operation)
  const row = await findDeployment(tx, fabricId, name)
  if (row === null) throw new AppError('not_found')
  return { fabric, row }
}

/** @throws AppError `fabric_incomplete`, `service_principal_missing` */
export function mustHavePrincipal(fabric: FabricRow): ServicePrincipalRow {
  if (fabric.status !== 'complete') throw new AppError('fabric_incomplete')
  if (fabric.servicePrincipal === null) throw new AppError('service_principal_missing')
  return fabric.servicePrincipal
}

/** By what the job of a deployment is known at its workspace. */
export async function labelsOf(
  tx: Tx,
  fabricId: FabricId,
  name: string
): Promise<Pick<JobWish, 'name' | 'tags'>> {
  const tenant = (await findTenant(tx))?.slug ?? ''
  return {
    name: `${name} [${fabricId}]`,
    tags: { 'weft-tenant': tenant, 'weft-fabric': fabricId, 'weft-deployment': name }
  }
}

/**
 * What a deployment's job can be reached with.
 * @throws AppError `conflict`: it was deployed with something else than the fabric has now
 */
export function mustReach(fabric: FabricRow, row: DeploymentRow, advice = 'deploy it anew'): void {
  mustHavePrincipal(fabric)
  const reason = orphanedBy(row, fabric)
  if (reason !== null) throw new AppError('conflict', { detail: `${reason}: ${advice}` })
}

/**
 * A deployment whose job may be asked about and run.
 * @throws AppError `conflict`: it has none, or not with what the fabric has now
 */
export function mustBeDeployed(fabric: FabricRow, row: DeploymentRow): Deployed {
  mustReach(fabric, row)
  const { jobId, clientId, workspaceOrigin } = row
  if (jobId === null) throw new AppError('conflict', { detail: 'It was never deployed to its end' })
  return {
    fabricId: asId('fabric', row.fabricId),
    id: asId('deployment', row.id),
    teamId: asId('team', row.teamId),
    workspaceOrigin,
    clientId,
    jobId
  }
}
