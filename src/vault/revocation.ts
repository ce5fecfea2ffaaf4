import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import { AppError, problemCodeOf } from '../base/errors.ts'
import { type AppConnectionId, asId } from '../base/ids.ts'
import type { Secret } from '../base/secret.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { AuthorizationServer } from '../oauth/authorization-server.ts'
import { revokeRefreshToken } from '../oauth/revocation.ts'
import { type GrantRow, listRevocableGrants } from '../store/grants.ts'
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

const openedAtOnce = 8

/**
 * Opens the refresh tokens of all of a tenant's users, or of one app connection's, as many as `deadlineMs` allows; what it returns needs
 * no key and no row any more.
 */
export async function prepareRevocations(
  deps: RefreshDeps,
  scope: TenantScope,
  deadlineMs: number,
  appConnectionId?: AppConnectionId
): Promise<RevokeAll> {
  const held = await deps.db.inTenant(scope, (tx) => listRevocableGrants(tx, appConnectionId))
  const revocations: (() => Promise<void>)[] = []
  await eachWithin(deps.clock, deadlineMs, held, async ({ grant, refreshTokenSealed }) => {
    revocations.push(await prepareRevocation(deps, scope, grant, refreshTokenSealed))
  })
  return async (leftMs) => {
    const revoked = await eachWithin(deps.clock, leftMs, revocations, (revoke) => revoke())
    return { revoked, notRevoked: held.length - revoked }
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
