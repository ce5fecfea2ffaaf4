import type { AuditEvent } from '../../audit/audit.ts'
import { problemCodeOf } from '../../base/errors.ts'
import { asId } from '../../base/ids.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import { type DeploymentRow, deleteDeployment, settleDeployment } from '../../store/deployments.ts'
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
    const begun = await db.inTenant(scope, async (tx) => {
      const { fabric, row } = await mustFindDeployment(tx, fabricId, name, 'deployment.delete')
      if (!isForgotten) mustReach(fabric, row, unreachable)
      const claim = await claimRow(deps, tx, row)
      await audit.append(tx, eventOf(scope, row, isForgotten ? 'forgotten' : 'begun'))
      if (!isForgotten) return { row, claim, labels: await labelsOf(tx, fabricId, name) }
      await deleteDeployment(tx, claim.id, claim.claimId)
      return null
    })
    if (begun === null) return
    const { row, claim, labels } = begun
    const place = { fabricId, workspaceOrigin: row.workspaceOrigin }

    async function removeJob(): Promise<void> {
      const signal = AbortSignal.timeout(changeDeadlineMs)
      const sought = { ...labels, runAs: row.clientId }
      // One that was never deployed to its end may have a job all the same.
      const id = row.jobId ?? (await keeping.find(scope, place, sought, signal))
      if (id !== null) await keeping.remove(scope, place, id)
    }

    try {
      await removeJob()
    } catch (error) {
      const code = problemCodeOf(error)
      const letGo = db.inTenant(scope, async (tx) => {
        await settleDeployment(tx, claim.id, claim.claimId, {})
        await audit.append(tx, { ...eventOf(scope, row, 'failed'), outcome: 'failed', code })
      })
      // Where even this fails, the claim ends by itself.
      await letGo.catch(() => undefined)
      throw error
    }
    await db.inTenant(scope, async (tx) => {
      if (!(await deleteDeployment(tx, claim.id, claim.claimId))) return
      await audit.append(tx, eventOf(scope, row, 'done'))
    })
  }
}

function eventOf(
  { actor }: TenantScope,
  { id, fabricId, name, jobId }: DeploymentRow,
  step: 'begun' | 'done' | 'forgotten' | 'failed'
): AuditEvent {
  return {
    action: 'deployment.delete',
    object: ['deployment', id],
    fabricId: asId('fabric', fabricId),
    ...(actor.kind === 'user' && { onBehalfOf: actor.id }),
    details: { name, jobId, isForgotten: step === 'forgotten', step }
  }
}
