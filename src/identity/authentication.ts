import { type Clock, plusMs } from '../base/clock.ts'
import { AppError } from '../base/errors.ts'
import { asId, type TenantId } from '../base/ids.ts'
import { makeTenantScope } from '../base/tenant-scope.ts'
import { bearerChecksumHolds, hashToken } from '../crypto/bearer.ts'
import type { Db, Tx } from '../store/db.ts'
import { findMembership } from '../store/memberships.ts'
import { findServiceKeyByHash, type ServiceKeyRow, touchServiceKey } from '../store/service-keys.ts'
import { findKeyOfServiceToken, findServiceTokenByHash } from '../store/service-tokens.ts'
import { findSessionByHash, touchSession } from '../store/sessions.ts'
import { listTeamsOfUser } from '../store/teams.ts'
import { findTenant } from '../store/tenants.ts'
import type { Caller, Credentials } from './caller.ts'
import { identityScope } from './identity-scope.ts'
import { authorityOf, type PrincipalFacts } from './roles.ts'
import { isKeyGood } from './service-keys.ts'
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
    const row = await findServiceKeyByHash(db, hashToken(bearer))
    if (row === null) return null
    const tenantId = asId('tenant', row.tenantId)
    return await byKey(tenantId, 'service_key', requestId, async () => row)
  }

  async function byServiceToken(bearer: string, requestId: string): Promise<Caller | null> {
    const token = await findServiceTokenByHash(db, hashToken(bearer))
    if (token === null || token.expiresAt <= clock.now()) return null
    const tenantId = asId('tenant', token.tenantId)
    return await byKey(tenantId, 'service_token', requestId, (tx) =>
      findKeyOfServiceToken(tx, token.hash)
    )
  }

  /** A token is worth what its key is worth at this moment. */
  async function byKey(
    tenantId: TenantId,
    via: 'service_key' | 'service_token',
    requestId: string,
    find: (tx: Tx) => Promise<ServiceKeyRow | null>
  ): Promise<Caller | null> {
    const now = clock.now()
    const key = await db.inTenant(identityScope(tenantId, requestId), async (tx) => {
      const row = await find(tx)
      if (row === null || !isKeyGood(row, now) || !(await isTenantActive(tx))) return null
      const dueBefore = plusMs(now, -touchEveryMs)
      if (row.lastUsedAt === null || row.lastUsedAt < dueBefore) {
        await touchServiceKey(tx, row.id, now, dueBefore)
      }
      return row
    })
    if (key === null) return null
    const id = asId('serviceAccount', key.serviceAccountId)
    const authority = authorityOf({ kind: 'service_account' })
    const scope = makeTenantScope(tenantId, { kind: 'service_account', id }, authority, requestId)
    return { scope, via, sessionId: null, keyId: asId('key', key.id) }
  }

  async function byBearer(bearer: string, requestId: string): Promise<Caller | null> {
    if (!bearerChecksumHolds(bearer)) return null
    if (bearer.startsWith('wfts_')) return await byServiceKey(bearer, requestId)
    return bearer.startsWith('wftt_') ? await byServiceToken(bearer, requestId) : null
  }

  return async ({ sessionToken, bearer, requestId }: Credentials): Promise<Caller> => {
    const caller =
      bearer !== null
        ? await byBearer(bearer, requestId)
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
