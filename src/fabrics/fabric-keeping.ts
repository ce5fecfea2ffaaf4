import { AppError, invalidRequest } from '../base/errors.ts'
import { type FabricId, newId } from '../base/ids.ts'
import { pageOf } from '../base/page.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import { providers } from '../providers/registry.ts'
import { findAppConnection } from '../store/app-connections.ts'
import type { Tx } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  deleteFabric,
  deleteServicePrincipal,
  type FabricRow,
  insertFabric,
  listFabrics,
  updateFabric
} from '../store/fabrics.ts'
import { refuseIncomplete, refuseLoss, standingOf } from './completeness.ts'
import { checkJobSizes, mergeCompute, readCompute } from './fabric-compute.ts'
import { mergeDeadlines } from './fabric-deadlines.ts'
import {
  type FabricDeps,
  forgetPrincipalGrant,
  mustFindFabric,
  mustFindTeamFor
} from './fabric-deps.ts'
import { checkEndpointList, readWorkspace, refuseConnection, slugOf } from './fabric-input.ts'
import { viewFabrics } from './fabric-view.ts'
import type { FabricPatch, Fabrics, FabricView } from './fabrics.ts'
import { storedSizes } from './job-sizes.ts'
import { keepPrincipal, sealPrincipal } from './principal-secrets.ts'

type Keeping = Pick<Fabrics, 'list' | 'get' | 'create' | 'update' | 'remove' | 'complete'>

const slugAttemptsMax = 20

