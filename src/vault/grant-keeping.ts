import type { AuditEvent } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import { asId, type FabricId, type GrantId, newId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { TokenSet } from '../oauth/token-answer.ts'
import type { Tx } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  clearSetbacks,
  deleteGrant,
  findGrantToken,
  findServicePrincipalGrant,
  findUserGrant,
  type GrantRow,
  type GrantTokens,
  insertGrant,
  lockGrant,
  type UserGrantKey,
  updateGrant,
  upsertGrantToken
} from '../store/grants.ts'
import { bumpTenantVersion } from '../store/tenant-versions.ts'
import { announce } from './grant-announcements.ts'
import { type GrantStatus, readStatus, type WorkspaceUser } from './grant-status.ts'
import type { HeldGrants } from './held-grants.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { sealTokens } from './refresh-projection.ts'
import { lookAtTokens, schedule } from './refresh-scheduling.ts'
import { revokeAtProvider } from './revocation.ts'

export interface SignIn {
  readonly tokens: TokenSet
  readonly workspaceUser: WorkspaceUser
  /** Whether another workspace user than before may take the grant over. */
  readonly maySwitchUser: boolean
  readonly event: Omit<AuditEvent, 'object'>
}

export interface GrantKeeping {
  userGrant(scope: TenantScope, key: UserGrantKey): Promise<GrantStatus | null>
  servicePrincipalGrant(scope: TenantScope, fabricId: FabricId): Promise<GrantStatus | null>
  /** Makes the grant of a fabric's service principal, where there is none. */
  openServicePrincipalGrant(
    scope: TenantScope,
    fabricId: FabricId,
    workspaceOrigin: string
  ): Promise<GrantId>
  /** The next try of a service principal's grant need not wait: its admin may have mended it at the provider. */
  retryServicePrincipal(scope: TenantScope, fabricId: FabricId): Promise<void>
  /**
   * Keeps what a sign-in gave, in one transaction with its record; what was held before is replaced.
   * @throws AppError `conflict`: another one than the grant stands for
   */
  keepSignIn(scope: TenantScope, key: UserGrantKey, signIn: SignIn): Promise<GrantId>
  /**
   * Forgets a grant with all its tokens, in one transaction with its record, and tells the provider.
   * @returns whether it was there
   */
  forget(scope: TenantScope, grantId: GrantId, event: Omit<AuditEvent, 'object'>): Promise<boolean>
  /** Resolves when every revocation under way has ended. */
  settle(): Promise<void>
}

/** Each time beginning with what stands then. */
const keepAttemptsMax = 5

const noTokens: GrantTokens = {
  refreshTokenSealed: null,
  refreshIssuedAt: null,
  accessTokenSealed: null,
  accessExpiresAt: null,
  accessIssuedAt: null,
  scope: null
}

