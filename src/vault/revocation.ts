import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { AppError, problemCodeOf } from '../base/errors.ts'
import { type AppConnectionId, asId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { AuthorizationServer } from '../oauth/authorization-server.ts'
import { revokeRefreshToken } from '../oauth/revocation.ts'
import { countRevocableGrants, type GrantRow, listRevocableGrants } from '../store/grants.ts'
import { credentialsOf, type GrantCredentials } from './credentials.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { refreshTokenPlace } from './refresh-projection.ts'

type Clients = Pick<GrantCredentials, 'provider' | 'candidates'>

/** What is still held of a grant that has just been forgotten. */
export interface Forgotten {
  readonly grant: GrantRow
  readonly refreshTokenSealed: string | null
}

/**
 * Tells the provider that a refresh token is no longer wanted (RFC 7009), as well as it can: the grant is
 * gone here whatever comes of it, and what came of it is an event.
 */
export async function revokeAtProvider(
  deps: RefreshDeps,
  scope: TenantScope,
  { grant, refreshTokenSealed }: Forgotten
): Promise<void> {
  if (grant.kind !== 'user' || refreshTokenSealed === null) return
  const revoke = () => prepareRevocation(deps, scope, grant, refreshTokenSealed)
  await onRecord(deps, scope, grant, async () => await (await revoke())())
}

/**
 * The provider has just given a refresh token for a grant that was forgotten meanwhile, after its own was revoked
 * perhaps: this one is revoked too, by the client that got it.
 */
export async function revokeOrphan(
  deps: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow,
  held: Clients & { server: AuthorizationServer; orphan: Secret }
): Promise<void> {
  const { server, orphan } = held
  const revoke = () => revokeAs(deps, held, { ...grant, server }, orphan)
  // The tenant may be gone, and its record with it.
  await onRecord(deps, scope, grant, revoke).catch(() => undefined)
}

async function onRecord(
  { audit }: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow,
  revoke: () => Promise<void>
): Promise<void> {
  const fault = await revoke().then(() => null, problemCodeOf)
  const outcome = fault === null ? ('succeeded' as const) : ('failed' as const)
  await audit.record(scope, [
    {
      action: 'grant.revoke',
      object: ['grant', grant.id],
      outcome,
      ...(fault === null ? {} : { code: fault })
    }
  ])
}

async function revokeAs(
  { exchange }: RefreshDeps,
  { provider, candidates }: Clients,
  at: { readonly workspaceOrigin: string; readonly server: AuthorizationServer },
  token: Secret
): Promise<void> {
  const [newest] = candidates
  if (newest === undefined) throw new AppError('app_connection_missing')
  const { workspaceOrigin, server } = at
  await revokeRefreshToken(
    exchange,
    { provider, workspaceOrigin, server, client: newest.client },
    token
  )
}

/** Opens all that a revocation needs, so that it can be done when nothing can be opened any more. */
async function prepareRevocation(
  deps: RefreshDeps,
  scope: TenantScope,
  grant: GrantRow,
  refreshTokenSealed: string
): Promise<() => Promise<void>> {
  const place = refreshTokenPlace(asId('grant', grant.id))
  const token = await deps.strongbox.open(scope, place, refreshTokenSealed)
  const credentials = await credentialsOf(deps, scope, grant)
  const { workspaceOrigin } = grant
  return async () => {
    const server = await deps.servers.discover(credentials.provider, workspaceOrigin)
    await revokeAs(deps, credentials, { workspaceOrigin, server }, token)
  }
}

/** What was done of a tenant's revocations. */
export interface Revocations {
  readonly revoked: number
  /** Refused, failed, or not even begun when the time was up. */
  readonly notRevoked: number
}

/** Tells the provider of every user's grant of a tenant, within `deadlineMs`. */
export type RevokeAll = (deadlineMs: number) => Promise<Revocations>

/** Which grants, and how many of them are read at once. */
export interface RevocationsWanted {
  /** Default: those of all app connections. */
  readonly appConnectionId?: AppConnectionId
  readonly pageSize?: number
}

const openedAtOnce = 8
const pageSizeDefault = 500
/** More than can be told in any deadline that a caller gives: the rest stays unopened and counts as not revoked. */
const openedMax = 10_000

/**
 * Opens the refresh tokens of all of a tenant's users, or of one app connection's, as many as `deadlineMs` allows, page by page; what it
 * returns needs no key and no row any more.
 */
export async function prepareRevocations(
  deps: RefreshDeps,
  scope: TenantScope,
  deadlineMs: number,
  { appConnectionId, pageSize = pageSizeDefault }: RevocationsWanted = {}
): Promise<RevokeAll> {
  const { db, clock } = deps
  const endMs = clock.monotonicMs() + deadlineMs
  const held = await db.inTenant(scope, (tx) => countRevocableGrants(tx, appConnectionId))
  const revocations: (() => Promise<void>)[] = []
  let page: Awaited<ReturnType<typeof listRevocableGrants>> | null = null
  while (clock.monotonicMs() < endMs && revocations.length < openedMax) {
    const after: string = page?.at(-1)?.grant.id ?? ''
    const wanted = { limit: pageSize, after, appConnectionId }
    page = await db.inTenant(scope, (tx) => listRevocableGrants(tx, wanted))
    await eachWithin(clock, endMs - clock.monotonicMs(), page, async (one) => {
      revocations.push(await prepareRevocation(deps, scope, one.grant, one.refreshTokenSealed))
    })
    if (page.length < pageSize) break
  }
  return async (leftMs) => {
    const revoked = await eachWithin(clock, leftMs, revocations, (revoke) => revoke())
    return { revoked, notRevoked: Math.max(held - revoked, 0) }
  }
}

/** Does `work` for each, a few at once, and begins none after the deadline. @returns how many went well in time */
async function eachWithin<T>(
  clock: Clock,
  deadlineMs: number,
  items: readonly T[],
  work: (item: T) => Promise<void>
): Promise<number> {
  const endMs = clock.monotonicMs() + deadlineMs
  const left = [...items]
  let done = 0
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) {
      if (clock.monotonicMs() >= endMs) return
      const isWell = await work(item).then(
        () => true,
        () => false
      )
      if (isWell) done += 1
    }
  }
  const all = Promise.all(Array.from({ length: openedAtOnce }, worker))
  await Promise.race([all, delay(deadlineMs, undefined, { ref: false })])
  return done
}
