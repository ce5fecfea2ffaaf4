import { asId } from '../../base/ids.ts'
import { pageOf } from '../../base/page.ts'
import { providers } from '../../providers/registry.ts'
import { listDeployments } from '../../store/deployments.ts'
import { type FabricDeps, mustFindFabric } from '../fabric-deps.ts'
import { createDeploying } from './deploying.ts'
import { type DeploymentDeps, mustFindDeployment } from './deployment-deps.ts'
import { createDeploymentRemoval } from './deployment-removal.ts'
import { createDeploymentRuns } from './deployment-runs.ts'
import { openSpec } from './deployment-spec.ts'
import { checkJob, failedCheck, orphanedBy, viewDeployment } from './deployment-view.ts'
import type { Deployments } from './deployments.ts'
import { createPrincipalCalls } from './principal-calls.ts'

const { jobs } = providers.databricks
const pollMsDefault = 2_000

/** @param pollMs how often a run that is followed is looked at, default 2 s */
export function createDeployments(
  given: FabricDeps,
  { pollMs = pollMsDefault }: { readonly pollMs?: number } = {}
): Deployments {
  const deps: DeploymentDeps = { ...given, ask: createPrincipalCalls(given), pollMs }
  const { db, clock, strongbox, ask } = deps
  const deploy = createDeploying(deps)

  const get: Deployments['get'] = async (scope, fabricId, name) => {
    const { fabric, row } = await db.inTenant(scope, (tx) =>
      mustFindDeployment(tx, fabricId, name, 'deployment.get')
    )
    const mayDeploy = scope.authority.may('deployment.put', asId('team', fabric.teamId))
    const spec = mayDeploy ? await openSpec(strongbox, scope, row) : null
    if (row.jobId === null || orphanedBy(row, fabric) !== null) {
      return viewDeployment(row, fabric, clock.now(), { spec })
    }
    const place = { fabricId, workspaceOrigin: row.workspaceOrigin }
    const job = await ask(scope, place, jobs.read(row.jobId)).then(
      (found) => checkJob(row, found),
      failedCheck
    )
    return viewDeployment(row, fabric, clock.now(), { job, spec })
  }

  return {
    ...createDeploymentRuns(deps),
    get,

    list: async (scope, fabricId, { limit, cursor }) =>
      await db.inTenant(scope, async (tx) => {
        const fabric = await mustFindFabric(tx, fabricId, 'deployment.list')
        const rows = await listDeployments(tx, fabricId, { limit: limit + 1, cursor })
        return pageOf(rows, limit, (row) => viewDeployment(row, fabric, clock.now()))
      }),

    async put(scope, fabricId, name, input) {
      await deploy(scope, fabricId, name, input)
      return await get(scope, fabricId, name)
    },

    remove: createDeploymentRemoval(deps)
  }
}
