import { AppError } from '../../base/errors.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import type { FoundJob, JobWish } from '../../providers/jobs.ts'
import { providers } from '../../providers/registry.ts'
import type { AskAsPrincipal, PrincipalPlace } from './principal-calls.ts'

const { jobs } = providers.databricks
const pagesMax = 10

/** Of a job at a workspace, before and after it was put there. */
export interface KeptJob {
  readonly job: FoundJob
  readonly isNew: boolean
}

/** Jobs of one workspace, as its service principal. */
export function createJobKeeping(ask: AskAsPrincipal) {
  /** Only its own job is ever taken for it: who else made one of the same tags keeps rights on it. */
  async function find(
    scope: TenantScope,
    place: PrincipalPlace,
    { name, tags, runAs }: Pick<JobWish, 'name' | 'tags' | 'runAs'>,
    signal: AbortSignal
  ): Promise<string | null> {
    let pageToken: string | null = null
    for (let count = 0; count < pagesMax; count += 1) {
      const page: Awaited<ReturnType<typeof list>> = await list(pageToken)
      const own = page.items.find(
        (job) =>
          job.creator === runAs &&
          Object.entries(tags).every(([tag, value]) => job.tags[tag] === value)
      )
      if (own !== undefined) return own.id
      pageToken = page.nextPageToken
      if (pageToken === null) return null
    }
    return null

    function list(token: string | null) {
      return ask(scope, place, jobs.listByName(name, token), signal)
    }
  }

  /**
   * Resets the job of this id, or the one that is found by its tags; else makes one.
   * @throws AppError `service_principal_refused`: it would not run as the service principal
   */
  async function put(
    scope: TenantScope,
    place: PrincipalPlace,
    wish: JobWish,
    { jobId, signal }: { jobId: string | null; signal: AbortSignal }
  ): Promise<KeptJob> {
    const reset = (id: string) => ask(scope, place, jobs.reset(id, wish), signal)
    let kept = jobId === null ? null : await reset(jobId)
    if (kept === null) {
      const found = await find(scope, place, wish, signal)
      kept = found === null ? null : await reset(found)
    }
    const isNew = kept === null
    const { id } = kept ?? (await ask(scope, place, jobs.create(wish), signal))
    const job = await ask(scope, place, jobs.read(id), signal)
    if (job?.runAs === wish.runAs) return { job, isNew }
    if (isNew) await remove(scope, place, id)
    throw new AppError('service_principal_refused', {
      detail: 'The workspace does not let the job run as the service principal'
    })
  }

  /** Gone is as good as deleted. */
  async function remove(scope: TenantScope, place: PrincipalPlace, id: string): Promise<void> {
    await ask(scope, place, jobs.remove(id))
  }

  return { find, put, remove }
}
