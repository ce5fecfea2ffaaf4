import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId } from '../base/ids.ts'
import { makeTenantScope } from '../base/tenant-scope.ts'
import { bearerChecksumHolds, hashToken } from '../crypto/bearer.ts'
import type { Db, Tx } from '../store/db.ts'
import { findMembership } from '../store/memberships.ts'
import { findServiceKeyByHash, touchServiceKey } from '../store/service-keys.ts'
import { findSessionByHash, touchSession } from '../store/sessions.ts'
import { listTeamsOfUser } from '../store/teams.ts'
import { findTenant } from '../store/tenants.ts'
import type { Caller, Credentials } from './caller.ts'
import { identityScope } from './identity-scope.ts'
import { authorityOf, type PrincipalFacts } from './roles.ts'
import { idleLimitMs } from './session-life.ts'

/** Sessions and keys note when they were used at most this often. */
const touchEveryMs = 60_000

/**
 * Who presents these credentials. Role, teams and tenant are read anew each time, so that a member who is
 * removed is out with the next request. What is wrong with a credential is nobody's to know.
 */
export function createAuthentication({ db, clock }: { readonly db: Db; readonly clock: Clock }) {
  async function bySession(token: string, requestId: string): Promise<Caller | null> {
    const row = await findSessionByHash(db, hashToken(token))
    const now = clock.now()
    if (row === null || row.expiresAt <= now || row.idleExpiresAt <= now) return null
    const tenantId = asId('tenant', row.tenantId)
    const facts = await db.inTenant(identityScope(tenantId, requestId), async (tx) => {
      const found = await userFacts(tx, row.userId)
      const dueBefore = plusMs(now, -touchEveryMs)
      if (found !== null && row.lastSeenAt < dueBefore) {
        const seen = { lastSeenAt: now, idleExpiresAt: plusMs(now, idleLimitMs) }
        await touchSession(tx, row.id, seen, dueBefore)
      }
      return found
    })
    if (facts === null) return null
    const actor = { kind: 'user', id: asId('user', row.userId) } as const
    const scope = makeTenantScope(tenantId, actor, authorityOf(facts), requestId)
    return { scope, via: 'session', sessionId: asId('session', row.id), keyId: null }
  }

  async function byServiceKey(bearer: string, requestId: string): Promise<Caller | null> {
    if (!bearer.startsWith('wfts_') || !bearerChecksumHolds(bearer)) return null
    const row = await findServiceKeyByHash(db, hashToken(bearer))
    const now = clock.now()
    if (row === null || row.revokedAt !== null) return null
    if (row.expiresAt !== null && row.expiresAt <= now) return null
    const tenantId = asId('tenant', row.tenantId)
    const isActive = await db.inTenant(identityScope(tenantId, requestId), async (tx) => {
      if (!(await isTenantActive(tx))) return false
      const dueBefore = plusMs(now, -touchEveryMs)
      if (row.lastUsedAt === null || row.lastUsedAt < dueBefore) {
        await touchServiceKey(tx, row.id, now, dueBefore)
      }
      return true
    })
    if (!isActive) return null
    const actor = {
      kind: 'service_account',
      id: asId('serviceAccount', row.serviceAccountId)
    } as const
    const authority = authorityOf({ kind: 'service_account' })
    const scope = makeTenantScope(tenantId, actor, authority, requestId)
    return { scope, via: 'service_key', sessionId: null, keyId: asId('key', row.id) }
  }

  return async ({ sessionToken, bearer, requestId }: Credentials): Promise<Caller> => {
    const caller =
      bearer !== null
        ? await byServiceKey(bearer, requestId)
        : sessionToken !== null && (await bySession(sessionToken, requestId))
    if (!caller) throw new AppError('unauthenticated')
    return caller
  }
}

async function isTenantActive(tx: Tx): Promise<boolean> {
  return (await findTenant(tx))?.status === 'active'
}

async function userFacts(tx: Tx, userId: string): Promise<PrincipalFacts | null> {
  const membership = await findMembership(tx, userId)
  if (membership === null || !(await isTenantActive(tx))) return null
  const teams = await listTeamsOfUser(tx, userId)
  return {
    kind: 'user',
    role: membership.role === 'tenant_admin' ? 'tenant_admin' : 'member',
    teams: teams.map(({ id, role }) => ({
      id: asId('team', id),
      role: role === 'admin' ? 'admin' : 'member'
    }))
  }
}
