import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { AuditEvent } from '../../audit/audit.ts'
import { AppError, problemCodeOf } from '../../base/errors.ts'
import { type FabricId, newId } from '../../base/ids.ts'
import type { Operation } from '../../base/operations.ts'
import type { TenantScope } from '../../base/tenant-scope.ts'
import { providers } from '../../providers/registry.ts'
import { mustFindFabric } from '../fabric-deps.ts'
import { type DeploymentDeps, mustBeDeployed, mustFindDeployment } from './deployment-deps.ts'
import { viewRun } from './deployment-view.ts'
import type { Deployed, Deployments, NewRun, RunRef, RunView } from './deployments.ts'

type Runs = Pick<
  Deployments,
  'startRun' | 'listRuns' | 'getRun' | 'followRun' | 'cancelRun' | 'recheck'
>

const { jobs } = providers.databricks
/** Proxies end connections that say nothing for a minute or so. */
const tellEveryMs = 15_000
/** Looks in a row that may fail before the one who follows is told. */
const missesMax = 5
const cursorPattern = /^[\x21-\x7e]{1,512}$/

/** Runs of deployed jobs: begun, seen, followed and canceled, always as the service principal. */
export function createDeploymentRuns(deps: DeploymentDeps): Runs {
  const { db, audit, clock, ask, pollMs } = deps

  const find = (scope: TenantScope, fabricId: FabricId, name: string, operation: Operation) =>
    db.inTenant(scope, async (tx) => {
      const { fabric, row } = await mustFindDeployment(tx, fabricId, name, operation)
      return mustBeDeployed(fabric, row)
    })

  async function read(scope: TenantScope, of: Deployed, runId: string, signal?: AbortSignal) {
    const run = await ask(scope, of, jobs.readRun(of.workspaceOrigin, runId), signal)
    const view = viewRun(run, of.jobId)
    if (view === null) throw new AppError('not_found')
    return view
  }

  async function look(
    scope: TenantScope,
    { fabricId, name, runId }: RunRef,
    signal?: AbortSignal
  ): Promise<RunView> {
    return await read(scope, await find(scope, fabricId, name, 'deployment_run.get'), runId, signal)
  }

  /** Whoever may edit the job at the workspace may have it run as somebody else. */
  async function mustRunAsPrincipal(scope: TenantScope, of: Deployed): Promise<void> {
    const job = await ask(scope, of, jobs.read(of.jobId))
    if (job === null) throw jobGone()
    if (job.runAs === of.clientId) return
    throw new AppError('conflict', {
      detail: 'The job no longer runs as the service principal: deploy it anew'
    })
  }

  async function begin(scope: TenantScope, of: Deployed, run: NewRun): Promise<string> {
    await mustRunAsPrincipal(scope, of)
    const idempotencyToken = tokenOf(scope, of, run) ?? newId('token', clock)
    const { parameters } = run
    const begun = await ask(scope, of, jobs.start(of.jobId, { parameters, idempotencyToken }))
    if (begun === null) throw jobGone()
    return begun.runId
  }

  /** On record before the workspace is asked, and once more with what came of it. */
  async function onRecord(
    scope: TenantScope,
    of: Deployed,
    event: Pick<AuditEvent, 'action'> & { readonly name: string; readonly runId: string | null },
    work: () => Promise<string>
  ): Promise<string> {
    const { action, name, runId } = event
    const { jobId, clientId: servicePrincipal, fabricId } = of
    const tell = (step: string, id: string | null, end: Partial<AuditEvent> = {}) =>
      audit.record(scope, [
        {
          action,
          object: ['deployment', of.id],
          fabricId,
          ...(scope.actor.kind === 'user' && { onBehalfOf: scope.actor.id }),
          ...end,
          details: { name, jobId, servicePrincipal, runId: id, step }
        }
      ])
    await tell('begun', runId)
    const done = await work().catch(async (error: unknown) => {
      const code = problemCodeOf(error)
      await tell('failed', runId, { outcome: 'failed', code })
      throw error
    })
    await tell('done', done)
    return done
  }

  return {
    async startRun(scope, fabricId, name, run) {
      const of = await find(scope, fabricId, name, 'deployment_run.create')
      const event = { action: 'deployment_run.create', name, runId: null } as const
      const runId = await onRecord(scope, of, event, () => begin(scope, of, run))
      return await read(scope, of, runId)
    },

    async listRuns(scope, fabricId, name, { limit, cursor }) {
      if (cursor !== null && !cursorPattern.test(cursor)) {
        throw new AppError('invalid_request', { detail: '/query/cursor: not one of this list' })
      }
      const of = await find(scope, fabricId, name, 'deployment_run.list')
      const page = { limit: Math.min(limit, jobs.runsPerPageMax), pageToken: cursor }
      const found = await ask(scope, of, jobs.listRuns(of.workspaceOrigin, of.jobId, page))
      const items = found.items.map((run) => viewRun(run, of.jobId)).filter((run) => run !== null)
      return { items, nextCursor: found.nextPageToken }
    },

    getRun: (scope, run) => look(scope, run),

    async followRun(scope, ref, onChange, signal) {
      let told = { text: '', atMs: 0 }
      let misses = 0
      for (;;) {
        const run = await look(scope, ref, signal).catch((error: unknown) => {
          misses += 1
          const isMissed = error instanceof AppError && error.owner === 'upstream'
          if (!isMissed || misses > missesMax || signal.aborted) throw error
          return null
        })
        if (run !== null) {
          misses = 0
          if (run.isOver) return run
          const [text, nowMs] = [JSON.stringify(run), clock.monotonicMs()]
          if (text !== told.text || nowMs - told.atMs >= tellEveryMs) {
            onChange(run)
            told = { text, atMs: nowMs }
          }
        }
        await delay(pollMs, undefined, { signal }).catch(() => {
          throw new AppError('upstream_timeout', { note: 'aborted by the caller' })
        })
      }
    },

    async cancelRun(scope, { fabricId, name, runId }) {
      const of = await find(scope, fabricId, name, 'deployment_run.cancel')
      await read(scope, of, runId)
      const event = { action: 'deployment_run.cancel', name, runId } as const
      await onRecord(scope, of, event, async () => {
        await ask(scope, of, jobs.cancelRun(runId))
        return runId
      })
      return await read(scope, of, runId)
    },

    recheck: (scope, fabricId) =>
      db.inTenant(
        scope,
        async (tx) => void (await mustFindFabric(tx, fabricId, 'deployment_run.get'))
      )
  }
}

function jobGone(): AppError {
  return new AppError('conflict', {
    detail: 'The job was deleted at the workspace: deploy it anew'
  })
}

/** Of one caller and one deployment: 64 characters, as many as a job's token may have. */
function tokenOf({ actor }: TenantScope, { id }: Deployed, { idempotencyKey }: NewRun) {
  if (idempotencyKey === null) return null
  return createHash('sha256').update(`${actor.id} ${id} ${idempotencyKey}`).digest('hex')
}
