import { AppError, invalidRequest } from '../base/errors.ts'
import { asId, type FabricId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { Resource, ResourceKind } from '../providers/resources.ts'
import { findFabric } from '../store/fabrics.ts'
import { leastLifeMs } from '../vault/token-state.ts'
import type { AccessToken } from '../vault/vault.ts'
import { type FabricAccess, type OpenFabric, refusedToken } from './fabric-access.ts'
import type { FabricDeps } from './fabric-deps.ts'
import type { DiscoveryQuery, Fabrics } from './fabrics.ts'
import { createResourceMemory, type Listed } from './resource-memory.ts'
import { callWorkspace } from './workspace-calls.ts'

/** Of one workspace's listing, each of up to a hundred; more than Databricks lets a workspace have of endpoints. */
const upstreamPagesMax = 50
const totalDeadlineMs = 30_000
/** Of one page; what is beyond is told without the permission. */
const permissionsMax = 50
const permissionsAtOnce = 8

/** What the workspace has that a fabric can point at, as the caller's identity sees it. */
export function createDiscovery(deps: FabricDeps, access: FabricAccess): Pick<Fabrics, 'discover'> {
  const { db, audit, clock } = deps
  const memory = createResourceMemory(clock)

  /** Asks once more with a new token where the workspace says that the one at hand is dead. */
  async function withToken<T>(
    scope: TenantScope,
    fabric: OpenFabric,
    ask: (token: AccessToken) => Promise<T>
  ): Promise<T> {
    const token = await access.token(scope, fabric, leastLifeMs)
    try {
      return await ask(token)
    } catch (error) {
      if (!isDeadToken(error)) throw error
    }
    const rejectedGeneration = token.generation
    const fresh = await access.token(scope, fabric, leastLifeMs, { rejectedGeneration })
    try {
      return await ask(fresh)
    } catch (error) {
      throw isDeadToken(error) ? refusedToken(fabric) : error
    }
  }

  async function readAll(fabric: OpenFabric, token: AccessToken, kind: ResourceKind) {
    const { provider, workspaceOrigin } = fabric
    const signal = AbortSignal.timeout(totalDeadlineMs)
    const at = { provider, workspaceOrigin, bearer: token.token }
    const found = new Map<string, Resource>()
    let pageToken: string | null = null
    for (let page = 1; page <= upstreamPagesMax; page += 1) {
      const call = provider.resourceListCall(kind, pageToken)
      const { items, nextPageToken } = await callWorkspace(deps, at, call, signal)
      for (const item of items) found.set(item.id, item)
      pageToken = nextPageToken
      if (pageToken === null) break
    }
    const items = [...found.values()].sort(byName)
    return { items, isCut: pageToken !== null, permissions: new Map() } satisfies Listed
  }

  /** What the listing left out, asked one by one for what is shown; what fails stays untold. */
  async function addPermissions(
    fabric: OpenFabric,
    token: AccessToken,
    { permissions }: Listed,
    kind: ResourceKind,
    shown: readonly Resource[]
  ): Promise<Resource[]> {
    const { provider, workspaceOrigin } = fabric
    const at = { provider, workspaceOrigin, bearer: token.token }
    const signal = AbortSignal.timeout(totalDeadlineMs)
    const untold = shown.filter((one) => one.permission === null && !permissions.has(one.id))
    const queue = untold.slice(0, permissionsMax)
    const work = async () => {
      for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
        const call = provider.resourcePermissionCall(kind, one.name)
        if (call === null) return
        const told = await callWorkspace(deps, at, call, signal).catch(() => null)
        permissions.set(one.id, told)
      }
    }
    await Promise.all(Array.from({ length: permissionsAtOnce }, work))
    return shown.map((one) => ({
      ...one,
      permission: one.permission ?? permissions.get(one.id) ?? null
    }))
  }

  /** A list of endpoints says nothing of compute, so who it limits is not shown any; its admins choose it. */
  async function refuseByList(
    scope: TenantScope,
    fabric: OpenFabric,
    kind: ResourceKind
  ): Promise<void> {
    if (fabric.endpoints === null || kind === 'serving_endpoint') return
    const row = await db.inTenant(scope, (tx) => findFabric(tx, fabric.id))
    const isAdmin = row !== null && scope.authority.may('fabric.update', asId('team', row.teamId))
    if (isAdmin) return
    const detail = 'This fabric or key is limited to serving endpoints'
    throw new AppError('endpoint_not_allowed', { detail })
  }

  return {
    async discover(scope, id, query) {
      const { kind, as } = query
      const after = query.cursor === null ? null : readCursor(query.cursor)
      const asked = { actAs: as, user: null, isDraftFine: true }
      const fabric = await access.open(scope, id, asked)
      await refuseByList(scope, fabric, kind)
      return await withToken(scope, fabric, async (token) => {
        const key = `${scope.tenantId}/${token.grantId}/${token.generation}/${kind}`
        const listed = await memory.get(key, async () => {
          const all = await readAll(fabric, token, kind)
          await audit.record(scope, [discoveryEvent(id, fabric, kind, all)])
          return all
        })
        const wanted = listed.items.filter((one) => isWanted(one, fabric, query, after))
        const shown = wanted.slice(0, query.limit)
        const last = wanted.length > query.limit ? shown.at(-1) : undefined
        return {
          items: await addPermissions(fabric, token, listed, kind, shown),
          nextCursor: last === undefined ? null : cursorOf(last),
          identity: fabric.identity,
          isCut: listed.isCut
        }
      })
    }
  }
}

function isDeadToken(error: unknown): boolean {
  return error instanceof AppError && error.code === 'sign_in_needed'
}

function isWanted(
  { id, name, ...rest }: Resource,
  { endpoints }: OpenFabric,
  { kind, text }: DiscoveryQuery,
  after: Place | null
): boolean {
  const isListed = kind !== 'serving_endpoint' || endpoints === null || endpoints.has(name)
  const word = text?.toLowerCase() ?? ''
  const isFound = name.toLowerCase().includes(word) || id.toLowerCase().includes(word)
  const isAfter = after === null || byName(after, { id, name, ...rest }) < 0
  return isListed && isFound && isAfter
}

type Place = Pick<Resource, 'id' | 'name'>

function byName(one: Place, other: Place): number {
  const [a, b] = [one, other].map(({ name, id }) => [name.toLowerCase(), name, id])
  for (const at of [0, 1, 2]) {
    const [left, right] = [a?.[at] ?? '', b?.[at] ?? '']
    if (left !== right) return left < right ? -1 : 1
  }
  return 0
}

function cursorOf({ name, id }: Place): string {
  return Buffer.from(JSON.stringify([name, id])).toString('base64url')
}

/** @throws AppError `invalid_request` */
function readCursor(cursor: string): Place {
  try {
    const [name, id, more] = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
    if (typeof name === 'string' && typeof id === 'string' && more === undefined) {
      return { name, id }
    }
  } catch {
    // Not what `cursorOf` makes.
  }
  throw invalidRequest('/query/cursor', 'not a cursor of this list')
}

function discoveryEvent(id: FabricId, { identity }: OpenFabric, kind: ResourceKind, all: Listed) {
  return {
    action: 'endpoint.discover',
    object: ['fabric', id],
    fabricId: id,
    details: { as: identity, kind, count: all.items.length }
  } as const
}
