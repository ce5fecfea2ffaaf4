import { AppError, invalidRequest, type ProblemCode, problemCodeOf } from '../../base/errors.ts'
import { asId, type FabricId } from '../../base/ids.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import type { JobWish } from '../../providers/jobs.ts'
import { providers } from '../../providers/registry.ts'
import {
  type DeploymentRow,
  deleteDeployment,
  findDeployment,
  settleDeployment
} from '../../store/deployments.ts'
import type { FabricRow } from '../../store/fabrics.ts'
import { mustFindFabric } from '../fabric-deps.ts'
import { jobSizesOf } from '../job-sizes.ts'
import { type Claim, changeDeadlineMs, claimNew, claimRow, clashOf } from './claims.ts'
import { type DeploymentDeps, labelsOf, mustHavePrincipal } from './deployment-deps.ts'
import { checkDeployment, hashJson } from './deployment-input.ts'
import { sealSpec } from './deployment-spec.ts'
import { settingHashesOf } from './deployment-view.ts'
import type { DeploymentInput, Deployments } from './deployments.ts'
import { createJobKeeping, type KeptJob } from './job-keeping.ts'

const { jobs } = providers.databricks
const leftBehindMax = 10

/** What a deployment is made with, as it stood when it was claimed. */
interface Begun {
  readonly claim: Claim
  readonly fabric: FabricRow
  readonly before: DeploymentRow | null
  readonly wish: JobWish
  readonly specHash: string
}

/** Failures that leave open whether the workspace did what it was asked. */
const unsure: ReadonlySet<ProblemCode> = new Set([
  'upstream_timeout',
  'upstream_unavailable',
  'workspace_unreachable',
  'shutting_down',
  'internal'
])

/** Puts a deployment's job at the workspace; `put` without its answer. */
export function createDeploying(
  deps: DeploymentDeps
): (...input: Parameters<Deployments['put']>) => Promise<void> {
  const { db, audit, clock } = deps
  const keeping = createJobKeeping(deps.ask)

  async function begin(
    scope: TenantScope,
    fabricId: FabricId,
    name: string,
    input: DeploymentInput
  ): Promise<Begun> {
    const specHash = hashJson(input)
    return await db.inTenant(scope, async (tx) => {
      const fabric = await mustFindFabric(tx, fabricId, 'deployment.put')
      const principal = mustHavePrincipal(fabric)
      const before = await findDeployment(tx, fabricId, name)
      const claim =
        before === null
          ? await claimNew(deps, tx, { fabric, name, principal, specHash })
          : await claimRow(deps, tx, before)
      const wish = {
        ...(await labelsOf(tx, fabricId, name)),
        runAs: principal.clientId,
        schedule: input.schedule ?? null,
        settings: sizedSettings(fabric, input)
      }
      await audit.append(tx, eventOf({ claim, fabric, wish, specHash, scope }, { step: 'begun' }))
      return { claim, fabric, before, wish, specHash }
    })
  }

  async function settle(
    scope: TenantScope,
    begun: Begun,
    { job, isNew, specSealed }: KeptJob & { readonly specSealed: string }
  ): Promise<boolean> {
    const { claim, fabric, wish, specHash } = begun
    const { schedule, settings } = wish
    return await db.inTenant(scope, async (tx) => {
      const isOurs = await settleDeployment(tx, claim.id, claim.claimId, {
        teamId: fabric.teamId,
        workspaceOrigin: fabric.workspaceOrigin,
        clientId: wish.runAs,
        jobId: job.id,
        specHash,
        specSealed,
        settingHashes: settingHashesOf(job, Object.keys(settings)),
        schedule: schedule === null ? null : { ...schedule },
        leftBehind: leftBehindBy(begun),
        deployedBy: scope.actor.id,
        deployedAt: clock.now()
      })
      if (!isOurs) return false
      const details = { step: isNew ? 'created' : 'reset', jobId: job.id }
      await audit.append(tx, eventOf({ ...begun, scope }, details))
      return true
    })
  }

  async function giveUp(scope: TenantScope, begun: Begun, error: unknown): Promise<void> {
    const { claim, before } = begun
    const code = problemCodeOf(error)
    const isNothing = before === null && !unsure.has(code)
    await db.inTenant(scope, async (tx) => {
      if (isNothing) await deleteDeployment(tx, claim.id, claim.claimId)
      else await settleDeployment(tx, claim.id, claim.claimId, {})
      const event = eventOf({ ...begun, scope }, { step: 'failed' })
      await audit.append(tx, { ...event, outcome: 'failed', code })
    })
  }

  return async (scope, fabricId, name, input) => {
    checkDeployment(jobs, input)
    const begun = await begin(scope, fabricId, name, input).catch((error: unknown) => {
      throw clashOf(error)
    })
    // It goes on when who asked for it has left: a job without its record would be nobody's.
    const signal = AbortSignal.timeout(changeDeadlineMs)
    const { claim, before, fabric, wish } = begun
    const jobId = before && isSamePlace(before, fabric, wish) ? before.jobId : null
    const place = { fabricId, workspaceOrigin: fabric.workspaceOrigin }
    const kept = await keeping
      .put(scope, place, wish, { jobId, signal })
      .catch(async (error: unknown) => {
        // Where even this fails, the claim ends by itself.
        await giveUp(scope, begun, error).catch(() => undefined)
        throw error
      })
    const specSealed = await sealSpec(deps.strongbox, scope, claim.id, input)
    if (await settle(scope, begun, { ...kept, specSealed })) return
    if (kept.isNew) await keeping.remove(scope, place, kept.job.id)
    throw new AppError('conflict', { detail: 'The fabric or the deployment was deleted meanwhile' })
  }
}

/** @throws AppError `invalid_request`: the fabric has no such size */
function sizedSettings(
  fabric: FabricRow,
  { settings, jobSize }: DeploymentInput
): DeploymentInput['settings'] {
  if (jobSize === undefined) return settings
  const size = jobSizesOf(fabric).find(({ name }) => name === jobSize)
  if (size === undefined)
    throw invalidRequest('/jobSize', 'the fabric has no job size of this name')
  return jobs.withCluster(settings, size.cluster)
}

function eventOf(
  {
    claim,
    fabric,
    wish,
    specHash,
    scope
  }: Pick<Begun, 'claim' | 'fabric' | 'wish' | 'specHash'> & { readonly scope: TenantScope },
  details: Readonly<Record<string, string>>
) {
  const { actor } = scope
  return {
    action: 'deployment.put' as const,
    object: ['deployment', claim.id] as const,
    fabricId: asId('fabric', fabric.id),
    ...(actor.kind === 'user' && { onBehalfOf: actor.id }),
    details: {
      name: wish.tags['weft-deployment'] ?? '',
      servicePrincipal: wish.runAs,
      workspaceOrigin: fabric.workspaceOrigin,
      specHash,
      hasSchedule: wish.schedule !== null,
      ...details
    }
  }
}

/** A job of other credentials or another place is left where it is: its schedule may still run. */
function leftBehindBy({ before, fabric, wish }: Begun): string[] {
  if (before === null) return []
  const { jobId, leftBehind } = before
  const isLeft = jobId !== null && !isSamePlace(before, fabric, wish)
  const page = isLeft ? [jobs.pageOf(before.workspaceOrigin, jobId)] : []
  return [...new Set([...leftBehind, ...page])].slice(-leftBehindMax)
}

function isSamePlace(before: DeploymentRow, fabric: FabricRow, { runAs }: JobWish): boolean {
  return before.workspaceOrigin === fabric.workspaceOrigin && before.clientId === runAs
}