/** Fabrics as records: made, changed, completed and deleted, with their service principals. */
export function createFabricKeeping(deps: FabricDeps): Keeping {
  const { db, audit, clock, outbound } = deps
  const provider = providers.databricks

  async function viewOne(tx: Tx, row: FabricRow): Promise<FabricView> {
    const [view] = await viewFabrics(tx, [row], clock.now())
    if (view === undefined) throw new AppError('internal', { note: 'a fabric without a view' })
    return view
  }

  const reread = async (scope: TenantScope, id: FabricId) =>
    await db.inTenant(scope, async (tx) => viewOne(tx, await mustFindFabric(tx, id, 'fabric.get')))

  return {
    get: reread,

    list: async (scope, { limit, cursor, kind = null, teamId = null, status = null, q = null }) =>
      await db.inTenant(scope, async (tx) => {
        const { teams, fabrics: ids = null } = scope.authority
        const filter = { kind, teamId, status, q }
        const rows = await listFabrics(tx, { limit: limit + 1, cursor, teams, ids }, filter)
        const views = new Map(
          (await viewFabrics(tx, rows, clock.now())).map((view) => [view.id as string, view])
        )
        const { items, nextCursor } = pageOf(rows, limit, (row) => views.get(row.id))
        return { items: items.filter((view) => view !== undefined), nextCursor }
      }),

    async create(scope, input) {
      refuseConnection(input)
      const address = readWorkspace(outbound, provider, input)
      const id = newId('fabric', clock)
      const now = clock.now()
      const list = input.endpointAllowList
      const row = {
        id,
        teamId: input.teamId,
        name: input.name,
        description: input.description ?? '',
        kind: input.kind,
        provider: input.provider,
        workspaceOrigin: address.origin,
        authMethod: input.authMethod,
        appConnectionId: input.appConnectionId ?? null,
        servicePrincipalUse: input.servicePrincipalUse ?? 'admins',
        ...readCompute(provider, input, address.httpPath),
        jobSizes: storedSizes(checkJobSizes(input.kind, input.jobSizes ?? [])),
        isProduction: input.production ?? false,
        hasEndpointList: list !== undefined,
        endpointAllowList: checkEndpointList(provider, list ?? []),
        ...mergeDeadlines(null, input.deadlines),
        status: 'draft',
        createdAt: now,
        updatedAt: now
      }
      const principal =
        input.servicePrincipal === undefined
          ? null
          : await sealPrincipal(deps, scope, input.servicePrincipal)
      const insert = async (slug: string) =>
        await db.inTenant(scope, async (tx) => {
          await mustFindTeamFor(tx, input.teamId, 'fabric.create')
          await mustFindConnection(tx, row.appConnectionId)
          await insertFabric(tx, { ...row, slug })
          if (principal !== null) await keepPrincipal(tx, id, principal)
          const { name, kind, workspaceOrigin } = row
          const details = { name, kind, workspaceOrigin, hasServicePrincipal: principal !== null }
          await audit.append(tx, {
            action: 'fabric.create',
            object: ['fabric', id],
            fabricId: id,
            details
          })
        })
      await withFreeSlug(input.name, insert)
      return await reread(scope, id)
    },

    async update(scope, id, patch) {
      const address = givesAddress(patch) ? readWorkspace(outbound, provider, patch) : null
      const list = patch.endpointAllowList
      const endpoints = list ? checkEndpointList(provider, list) : undefined
      const principal = patch.servicePrincipal
        ? await sealPrincipal(deps, scope, patch.servicePrincipal)
        : null
      try {
        await db.inTenant(scope, async (tx) => {
          const row = await mustFindFabric(tx, id, 'fabric.update')
          refuseConnection({
            authMethod: row.authMethod === 'pat' ? 'pat' : 'oauth',
            appConnectionId: patch.appConnectionId ?? undefined
          })
          await mustFindConnection(tx, patch.appConnectionId ?? null)
          const sizes = patch.jobSizes === undefined ? undefined : (patch.jobSizes ?? [])
          const changes = {
            ...plainChanges(patch),
            ...(sizes && { jobSizes: storedSizes(checkJobSizes(row.kind, sizes)) }),
            ...(address === null ? {} : { workspaceOrigin: address.origin }),
            ...mergeCompute(provider, row, patch.compute),
            ...(list === undefined
              ? {}
              : { hasEndpointList: list !== null, endpointAllowList: endpoints ?? [] }),
            ...mergeDeadlines(row, patch.deadlines),
            updatedAt: clock.now()
          }
          if (!(await updateFabric(tx, id, patch.version, changes))) {
            throw new AppError('version_conflict')
          }
          const hasMoved = address !== null && address.origin !== row.workspaceOrigin
          const isDropped = principal === null && (hasMoved || patch.servicePrincipal === null)
          const standing = standingOf(row)
          const hasPrincipal = principal !== null || (standing.hasPrincipal && !isDropped)
          refuseLoss(row.status, standing, { ...standing, ...changes, hasPrincipal })
          if (isDropped || principal !== null || hasMoved) await forgetPrincipalGrant(tx, id)
          if (isDropped) await deleteServicePrincipal(tx, id)
          if (principal !== null) await keepPrincipal(tx, id, principal)
          const changed = Object.keys(patch).filter((member) => member !== 'version')
          await audit.append(tx, {
            action: 'fabric.update',
            object: ['fabric', id],
            fabricId: id,
            details: { changed, hasNewServicePrincipal: principal !== null, isDropped }
          })
        })
      } catch (error) {
        throw isNameClash(error) ? nameClash() : error
      }
      return await reread(scope, id)
    },

    remove: async (scope, id) =>
      await db.inTenant(scope, async (tx) => {
        const row = await mustFindFabric(tx, id, 'fabric.delete')
        await deleteFabric(tx, id)
        const details = { name: row.name }
        await audit.append(tx, {
          action: 'fabric.delete',
          object: ['fabric', id],
          fabricId: id,
          details
        })
      }),

    async complete(scope, id) {
      await db.inTenant(scope, async (tx) => {
        const row = await mustFindFabric(tx, id, 'fabric.complete')
        if (row.status === 'complete') return
        refuseIncomplete(standingOf(row))
        await updateFabric(tx, id, row.version, { status: 'complete', updatedAt: clock.now() })
        await audit.append(tx, { action: 'fabric.complete', object: ['fabric', id], fabricId: id })
      })
      return await reread(scope, id)
    }
  }
}

function givesAddress(patch: FabricPatch): boolean {
  return patch.workspaceUrl !== undefined || patch.jdbcUrl !== undefined
}

/** The members that are columns as they stand. */
function plainChanges(patch: FabricPatch) {
  const { name, description, appConnectionId, servicePrincipalUse, production } = patch
  return {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description: description ?? '' }),
    ...(appConnectionId === undefined ? {} : { appConnectionId }),
    ...(servicePrincipalUse === undefined ? {} : { servicePrincipalUse }),
    ...(production === undefined ? {} : { isProduction: production })
  }
}

async function mustFindConnection(tx: Tx, appConnectionId: string | null): Promise<void> {
  if (appConnectionId === null) return
  if ((await findAppConnection(tx, appConnectionId)) !== null) return
  throw new AppError('not_found', { detail: 'No such app connection' })
}

async function withFreeSlug(name: string, insert: (slug: string) => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await insert(slugOf(name, attempt))
    } catch (error) {
      if (isNameClash(error)) throw nameClash()
      if (!(error instanceof UniqueViolation) || attempt === slugAttemptsMax) throw error
    }
  }
}

function isNameClash(error: unknown): boolean {
  return error instanceof UniqueViolation && error.fields.some((field) => field.includes('name'))
}

function nameClash(): AppError {
  return invalidRequest('/name', 'another fabric has this name')
}
