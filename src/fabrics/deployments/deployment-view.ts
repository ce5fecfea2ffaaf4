import { AppError, problemCatalogue } from '../../base/errors.ts'
import { asId } from '../../base/ids.ts'
import { isJsonObject } from '../../base/json-object.ts'
import type { FoundJob, FoundRun } from '../../providers/jobs.ts'
import { providers } from '../../providers/registry.ts'
import type { DeploymentRow } from '../../store/deployments.ts'
import type { FabricRow } from '../../store/fabrics.ts'
import { hashJson } from './deployment-input.ts'
import type { DeploymentView, JobCheck, JobSchedule, RunView } from './deployments.ts'

const { jobs } = providers.databricks

/** Why a deployment is orphaned, in plain words; null: it is not. */
export function orphanedBy(
  row: Pick<DeploymentRow, 'teamId' | 'workspaceOrigin' | 'clientId'>,
  fabric: FabricRow
): string | null {
  if (fabric.servicePrincipal === null) return 'The fabric has no service principal any more'
  if (row.teamId !== fabric.teamId) return 'The fabric has gone to another team'
  if (row.workspaceOrigin !== fabric.workspaceOrigin) return 'The fabric has moved'
  if (row.clientId !== fabric.servicePrincipal.clientId) {
    return 'The fabric has another service principal'
  }
  return null
}

export function viewDeployment(
  row: DeploymentRow,
  fabric: FabricRow,
  now: Date,
  { job = null, spec = null }: Partial<Pick<DeploymentView, 'job' | 'spec'>> = {}
): DeploymentView {
  return {
    id: asId('deployment', row.id),
    fabricId: asId('fabric', row.fabricId),
    name: row.name,
    ...stateOf(row, fabric, now),
    workspaceUrl: row.workspaceOrigin,
    jobId: row.jobId,
    jobUrl: row.jobId === null ? null : jobs.pageOf(row.workspaceOrigin, row.jobId),
    servicePrincipal: row.clientId,
    schedule: scheduleOf(row),
    specHash: row.specHash,
    deployedBy: row.deployedBy,
    deployedAt: row.deployedAt,
    createdAt: row.createdAt,
    leftBehind: row.leftBehind,
    job,
    spec
  }
}

function stateOf(
  row: DeploymentRow,
  fabric: FabricRow,
  now: Date
): Pick<DeploymentView, 'state' | 'detail'> {
  if (isClaimed(row, now)) return { state: 'deploying', detail: 'It is being deployed right now' }
  if (row.deployedAt === null) {
    return { state: 'unfinished', detail: 'It never came to its end: deploy it again' }
  }
  const reason = orphanedBy(row, fabric)
  if (reason === null) return { state: 'deployed', detail: 'Runs as the service principal' }
  return { state: 'orphaned', detail: `${reason}: Weft runs it only once it is deployed anew` }
}

export function isClaimed({ claimedUntil }: DeploymentRow, now: Date): boolean {
  return claimedUntil !== null && claimedUntil > now
}

/** What was written from a checked `JobSchedule`. */
function scheduleOf({ schedule }: DeploymentRow): JobSchedule | null {
  if (!isJsonObject(schedule)) return null
  const { quartzCronExpression, timezoneId, pauseStatus } = schedule
  return {
    quartzCronExpression: String(quartzCronExpression),
    timezoneId: String(timezoneId),
    pauseStatus: pauseStatus === 'PAUSED' ? 'PAUSED' : 'UNPAUSED'
  }
}

/** Starts a job by itself, or says what it is: watched whether it was deployed with them or not. */
const watched = ['tasks', 'tags', 'schedule', 'trigger', 'continuous', 'name', 'job_clusters']

/** By member of its settings, as the workspace tells them, of all that was asked for and is watched. */
export function settingHashesOf(
  job: FoundJob,
  asked: readonly string[]
): Readonly<Record<string, string>> {
  const names = [...new Set([...watched, ...asked])]
  const hashes = names.map((name) => [name, hashJson(job.settings[name])])
  return { ...Object.fromEntries(hashes), run_as: hashJson(job.runAs) }
}

/** What of the job is no longer as it was deployed; null: there is no such job. */
export function checkJob(row: DeploymentRow, job: FoundJob | null): JobCheck {
  const fine = { changed: [], code: null, owner: null }
  if (job === null) {
    return {
      ...fine,
      status: 'gone',
      detail: 'The job was deleted at the workspace: deploy it anew'
    }
  }
  const then = isJsonObject(row.settingHashes) ? row.settingHashes : {}
  const now = settingHashesOf(job, Object.keys(then))
  const changed = Object.keys(then).filter((name) => then[name] !== now[name])
  if (changed.length === 0) {
    return { ...fine, status: 'unchanged', detail: 'The job is as it was deployed' }
  }
  const detail = 'The job was changed at the workspace: deploying it again undoes that'
  return { ...fine, status: 'changed', changed, detail }
}

export function failedCheck(error: unknown): JobCheck {
  if (!(error instanceof AppError)) throw error
  const { code, owner } = error
  const detail = error.detail ?? problemCatalogue[code].title
  return { status: 'unknown', changed: [], detail, code, owner }
}

/** Null: it is not of this job. */
export function viewRun(run: FoundRun | null, jobId: string): RunView | null {
  return run === null || run.jobId !== jobId ? null : { ...run, jobId }
}
