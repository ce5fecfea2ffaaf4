import { asId, type KeyId, type SessionId, type TenantId } from '../base/ids.ts'
import type { Actor, Authority } from '../base/tenant-scope.ts'
import type { Db, Tx } from '../store/db.ts'
import { findMembership } from '../store/memberships.ts'
import { isPlatformOperator } from '../store/platform-operators.ts'
import { findServiceKey, findServiceKeyByHash, type ServiceKeyRow } from '../store/service-keys.ts'
import { findServiceToken, findServiceTokenByHash } from '../store/service-tokens.ts'
import { findSession, findSessionByHash } from '../store/sessions.ts'
import { listTeamsOfUser } from '../store/teams.ts'
import { findTenant } from '../store/tenants.ts'
import type { Remembered } from '../store/versioned-memory.ts'
import type { Caller } from './caller.ts'
import { identityScope } from './identity-scope.ts'
import type { LastUse } from './last-uses.ts'
import { authorityOf } from './roles.ts'
import { tenantRoleOf } from './tenant-role.ts'

/** Whom a credential stands for, as it was read: good until its tenant changes or its time is over. */
export interface Credential {
  readonly via: Caller['via']
  readonly tenantId: TenantId
  readonly actor: Actor
  readonly authority: Authority
  readonly sessionId: SessionId | null
  readonly keyId: KeyId | null
  /** Not one of these is over; a session's idle time is moved on by its use, on any replica. */
  readonly ends: readonly Date[]
  readonly lastUse: LastUse
}

/** Reads what stands behind a hash. Null: nothing that lets anybody in. */
export type ReadCredential = (hash: string) => Promise<Remembered<Credential> | null>

/** What may be presented, each by its own look-up: a hash of one kind never finds another. */
export function createCredentialReading(db: Db): Readonly<Record<Caller['via'], ReadCredential>> {
  /** Finds whose it is, then reads it anew in its tenant, under the version that the tenant has. */
  function reading(
    locate: (hash: string) => Promise<{ tenantId: string } | null>,
    read: (tx: Tx, hash: string) => Promise<Credential | null>
  ): ReadCredential {
    return async (hash) => {
      const located = await locate(hash)
      if (located === null) return null
      const tenantId = asId('tenant', located.tenantId)
      return await db.inTenant(identityScope(tenantId, null), async (tx) => {
        const tenant = await findTenant(tx)
        if (tenant?.status !== 'active') return null
        const value = await read(tx, hash)
        return value === null ? null : { tenantId, version: tenant.version, value }
      })
    }
  }

  return {
    session: reading((hash) => findSessionByHash(db, hash), readSession),
    service_key: reading(
      (hash) => findServiceKeyByHash(db, hash),
      async (tx, hash) => {
        const key = await findServiceKey(tx, hash)
        return key === null ? null : ofKey('service_key', key, [])
      }
    ),
    service_token: reading(
      (hash) => findServiceTokenByHash(db, hash),
      async (tx, hash) => {
        const token = await findServiceToken(tx, hash)
        return token === null ? null : ofKey('service_token', token.key, [token.expiresAt])
      }
    )
  }
}

async function readSession(tx: Tx, hash: string): Promise<Credential | null> {
  const row = await findSession(tx, hash)
  const membership = row === null ? null : await findMembership(tx, row.userId)
  if (row === null || membership?.status !== 'active') return null
  const { tenantId } = tx.scope
  const teams = await listTeamsOfUser(tx, row.userId)
  const authority = authorityOf({
    kind: 'user',
    isPlatformOperator: await isPlatformOperator(tx, row.userId),
    role: await tenantRoleOf(tx, membership),
    teams: teams.map(({ id, role }) => ({
      id: asId('team', id),
      role: role === 'admin' ? 'admin' : 'member'
    }))
  })
  return {
    via: 'session',
    tenantId,
    actor: { kind: 'user', id: asId('user', row.userId) },
    authority,
    sessionId: asId('session', row.id),
    keyId: null,
    ends: [row.expiresAt, row.idleExpiresAt],
    lastUse: { kind: 'session', tenantId, id: row.id, at: row.lastSeenAt }
  }
}

/** A token is worth what its key is worth. */
function ofKey(
  via: 'service_key' | 'service_token',
  key: ServiceKeyRow,
  ends: readonly Date[]
): Credential | null {
  if (key.revokedAt !== null) return null
  const tenantId = asId('tenant', key.tenantId)
  return {
    via,
    tenantId,
    actor: { kind: 'service_account', id: asId('serviceAccount', key.serviceAccountId) },
    authority: authorityOf({ kind: 'service_account' }),
    sessionId: null,
    keyId: asId('key', key.id),
    ends: key.expiresAt === null ? ends : [...ends, key.expiresAt],
    lastUse: { kind: 'service_key', tenantId, id: key.id, at: key.lastUsedAt }
  }
}
