/**
 * Owns: deployments – jobs that Weft keeps at a fabric's workspace – and their runs.
 * Touches: what the rest of `fabrics/` touches; the workspace always as the fabric's service principal.
 * Never: as the person who asks; with other credentials than a job was deployed with.
 */
import type { ProblemOwner } from '../../base/errors.ts'
import type { DeploymentId, FabricId, TeamId } from '../../base/ids.ts'
import type { Page, PageQuery } from '../../base/page.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import type { FoundRun, JobSchedule } from '../../providers/jobs.ts'

export { type JobSchedule, runStates } from '../../providers/jobs.ts'

export interface DeploymentInput {
  /** The workspace's own job settings, without what Weft owns of them. */
  readonly settings: Readonly<Record<string, unknown>>
  readonly schedule?: JobSchedule | undefined
  /** One of the fabric's, by name: the cluster of every task that needs one and names none. */
  readonly jobSize?: string | undefined
}

/** What it was last deployed with, as it was given. */
export interface DeploymentSpec {
  readonly settings: DeploymentInput['settings']
  readonly jobSize: string | null
}

export const deploymentStates = ['deployed', 'deploying', 'unfinished', 'orphaned'] as const
export const jobStates = ['unchanged', 'changed', 'gone', 'unknown'] as const

/** How the job is found at the workspace. */
export interface JobCheck {
  readonly status: (typeof jobStates)[number]
  /** Members of its settings that are no longer as they were deployed. */
  readonly changed: readonly string[]
  readonly detail: string
  /** Of a check that failed: the problem's code. */
  readonly code: string | null
  readonly owner: ProblemOwner | null
}

export interface DeploymentView {
  readonly id: DeploymentId
  readonly fabricId: FabricId
  readonly name: string
  /** `orphaned`: what the fabric has now is not what it was deployed with; nothing runs until it is deployed anew. */
  readonly state: (typeof deploymentStates)[number]
  /** The state in plain words. */
  readonly detail: string
  readonly workspaceUrl: string
  readonly jobId: string | null
  readonly jobUrl: string | null
  /** Client id of the service principal that it runs as. */
  readonly servicePrincipal: string
  readonly schedule: JobSchedule | null
  /** SHA-256, hex, of what was deployed. */
  readonly specHash: string
  /** The admin on whose behalf it was deployed. */
  readonly deployedBy: string
  readonly deployedAt: Date | null
  readonly createdAt: Date
  /** Pages of earlier jobs that Weft no longer reaches; their schedules may still run. */
  readonly leftBehind: readonly string[]
  /** Null: not asked for, or there is none to ask for. */
  readonly job: JobCheck | null
  /** Null in a list, for who may not deploy, and where none was kept. */
  readonly spec: DeploymentSpec | null
}

export interface RunView extends Omit<FoundRun, 'jobId'> {
  readonly jobId: string
}

export interface NewRun {
  readonly parameters: Readonly<Record<string, string>>
  /** The same one of the same caller starts one run; null: none was given. */
  readonly idempotencyKey: string | null
}

/** Which run of which deployment. */
export interface RunRef {
  readonly fabricId: FabricId
  readonly name: string
  readonly runId: string
}

export interface Deployments {
  /** Without asking the workspace. */
  list(scope: TenantScope, fabricId: FabricId, page: PageQuery): Promise<Page<DeploymentView>>
  /** With how the job is found; a workspace that does not answer is no failure. */
  get(scope: TenantScope, fabricId: FabricId, name: string): Promise<DeploymentView>
  /**
   * Makes the job, or resets the one that there is: never a second one, also after an end between the two.
   * @throws AppError `service_principal_missing`, `fabric_incomplete`; `conflict`: it is being deployed;
   *   `invalid_request`: here or at the workspace; `service_principal_refused`, `compute_forbidden`
   */
  put(
    scope: TenantScope,
    fabricId: FabricId,
    name: string,
    input: DeploymentInput
  ): Promise<DeploymentView>
  /**
   * Deletes the job too, unless it is gone or only to be forgotten.
   * @throws AppError `service_principal_missing`, `conflict`: Weft can't reach the job any more
   */
  remove(
    scope: TenantScope,
    fabricId: FabricId,
    name: string,
    options: { readonly isForgotten: boolean }
  ): Promise<void>
  /** @throws AppError `service_principal_missing`; `conflict`: orphaned, gone, or running as somebody else */
  startRun(scope: TenantScope, fabricId: FabricId, name: string, run: NewRun): Promise<RunView>
  listRuns(
    scope: TenantScope,
    fabricId: FabricId,
    name: string,
    page: PageQuery
  ): Promise<Page<RunView>>
  getRun(scope: TenantScope, run: RunRef): Promise<RunView>
  /** Tells of each change, and every so often that nothing changed, until the run is over. */
  followRun(
    scope: TenantScope,
    run: RunRef,
    onChange: (run: RunView) => void,
    signal: AbortSignal
  ): Promise<RunView>
  cancelRun(scope: TenantScope, run: RunRef): Promise<RunView>
  /** @throws AppError as `getRun` would now, for one who still follows a run */
  recheck(scope: TenantScope, fabricId: FabricId): Promise<void>
}

/** A deployment that can be asked for, with what it was deployed with. */
export interface Deployed {
  readonly fabricId: FabricId
  readonly id: DeploymentId
  readonly teamId: TeamId
  readonly workspaceOrigin: string
  readonly clientId: string
  readonly jobId: string
}
