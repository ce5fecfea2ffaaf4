import { asId } from '../../base/ids.ts'
import { deleteDeployment, settleDeployment } from '../../store/deployments.ts'
import { changeDeadlineMs, claimRow } from './claims.ts'
import { type DeploymentDeps, labelsOf, mustFindDeployment, mustReach } from './deployment-deps.ts'
import type { Deployments } from './deployments.ts'
import { createJobKeeping } from './job-keeping.ts'

const unreachable = 'delete its job at the workspace, then this with forget=true'

/** Ends a deployment with its job, or, where it is only to be forgotten, without. */
export function createDeploymentRemoval(deps: DeploymentDeps): Deployments['remove'] {
  const { db, audit } = deps
  const keeping = createJobKeeping(deps.ask)

  return async (scope, fabricId, name, { isForgotten }) => {
    const { row, claim, labels } = await db.inTenant(scope, async (tx) => {
      const found = await mustFindDeployment(tx, fabricId, name, 'deployment.delete')
      if (!isForgotten) mustReach(found.fabric, found.row, unreachable)
      const claim = await claimRow(deps, tx, found.row)
      return { row: found.row, claim, labels: await labelsOf(tx, fabricId, name) }
    })
    const place = { fabricId, workspaceOrigin: row.workspaceOrigin }

    async function removeJob(): Promise<void> {
      const signal = AbortSignal.timeout(changeDeadlineMs)
      const sought = { ...labels, runAs: row.clientId }
      // One that was never deployed to its end may have a job all the same.
      const id = row.jobId ?? (await keeping.find(scope, place, sought, signal))
      if (id !== null) await keeping.remove(scope, place, id)
    }

    try {
      if (!isForgotten) await removeJob()
    } catch (error) {
      const letGo = db.inTenant(scope, (tx) => settleDeployment(tx, claim.id, claim.claimId, {}))
      // Where even this fails, the claim ends by itself.
      await letGo.catch(() => undefined)
      throw error
    }
    await db.inTenant(scope, async (tx) => {
      if (!(await deleteDeployment(tx, claim.id, claim.claimId))) return
      await audit.append(tx, {
        action: 'deployment.delete',
        object: ['deployment', claim.id],
        fabricId: asId('fabric', row.fabricId),
        ...(scope.actor.kind === 'user' && { onBehalfOf: scope.actor.id }),
        details: { name, jobId: row.jobId, isForgotten }
      })
    })
  }
}
