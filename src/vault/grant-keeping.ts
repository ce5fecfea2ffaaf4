import type { AuditEvent } from '../audit/audit.ts'
import { AppError } from '../base/errors.ts'
import { asId, type FabricId, type GrantId, newId } from '../base/ids.ts'
import type { TenantScope } from '../base/tenant-scope.ts'
import type { TokenSet } from '../oauth/token-answer.ts'
import type { Tx } from '../store/db.ts'
import { UniqueViolation } from '../store/db-errors.ts'
import {
  deleteGrant,
  findGrantToken,
  findServicePrincipalGrant,
  findUserGrant,
  type GrantRow,
  insertGrant,
  type UserGrantKey,
  updateGrant,
  upsertGrantToken
} from '../store/grants.ts'
import type { RefreshDeps } from './refresh-deps.ts'
import { sealTokens } from './refresh-projection.ts'
import type { GrantState } from './token-state.ts'

export interface WorkspaceUser {
  readonly userName: string
  readonly id: string
}

/** A grant as its owner may see it. */
export interface GrantStatus {
  readonly id: GrantId
  readonly state: GrantState
  readonly cause: string | null
  readonly since: Date
  readonly nextTryAt: Date | null
  readonly accessExpiresAt: Date | null
  readonly workspaceUser: WorkspaceUser | null
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
  /** Keeps what a sign-in gave, in one transaction with its record; what was held before is replaced. */
  keepSignIn(
    scope: TenantScope,
    key: UserGrantKey,
    signIn: { tokens: TokenSet; workspaceUser: WorkspaceUser; event: Omit<AuditEvent, 'object'> }
  ): Promise<GrantId>
  /** Forgets a grant with all its tokens, in one transaction with its record. @returns whether it was there */
  forget(scope: TenantScope, grantId: GrantId, event: Omit<AuditEvent, 'object'>): Promise<boolean>
}

const noTokens = {
  refreshTokenSealed: null,
  accessTokenSealed: null,
  accessExpiresAt: null,
  accessIssuedAt: null,
  scope: null
}

export function createGrantKeeping(
  deps: Pick<RefreshDeps, 'db' | 'strongbox' | 'clock' | 'audit'>
): GrantKeeping {
  const { db, strongbox, clock, audit } = deps

  async function statusOf(
    scope: TenantScope,
    find: (tx: Tx) => Promise<GrantRow | null>
  ): Promise<GrantStatus | null> {
    return await db.inTenant(scope, async (tx) => {
      const grant = await find(tx)
      if (grant === null) return null
      const token = await findGrantToken(tx, grant.id)
      return toStatus(grant, token?.accessExpiresAt ?? null)
    })
  }

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
        const owner = { userId: null, appConnectionId: null, fabricId }
        const workspace = { workspaceOrigin, workspaceUserName: null, workspaceUserId: null }
        const kind = 'service_principal'
        await insertGrant(tx, {
          id,
          kind,
          ...owner,
          ...workspace,
          state: 'pending',
          since: now,
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

  const keepSignIn: GrantKeeping['keepSignIn'] = async (scope, key, signIn) => {
    const existing = await db.inTenant(scope, (tx) => findUserGrant(tx, key))
    const id = existing === null ? newId('grant', clock) : asId('grant', existing.id)
    const verdict = { kind: 'granted' as const, tokens: signIn.tokens }
    const tokens = await sealTokens(strongbox, scope, id, verdict)
    const now = clock.now()
    const workspace = {
      workspaceUserName: signIn.workspaceUser.userName,
      workspaceUserId: signIn.workspaceUser.id
    }
    try {
      await db.inTenant(scope, async (tx) => {
        const since = existing?.state === 'active' ? existing.since : now
        const fresh = { state: 'active', since, ...workspace }
        if (existing === null) {
          await insertGrant(tx, {
            id,
            kind: 'user',
            fabricId: null,
            ...key,
            ...fresh,
            createdAt: now
          })
        } else {
          await updateGrant(tx, id, { ...fresh, cause: null, nextTryAt: null, failures: 0 })
        }
        await upsertGrantToken(tx, id, tokens)
        await audit.append(tx, { ...signIn.event, object: ['grant', id] })
      })
      return id
    } catch (error) {
      // Another tab finished first, or the grant was forgotten meanwhile: begin with what stands now.
      const isRace = error instanceof UniqueViolation || isGone(error)
      if (!isRace) throw error
      return await keepSignIn(scope, key, signIn)
    }
  }

  return {
    userGrant: (scope, key) => statusOf(scope, (tx) => findUserGrant(tx, key)),
    servicePrincipalGrant: (scope, fabricId) =>
      statusOf(scope, (tx) => findServicePrincipalGrant(tx, fabricId)),
    openServicePrincipalGrant,
    keepSignIn,
    forget: (scope, grantId, event) =>
      db.inTenant(scope, async (tx) => {
        const wasThere = await deleteGrant(tx, grantId)
        if (wasThere) await audit.append(tx, { ...event, object: ['grant', grantId] })
        return wasThere
      })
  }
}

function toStatus(grant: GrantRow, accessExpiresAt: Date | null): GrantStatus {
  const { workspaceUserName: userName, workspaceUserId: id } = grant
  return {
    id: asId('grant', grant.id),
    state: grant.state as GrantState, // the table's check constraint holds it to these
    cause: grant.cause,
    since: grant.since,
    nextTryAt: grant.nextTryAt,
    accessExpiresAt,
    workspaceUser: userName === null || id === null ? null : { userName, id }
  }
}

function isGone(error: unknown): boolean {
  return error instanceof AppError && error.code === 'not_found'
}