export function createGrantKeeping(deps: RefreshDeps, grants: HeldGrants): GrantKeeping {
  const { db, strongbox, clock, audit } = deps
  const revocations = new Set<Promise<void>>()

  async function openServicePrincipalGrant(
    scope: TenantScope,
    fabricId: FabricId,
    workspaceOrigin: string
  ): Promise<GrantId> {
    const id = newId('grant', clock)
    try {
      return await db.inTenant(scope, async (tx) => {
        const existing = await findServicePrincipalGrant(tx, fabricId)
        if (existing !== null) return asId('grant', existing.id)
        const now = clock.now()
        await insertGrant(tx, {
          id,
          kind: 'service_principal',
          userId: null,
          fabricId,
          workspaceOrigin,
          appConnectionId: null,
          state: 'pending',
          since: now,
          workspaceUserName: null,
          workspaceUserId: null,
          createdAt: now
        })
        await upsertGrantToken(tx, id, noTokens)
        return id
      })
    } catch (error) {
      if (!(error instanceof UniqueViolation)) throw error
      return await openServicePrincipalGrant(scope, fabricId, workspaceOrigin)
    }
  }

  async function tryKeepSignIn(
    scope: TenantScope,
    key: UserGrantKey,
    signIn: SignIn
  ): Promise<GrantId | null> {
    const existing = await db.inTenant(scope, (tx) => findUserGrant(tx, key))
    const id = existing === null ? newId('grant', clock) : asId('grant', existing.id)
    const verdict = { kind: 'granted' as const, tokens: signIn.tokens }
    const now = clock.now()
    const tokens = await sealTokens(strongbox, scope, id, verdict, now)
    try {
      await db.inTenant(scope, (tx) => writeSignIn(tx, { id, key, signIn, tokens, now }))
    } catch (error) {
      // Another tab finished first, or the grant was forgotten meanwhile.
      if (error instanceof UniqueViolation || isGone(error)) return null
      throw error
    }
    grants.drop(scope, id)
    return id
  }

  const keepSignIn: GrantKeeping['keepSignIn'] = async (scope, key, signIn) => {
    for (let attempt = 1; attempt <= keepAttemptsMax; attempt += 1) {
      const id = await tryKeepSignIn(scope, key, signIn)
      if (id !== null) return id
    }
    throw new AppError('not_found')
  }

  async function writeSignIn(tx: Tx, { id, key, signIn, tokens, now }: SignInRow): Promise<void> {
    const existing = await findUserGrant(tx, key)
    if (existing !== null && existing.id !== id) throw new AppError('not_found')
    const before = await lockGrant(tx, id)
    refuseOtherUser(existing, signIn)
    const standing = {
      state: 'active',
      since: existing?.state === 'active' ? existing.since : now,
      workspaceUserName: signIn.workspaceUser.userName,
      workspaceUserId: signIn.workspaceUser.id,
      signedInAt: now
    }
    const kind = key.appConnectionId === null ? 'pat' : 'user'
    if (existing === null) {
      await insertGrant(tx, {
        id,
        kind,
        fabricId: null,
        ...key,
        ...standing,
        createdAt: now
      })
    } else {
      await updateGrant(tx, id, { ...standing, cause: null, nextTryAt: null, failures: 0 })
    }
    await upsertGrantToken(tx, id, tokens)
    await schedule(tx, lookAtTokens({ id, kind, ...key }, tokens, { now, isUse: true }))
    await audit.append(tx, { ...signIn.event, object: ['grant', id] })
    if (before !== null) await announce(deps, tx, before, null)
  }

  async function forget(
    scope: TenantScope,
    grantId: GrantId,
    event: Omit<AuditEvent, 'object'>
  ): Promise<boolean> {
    const forgotten = await db.inTenant(scope, async (tx) => {
      const grant = await lockGrant(tx, grantId)
      const token = await findGrantToken(tx, grantId)
      if (grant === null || !(await deleteGrant(tx, grantId))) return null
      await audit.append(tx, { ...event, object: ['grant', grantId] })
      return { grant, refreshTokenSealed: token?.refreshTokenSealed ?? null }
    })
    grants.drop(scope, grantId)
    if (forgotten === null) return false
    const revocation = revokeAtProvider(deps, scope, forgotten)
      .catch(() => undefined)
      .finally(() => revocations.delete(revocation))
    revocations.add(revocation)
    return true
  }

  return {
    userGrant: (scope, key) => readStatus(db, scope, (tx) => findUserGrant(tx, key)),
    servicePrincipalGrant: (scope, fabricId) =>
      readStatus(db, scope, (tx) => findServicePrincipalGrant(tx, fabricId)),
    openServicePrincipalGrant,
    async retryServicePrincipal(scope, fabricId) {
      await db.inTenant(scope, async (tx) => {
        if ((await clearSetbacks(tx, { fabricId })) > 0) await bumpTenantVersion(tx)
      })
    },
    keepSignIn,
    forget,
    async settle() {
      await Promise.allSettled(revocations)
    }
  }
}

interface SignInRow {
  readonly id: GrantId
  readonly key: UserGrantKey
  readonly signIn: SignIn
  readonly tokens: GrantTokens
  readonly now: Date
}

/** A connection stands for one workspace user; becoming another one is a choice and never an accident. */
function refuseOtherUser(
  existing: GrantRow | null,
  { workspaceUser, maySwitchUser }: SignIn
): void {
  if (existing === null || existing.workspaceUserId === null || maySwitchUser) return
  if (existing.workspaceUserId === workspaceUser.id) return
  throw new AppError('conflict', {
    detail:
      `You signed in as ${workspaceUser.userName}, but this connection is ${existing.workspaceUserName}'s. ` +
      'Sign in as that user, or say that it is to become the other one.'
  })
}

function isGone(error: unknown): boolean {
  return error instanceof AppError && error.code === 'not_found'
}
