import { plusMs } from '../../base/clock.ts'
import { AppError } from '../../base/errors.ts'
import { type DeploymentId, newId } from '../../base/ids.ts'
import type { Tx } from '../../store/db.ts'
import { UniqueViolation } from '../../store/db-errors.ts'
import { claimDeployment, type DeploymentRow, insertDeployment } from '../../store/deployments.ts'
import type { FabricRow, ServicePrincipalRow } from '../../store/fabrics.ts'
import type { DeploymentDeps } from './deployment-deps.ts'

/** All the calls of one change together; a claim outlives them. */
export const changeDeadlineMs = 90_000
const claimMs = 120_000

/** The right to change the job of a deployment, for one at a time on any replica. */
export interface Claim {
  readonly id: DeploymentId
  readonly claimId: string
}

/** @throws AppError `conflict` with `retryAt`: somebody else has it */
export async function claimRow(
  { clock }: Pick<DeploymentDeps, 'clock'>,
  tx: Tx,
  row: DeploymentRow
): Promise<Claim> {
  const now = clock.now()
  const claimId = newId('token', clock)
  const claimedUntil = plusMs(now, claimMs)
  if (await claimDeployment(tx, row.id, { claimId, claimedUntil }, now)) {
    return { id: row.id as DeploymentId, claimId } // a row's own id
  }
  throw new AppError('conflict', {
    detail: 'It is being changed right now',
    retryAt: row.claimedUntil ?? plusMs(now, claimMs)
  })
}

/** What stands before anything is asked of the workspace: whoever comes later finds it. */
export async function claimNew(
  { clock }: Pick<DeploymentDeps, 'clock'>,
  tx: Tx,
  input: {
    readonly fabric: FabricRow
    readonly name: string
    readonly principal: ServicePrincipalRow
    readonly specHash: string
  }
): Promise<Claim> {
  const { fabric, name, principal, specHash } = input
  const now = clock.now()
  const claim = { id: newId('deployment', clock), claimId: newId('token', clock) }
  await insertDeployment(tx, {
    ...claim,
    fabricId: fabric.id,
    name,
    teamId: fabric.teamId,
    workspaceOrigin: fabric.workspaceOrigin,
    clientId: principal.clientId,
    jobId: null,
    specHash,
    specSealed: null,
    leftBehind: [],
    deployedBy: tx.scope.actor.id,
    deployedAt: null,
    createdAt: now,
    claimedUntil: plusMs(now, claimMs)
  })
  return claim
}

/** Two at once who both found none: the one who comes second is told as if it had come later. */
export function clashOf(error: unknown): unknown {
  if (!(error instanceof UniqueViolation)) return error
  return new AppError('conflict', { detail: 'It is being changed right now' })
}
